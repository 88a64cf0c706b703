import pathlib

import pytest

from tf_ttur.training import export, networks


@pytest.fixture
def write(tiny, tmp_path):
    """A function that exports to tmp_path / "export", and what is in it after the first time."""
    generator = networks.build_generator(tiny, 0)

    def write():
        export.export(tiny, generator, tmp_path / "export")

    write()
    (tmp_path / "export/mark").write_text("the first")
    return write


def test_an_earlier_export_stays_where_the_new_one_cannot_take_its_name(
    write, tmp_path, monkeypatch
):
    rename = pathlib.Path.rename

    def fails(self, target):
        if self.name == "whole":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("pathlib.Path.rename", fails)
        write()
    assert (tmp_path / "export/mark").exists() and [path.name for path in tmp_path.iterdir()] == [
        "export"
    ]
    write()
    assert not (tmp_path / "export/mark").exists() and [
        path.name for path in tmp_path.iterdir()
    ] == ["export"]


def test_what_a_killed_export_had_moved_away_comes_back(write, tmp_path, monkeypatch):
    (tmp_path / ".export.xyz/whole").mkdir(parents=True)
    (tmp_path / "export").rename(tmp_path / ".export.xyz/old")

    def no_room(*_, **__):
        raise OSError("no room")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no room"):
        patch.setattr("tensorflow.saved_model.save", no_room)
        write()
    assert (tmp_path / "export/mark").exists() and [path.name for path in tmp_path.iterdir()] == [
        "export"
    ]
