"""The checkpoints of a run.

Each is written as a whole or not at all. A resume takes the newest one that can be read; damaged
ones are set aside.
"""

import contextlib
import itertools
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Protocol

import tensorflow as tf

from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.training import writing
from tf_ttur.training.state import Damaged
from tf_ttur.wording import counted

_SUFFIX = r"\.(index|data-\d+-of-\d+)"
_BEST = r"best-\d+"


class Stored(Protocol):
    """What a checkpoint saves and restores: a `training.state.State`.

    Attributes:
      checkpoint: the `tf.train.Checkpoint` of all its variables.
    """

    checkpoint: tf.train.Checkpoint

    def read(self, checkpoint: str) -> None:
        """Restores the checkpoint with this path; raises `Damaged` if it cannot be read."""


class Checkpoints:
    """The checkpoints in a run folder.

    The folder `checkpoints/` holds:

    - `ckpt-N.index` and `ckpt-N.data-*`, the checkpoint after N updates; the newest `keep` of them
      stay;
    - `best-N/`, a copy of the checkpoint with the best value of the metric;
    - `damaged-N/`, the files of a checkpoint that could not be read.

    Args:
      workdir: the run folder. The constructor writes nothing.
      state: what is saved and restored.
      keep: how many checkpoints stay.
    """

    def __init__(self, workdir: str | pathlib.Path, state: Stored, keep: int = 1) -> None:
        self._run = runs.open_run(workdir)
        self._folder = self._run.path / runs.CHECKPOINTS
        self._state = state
        self._keep = keep

    @property
    def numbers(self) -> list[int]:
        """The update counts of the checkpoints, ascending."""
        return self._run.checkpoints

    def path(self, number: int) -> str:
        """The path of the checkpoint after `number` updates, as `State.read` takes it."""
        return str(self._run.checkpoint(number))

    @property
    def best(self) -> str | None:
        """The path of the best checkpoint, or None."""
        path = self._run.best_checkpoint
        return None if path is None else str(path)

    def save(self, number: int) -> None:
        """Writes the state after `number` updates, and removes all but the newest `keep`.

        Raises:
          UserError: it cannot be written. Earlier checkpoints are untouched.
        """
        with self._part(f"no checkpoint of update {number}") as part:
            with writing.by_tensorflow(self.path(number)):
                self._state.checkpoint.write(str(part / f"ckpt-{number}"))
            self._place(part)
        kept = self.numbers[-self._keep :]
        self._remove_all_but(kept)
        # For TensorFlow's own tools; nothing here reads it.
        lines = [f'model_checkpoint_path: "ckpt-{number}"\n']
        lines += [f'all_model_checkpoint_paths: "ckpt-{n}"\n' for n in kept]
        with files.atomic(self._folder / "checkpoint", "w") as file:
            file.write("".join(lines))

    def restore(self) -> int | None:
        """Restores the newest checkpoint that can be read; the copy of the best one counts too.

        Those that cannot be read are set aside, each with a message. All but the newest `keep`
        are removed.

        Returns:
          The checkpoint's count of updates; None if there is no checkpoint.
        """
        damaged = []
        for path in self._newest_first():
            number = runs.number_of(path)
            try:
                self._state.read(str(path))
            except Damaged as error:
                damaged.append(number)
                console.say(f"{error.found}; set aside as {self._set_aside(path)}")
                continue
            if number not in self.numbers:
                self._make_last(path)
            if damaged:
                console.say(
                    f"the newest good checkpoint is after {counted(number, 'update')}:"
                    f" {counted(damaged[0] - number, 'update')} will be repeated"
                )
            # A process that was killed after its last save may have left older ones.
            self._remove_all_but(self.numbers[-self._keep :])
            return number
        if damaged:
            console.say(
                f"no good checkpoint is left; the newest was after {counted(damaged[0], 'update')}"
            )
        return None

    def keep_best(self, number: int) -> None:
        """Keeps a copy of the checkpoint after `number` updates as the best one.

        It replaces an earlier copy.

        Raises:
          UserError: it cannot be written. Everything that was there before is untouched.
        """
        target = self._folder / f"best-{number}"
        if not target.exists():
            with self._part(f"no copy of the best checkpoint, which is of update {number}") as part:
                _copy(self._run.checkpoint(number), part)
                part.replace(target)
                files.to_disk(self._folder)
        for earlier in self._run.find(_BEST):
            if earlier != target:
                shutil.rmtree(earlier)

    @contextlib.contextmanager
    def _part(self, failure: str) -> Iterator[pathlib.Path]:
        """An empty folder for files that are not complete yet.

        If the block cannot write, the folder is removed and the error's message begins with
        `failure`.
        """
        part = self._folder / ".part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            yield part
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise UserError(
                f"{failure}: {error}",
                "a folder with room for it",
                "make room, then run the same command again: it resumes from the last checkpoint",
            ) from error

    def _newest_first(self) -> list[pathlib.Path]:
        """The paths of all checkpoints; a regular one comes before its copy as the best."""
        paths = [self._run.checkpoint(number) for number in reversed(self.numbers)]
        best = self._run.best_checkpoint
        if best is not None:
            paths.append(best)
        return sorted(paths, key=runs.number_of, reverse=True)

    def _remove_all_but(self, numbers: list[int]) -> None:
        """Removes the files of all checkpoints but these.

        The index goes first: data without an index are no checkpoint.
        """
        for path in sorted(self._run.find(rf"ckpt-\d+{_SUFFIX}"), key=_is_index, reverse=True):
            if runs.number_of(path) not in numbers:
                path.unlink()

    def _make_last(self, path: pathlib.Path) -> None:
        """Copies the best checkpoint to the regular ones."""
        number = runs.number_of(path)
        failure = f"the best checkpoint, which is of update {number}, cannot be made the last one"
        with self._part(failure) as part:
            _copy(path, part)
            self._place(part)

    def _place(self, part: pathlib.Path) -> None:
        """Moves the files of a checkpoint to their place.

        The index is moved last. So where an index exists, its checkpoint is complete.
        """
        for path in sorted(part.iterdir(), key=_is_index):
            files.to_disk(path)
            path.replace(self._folder / path.name)
        files.to_disk(self._folder)
        part.rmdir()

    def _set_aside(self, path: pathlib.Path) -> pathlib.Path:
        """Moves the files of a checkpoint to a folder of their own; returns that folder."""
        target = self._new_folder(f"damaged-{runs.number_of(path)}")
        target.mkdir()
        # The index goes last: data without an index would be taken for leftovers.
        for file in sorted(_files(path), key=_is_index):
            file.replace(target / file.name)
        if path.parent != self._folder:
            path.parent.rmdir()
        return target

    def _new_folder(self, name: str) -> pathlib.Path:
        """A path that is free: `name`, `name.2`, `name.3`, ..."""
        target = self._folder / name
        for count in itertools.count(2):
            if not target.exists():
                break
            target = self._folder / f"{name}.{count}"
        return target


def _copy(path: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies the files of a checkpoint."""
    for file in _files(path):
        shutil.copyfile(file, folder / file.name)
        files.to_disk(folder / file.name)


def _files(path: pathlib.Path) -> list[pathlib.Path]:
    """The files of a checkpoint."""
    pattern = re.escape(path.name) + _SUFFIX
    return [file for file in path.parent.glob(f"{path.name}.*") if re.fullmatch(pattern, file.name)]


def _is_index(path: pathlib.Path) -> bool:
    return path.suffix == ".index"
