"""Every way in which the files of a checkpoint can be wrong."""

import resource

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.state import State


class Small:
    """A state with one weight."""

    read = State.read

    def __init__(self):
        self.weight = tf.Variable(tf.zeros(1000))
        self.checkpoint = tf.train.Checkpoint(weight=self.weight)


@pytest.fixture
def state():
    return Small()


@pytest.fixture
def kept(state, tmp_path):
    """Checkpoints after 2, 4 and 6 updates, with that number as the weight."""
    checkpoints = Checkpoints(tmp_path, state, keep=3)
    for number in (2, 4, 6):
        state.weight.assign(tf.fill(1000, float(number)))
        checkpoints.save(number)
    state.weight.assign(tf.zeros(1000))
    return checkpoints


def index(tmp_path, number):
    return tmp_path / f"checkpoints/ckpt-{number}.index"


def data(tmp_path, number):
    return tmp_path / f"checkpoints/ckpt-{number}.data-00000-of-00001"


def test_the_newest_is_taken_and_the_oldest_go(kept, state, tmp_path):
    assert kept.restore() == 6 and float(state.weight[0]) == 6
    kept.save(8)
    assert kept.numbers == [4, 6, 8]
    assert tf.train.latest_checkpoint(str(tmp_path / "checkpoints")) == kept.path(8)
    assert {path.name.partition(".")[0] for path in (tmp_path / "checkpoints").iterdir()} == {
        "checkpoint",
        "ckpt-4",
        "ckpt-6",
        "ckpt-8",
    }


def test_nothing_to_restore(state, tmp_path):
    assert Checkpoints(tmp_path, state).restore() is None
    assert list(tmp_path.iterdir()) == []


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("file", [index, data])
@pytest.mark.parametrize("damage", [flip, cut, lambda path: path.write_bytes(b"")])
def test_a_damaged_one_is_set_aside_and_the_one_before_taken(
    kept, state, tmp_path, capfd, file, damage
):
    damage(file(tmp_path, 6))
    content = file(tmp_path, 6).read_bytes()
    assert kept.restore() == 4 and (state.weight.numpy() == 4).all()
    said = " ".join(capfd.readouterr().err.split())
    assert (
        "ckpt-6 is damaged" in said
        and "damaged-6" in said
        and "after 4 updates: 2 updates will be repeated" in said
    )
    assert kept.numbers == [2, 4]
    assert (tmp_path / "checkpoints/damaged-6" / file(tmp_path, 6).name).read_bytes() == content
    kept.save(6)
    damage(file(tmp_path, 6))
    assert kept.restore() == 4 and (tmp_path / "checkpoints/damaged-6.2").is_dir()


def test_what_a_killed_save_left_is_removed(kept, state, tmp_path):
    Checkpoints(tmp_path, state, keep=4).save(8)
    assert kept.numbers == [2, 4, 6, 8]
    assert kept.restore() == 8 and kept.numbers == [4, 6, 8]


def test_other_names_are_left_alone(kept, tmp_path):
    for name in ("ckpt-6 (copy).index", "ckpt-old.data-00000-of-00001"):
        (tmp_path / "checkpoints" / name).write_text("")
    (tmp_path / "checkpoints/best-of").mkdir()
    kept.save(8)
    kept.keep_best(8)
    assert (
        kept.numbers == [4, 6, 8]
        and kept.restore() == 8
        and (tmp_path / "checkpoints/ckpt-6 (copy).index").exists()
    )
    assert (tmp_path / "checkpoints/best-of").exists()


def test_a_checkpoint_that_may_not_be_read_is_not_damaged(kept, state, tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "refused")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(PermissionError):
        kept.restore()
    assert kept.numbers == [2, 4, 6]


def test_all_damaged(kept, tmp_path):
    for number in (2, 4, 6):
        cut(data(tmp_path, number))
    assert kept.restore() is None
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("damaged-*")) == [
        "damaged-2",
        "damaged-4",
        "damaged-6",
    ]


def test_the_best_one_is_the_last_hope(kept, state, tmp_path, capfd):
    kept.restore()
    kept.keep_best(6)
    for number in (2, 4, 6):
        cut(data(tmp_path, number))
    state.weight.assign(tf.zeros(1000))
    assert kept.restore() == 6 and (state.weight.numpy() == 6).all()
    assert "after 6 updates: 0 updates" in " ".join(capfd.readouterr().err.split())
    assert kept.numbers == [2, 4, 6]  # a copy of the best is the last one again
    assert kept.best
    assert kept.restore() == 6
    kept.save(8)
    for path in (
        data(tmp_path, 4),
        data(tmp_path, 6),
        data(tmp_path, 8),
        tmp_path / "checkpoints/best-6/ckpt-6.data-00000-of-00001",
    ):
        cut(path)
    assert kept.restore() is None and kept.best is None
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {
        "checkpoint",
        "damaged-4",
        "damaged-6",
        "damaged-6.2",
        "damaged-6.3",
        "damaged-8",
    }


def test_data_without_an_index_are_no_checkpoint(kept, tmp_path):
    """A kill between the two renames leaves this."""
    index(tmp_path, 6).unlink()
    assert kept.restore() == 4
    kept.save(5)
    assert kept.numbers == [2, 4, 5] and not data(tmp_path, 6).exists()


def test_no_changed_byte_of_the_index_changes_the_state(kept, state, tmp_path):
    """The last bytes are padding, or are never read; a checksum covers all others."""
    good = index(tmp_path, 6).read_bytes()
    for position in np.linspace(0, len(good) - 1, 20).astype(int):
        index(tmp_path, 6).write_bytes(
            good[:position] + bytes([good[position] ^ 16]) + good[position + 1 :]
        )
        number = kept.restore()
        assert number == 4 or position > len(good) - 80
        assert (state.weight.numpy() == number).all()
        for path in (tmp_path / "checkpoints").glob("damaged-6*/*"):
            path.replace(tmp_path / "checkpoints" / path.name)


@pytest.mark.parametrize("what", ["ckpt-8 cannot be written", "no copy of the best checkpoint"])
def test_no_room(kept, state, tmp_path, what):
    """As on a full disk: here the system refuses files of more than 2 kB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
    try:
        with pytest.raises(UserError, match=what):
            kept.save(8) if "ckpt-8" in what else kept.keep_best(6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert kept.best is None
    assert kept.restore() == 6 and (state.weight.numpy() == 6).all()
    assert not (tmp_path / "checkpoints/.part").exists()
    kept.save(8)
    assert kept.numbers == [4, 6, 8]


def test_the_best_stays(kept, state, tmp_path):
    assert kept.best is None
    kept.keep_best(4)
    for number in (8, 10, 12):
        kept.save(number)
    assert kept.numbers == [8, 10, 12]
    state.read(kept.best)
    assert (state.weight.numpy() == 4).all()
    (tmp_path / "checkpoints/best-12").mkdir()  # as after a kill before the old one was removed
    kept.keep_best(12)
    assert (
        kept.best == str(tmp_path / "checkpoints/best-12/ckpt-12")
        and not (tmp_path / "checkpoints/best-4").exists()
    )
