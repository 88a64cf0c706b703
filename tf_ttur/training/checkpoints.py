"""The checkpoints of a run: written whole or not at all, the newest good one is taken, a damaged one is set aside."""

import contextlib
import itertools
import os
import pathlib
import re
import shutil

from tf_ttur import files, progress
from tf_ttur.errors import UserError
from tf_ttur.training import writing
from tf_ttur.training.state import Damaged

_SUFFIX, _BEST = r"\.(index|data-\d+-of-\d+)", r"best-\d+"


class Checkpoints:
    """The checkpoints in a run folder.

    `checkpoints/ckpt-N.index` and `.data-*` after N updates, of which the newest `keep` stay; `checkpoints/best-N/` with a
    copy of the one with the best value of the metric; `checkpoints/damaged-N/` with what could not be read.
    """

    def __init__(self, workdir, state, keep=1):
        """Writes nothing.

        Args:
          workdir: the run folder.
          state: the `training.state.State` that they are of.
          keep: how many stay.
        """
        self._folder, self._state, self._keep = pathlib.Path(workdir) / "checkpoints", state, keep

    @property
    def numbers(self):
        """Ascending list of the counts of updates after which there is a checkpoint."""
        return sorted(map(_number, self._find(r"ckpt-\d+\.index")))

    def path(self, number):
        """Of the checkpoint after `number` updates, as `State.read` takes it."""
        return str(self._folder / f"ckpt-{number}")

    @property
    def best(self):
        """The path of the best one, or None."""
        kept = sorted(self._find(_BEST), key=_number)
        return str(kept[-1] / f"ckpt-{_number(kept[-1])}") if kept else None

    def save(self, number):
        """Writes the state after `number` updates, and removes the oldest that are too many.

        Raises:
          UserError: it cannot be written. Those before are untouched.
        """
        with self._part(f"no checkpoint of update {number}") as part:
            with writing.by_tensorflow(self.path(number)):
                self._state.checkpoint.write(str(part / f"ckpt-{number}"))
            # The index is the last to get its name: where it is, all is.
            for path in sorted(part.iterdir(), key=lambda path: path.suffix == ".index"):
                _to_disk(path)
                path.replace(self._folder / path.name)
            _to_disk(self._folder)
            part.rmdir()
        kept = self.numbers[-self._keep :]
        for path in sorted(self._find(rf"ckpt-\d+{_SUFFIX}"), key=lambda path: path.suffix != ".index"):
            if _number(path) not in kept:
                path.unlink()
        with files.atomic(self._folder / "checkpoint", "w") as file:  # for TensorFlow's own tools; nothing here reads it
            file.write(f'model_checkpoint_path: "ckpt-{number}"\n' + "".join(f'all_model_checkpoint_paths: "ckpt-{n}"\n' for n in kept))

    def restore(self):
        """Takes the newest one that is whole. Those that are not are set aside, which a message says.

        Returns:
          Its count of updates; None if there is none.
        """
        lost = []
        for number in reversed(self.numbers):
            try:
                self._state.read(self.path(number))
            except Damaged as error:
                lost.append(number)
                progress.STDERR.print(f"{error.found}; set aside as {self._set_aside(number)}", soft_wrap=True, markup=False)
                continue
            if lost:
                progress.STDERR.print(
                    f"the newest good checkpoint is after {number} updates: {lost[0] - number} updates are made again", soft_wrap=True
                )
            return number
        return None

    def keep_best(self, number):
        """Keeps a copy of the checkpoint after `number` updates as the best one, instead of an earlier one.

        Raises:
          UserError: it cannot be written. All that was there before is untouched.
        """
        target = self._folder / f"best-{number}"
        if not target.exists():
            with self._part(f"no copy of the best checkpoint, which is of update {number}") as part:
                for path in self._files(number):
                    shutil.copyfile(path, part / path.name)
                    _to_disk(part / path.name)
                part.replace(target)
        for old in self._find(_BEST):
            if old != target:
                shutil.rmtree(old)

    @contextlib.contextmanager
    def _part(self, failure):
        """An empty folder for what is not whole yet; it goes where the block cannot write, which `failure` names."""
        part = self._folder / ".part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            yield part
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            cure = "make room, then run the same command again: it goes on from the last checkpoint"
            raise UserError(f"{failure}: {error}", "a folder with room for it", cure) from error

    def _find(self, pattern):
        """What is in the folder under such a name; what a user has put there is not."""
        return [path for path in self._folder.glob("*") if re.fullmatch(pattern, path.name)]

    def _files(self, number):
        return self._find(rf"ckpt-{number}{_SUFFIX}")

    def _set_aside(self, number):
        """Moves a checkpoint out of the way; returns the folder that it is in now."""
        names = (f"damaged-{number}" + (f".{count}" if count > 1 else "") for count in itertools.count(1))
        target = next(path for name in names if not (path := self._folder / name).exists())
        target.mkdir()
        for path in self._files(number):
            path.replace(target / path.name)
        return target


def _number(path):
    """N of ckpt-N.index, ckpt-N.data-00000-of-00001 or best-N."""
    return int(path.name.partition(".")[0].rpartition("-")[2])


def _to_disk(path):
    """Waits until the system has written a file or folder, so that a loss of power does not empty what has its name already."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
