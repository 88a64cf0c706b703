"""What fails outside of an update: the state is saved before the exception leaves."""

import errno
import json

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training import loop
from tf_ttur.training.board import Board
from tf_ttur.training.checkpoints import Checkpoints

pytestmark = pytest.mark.usefixtures("one_replica", "offline")


@pytest.fixture
def rare(tiny):
    """A training of 6 updates with one checkpoint, at its end."""
    tiny.updates = 6
    tiny.checkpoint_every_updates = 100
    tiny.samples_every_updates = 3
    tiny.evaluation.every_updates = 3
    return tiny


class Failure(Exception):
    """What nobody foresees."""


def fail_once(patch, owner, name, when):
    """Replaces a method: its first call for which `when(*arguments)` is true raises `Failure`."""
    method = getattr(owner, name)
    failed = []

    def fail(*arguments, **named):
        if not failed and when(*arguments):
            failed.append(True)
            raise Failure(name)
        return method(*arguments, **named)

    patch.setattr(owner, name, fail)


def checkpoints(folder):
    return sorted(
        int(path.stem.partition("-")[2]) for path in folder.glob("checkpoints/ckpt-*.index")
    )


def outcome(folder):
    """Rows without the time, and the last weights."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) | {"training_seconds": 0} for line in lines]
    reader = tf.train.load_checkpoint(str(folder / "checkpoints/ckpt-6"))
    names = reader.get_variable_to_shape_map()
    # The graph of objects holds names of layers, which Keras counts in a process.
    names = [name for name in names if "seconds" not in name and "OBJECT_GRAPH" not in name]
    weights = {name: reader.get_tensor(name) for name in sorted(names)}
    return rows, weights


def assert_equal(folder, other):
    rows, weights = outcome(folder)
    other_rows, other_weights = outcome(other)
    assert rows == other_rows
    assert weights.keys() == other_weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(value, other_weights[name], err_msg=name)
    for path in (other / "samples").iterdir():
        assert (folder / "samples" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["evaluation", "samples", "events", "status", "export"])
def test_the_state_is_saved_and_a_resume_misses_nothing(rare, tmp_path, monkeypatch, capsys, where):
    at = 6 if where == "export" else 3
    with monkeypatch.context() as patch, pytest.raises(Failure):
        if where == "evaluation":
            is_third = lambda process, number: number == 3
            fail_once(patch, loop, "_evaluate", is_third)
        elif where == "samples":
            fail_once(patch, loop.RunFolder, "images", lambda _, update, __: update == 3)
        elif where == "events":
            fail_once(patch, Board, "at", lambda _, update: update == 3)
        elif where == "status":
            fail_once(patch, loop.console.Status, "show", lambda _, done, *__: done == 3)
        else:
            fail_once(patch, loop.exports, "export", lambda *_: True)
        loop.train(rare, tmp_path / "failed")
    assert checkpoints(tmp_path / "failed")[-1] == at
    if where not in ("evaluation", "export"):  # before which a checkpoint was due
        assert f"the state after update {at} is saved" in capsys.readouterr().err
    loop.train(rare, tmp_path / "failed")
    loop.train(rare, tmp_path / "whole")
    assert_equal(tmp_path / "failed", tmp_path / "whole")


def test_nothing_is_saved_in_the_middle_of_an_update(rare, tmp_path, monkeypatch):
    with pytest.raises(Failure):
        fail_once(monkeypatch, loop, "_call", lambda *arguments: arguments[-1] == 3)
        loop.train(rare, tmp_path / "run")
    assert checkpoints(tmp_path / "run") == [0]


def test_nothing_is_saved_without_its_rows(rare, tmp_path, monkeypatch):
    """They could not be made again."""
    with pytest.raises(Failure):
        fail_once(monkeypatch, loop.RunFolder, "scalars", lambda _, update, *__: update == 3)
        loop.train(rare, tmp_path / "run")
    assert checkpoints(tmp_path / "run") == [0]


def test_both_are_said_if_saving_fails_too(rare, tmp_path, monkeypatch, capsys):
    place = Checkpoints._place

    def refuse(self, part):
        if not any(part.glob("ckpt-2.*")):
            return place(self, part)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoints, "_place", refuse)
    with pytest.raises(Failure):
        fail_once(monkeypatch, loop.console.Status, "show", lambda _, done, *__: done == 2)
        loop.train(rare, tmp_path / "run")
    messages = capsys.readouterr().err
    assert "the state after update 2 could not be saved either: no checkpoint of" in messages


def test_a_checkpoint_that_fails_is_not_tried_twice(tiny, tmp_path, monkeypatch, capsys):
    place = Checkpoints._place
    attempts = []

    def refuse(self, part):
        if not any(part.glob("ckpt-2.*")):
            return place(self, part)
        attempts.append(part)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoints, "_place", refuse)
    with pytest.raises(UserError, match="no checkpoint of update 2"):
        loop.train(tiny, tmp_path / "run")
    assert len(attempts) == 1
    assert "either" not in capsys.readouterr().err
