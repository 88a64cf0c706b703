"""What may be written: checked before any work, and nothing is written by the check."""

import os
import pathlib

import pytest

from tf_ttur.errors import UserError
from tf_ttur.io import outputs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.npz").write_text("own", encoding="utf-8")
    (tmp_path / "foreign.npz").write_text("foreign", encoding="utf-8")
    (tmp_path / "photos.zip").write_text("photos", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "x.npz").mkdir()
    os.link("own.npz", "link.npz")
    os.symlink("photos.zip", "symlink.npz")
    before = sorted(tmp_path.rglob("*"))
    yield tmp_path
    assert sorted(tmp_path.rglob("*")) == before


def is_own(path):
    return path.read_text(encoding="utf-8") == "own"


def check(word, suffixes=(".npz",), **options):
    """The checked path of a file of statistics."""
    return outputs.check_file(word, suffixes, "a statistics file", is_own, **options)


@pytest.mark.parametrize(
    "word, path",
    [
        ("new.npz", "new.npz"),
        ("new/deep/a.npz", "new/deep/a.npz"),
        ("own.npz", "own.npz"),
        ("faces", "faces.npz"),
        ("faces.v2", "faces.v2.npz"),
        ("own", "own.npz"),
    ],
)
def test_files_that_may_be_written(word, path):
    assert check(word) == pathlib.Path(path)


def test_an_added_suffix_is_said(capsys):
    check("faces")
    assert "--output faces does not end in .npz: writing faces.npz" in capsys.readouterr().err
    check("faces.npz")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "word, message",
    [
        ("", "--output is empty"),
        ("gs://bucket/a.npz", "on this machine"),
        ("out", r"out is a folder\n.*ends in \.npz\n.*out/NAME\.npz"),
        ("out/", "is a folder"),
        ("new/", "is a folder"),
        ("x.npz", "x.npz is a folder"),
        ("x", "x.npz is a folder"),
        ("foreign.npz", r"foreign\.npz exists and is not a statistics file\n(.*\n)*.*--overwrite"),
        ("foreign", r"foreign\.npz exists"),
        ("own.npz/a.npz", "own.npz, which is a file"),
    ],
)
def test_files_that_may_not_be_written(word, message):
    with pytest.raises(UserError, match=message):
        check(word)


def test_overwrite_replaces_what_is_no_source():
    assert check("foreign.npz", overwrite=True) == pathlib.Path("foreign.npz")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"is the source foreign\.npz"):
            check("foreign.npz", sources=["own.npz", "foreign.npz"], overwrite=overwrite)


@pytest.mark.parametrize(
    "word, source",
    [
        ("photos.zip", "photos.zip"),
        ("./out/../photos.zip", "photos.zip"),
        ("symlink.npz", "photos.zip"),
        ("own.npz", "link.npz"),
        ("own", "own.npz"),
    ],
)
def test_no_source_is_replaced_by_whatever_name(word, source):
    with pytest.raises(UserError, match="is the source"):
        check(word, sources=["digits:30", "tfds:cifar10/train", source], overwrite=True)


def test_a_file_that_gets_another_name_is_checked_under_that_name():
    def rename(path):
        return path.with_name(f"foreign{path.suffix}")

    with pytest.raises(UserError, match=r"foreign\.npz exists"):
        check("own.npz", rename=rename)


def test_one_of_several_suffixes_is_asked_for():
    with pytest.raises(UserError, match=r"--output curve\n.*ends in \.png or \.svg"):
        check("curve", suffixes=(".png", ".svg"))


@pytest.mark.parametrize("word", ["out", "out/", "new", "new/deep"])
def test_folders_that_may_be_written(word):
    assert outputs.check_folder(word) == pathlib.Path(word)


@pytest.mark.parametrize(
    "word, message",
    [
        ("own.npz", "own.npz is a file"),
        ("own.npz/deep/er", "own.npz, which is a file"),
        ("", "--workdir is empty"),
        ("gs://bucket/run", "on this machine"),
    ],
)
def test_folders_that_may_not_be_written(word, message):
    with pytest.raises(UserError, match=message):
        outputs.check_folder(word, "--workdir")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("word", ["out", "out/new"])
def test_a_folder_without_permission(folder, word):
    (folder / "out").chmod(0o500)
    with pytest.raises(UserError, match="out cannot be written"):
        outputs.check_folder(word)
    with pytest.raises(UserError, match="out cannot be written"):
        check(f"{word}/a.npz")
