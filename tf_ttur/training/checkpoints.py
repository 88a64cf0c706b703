"""The checkpoints of a run: written whole or not at all, the newest good one is taken, a damaged
one is set aside.
"""

import contextlib
import itertools
import pathlib
import re
import shutil

from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.training import writing
from tf_ttur.training.state import Damaged

_SUFFIX, _BEST = r"\.(index|data-\d+-of-\d+)", r"best-\d+"


class Checkpoints:
    """The checkpoints in a run folder.

    `checkpoints/ckpt-N.index` and `.data-*` after N updates, of which the newest `keep` stay;
    `checkpoints/best-N/` with a copy of the one with the best value of the metric;
    `checkpoints/damaged-N/` with what could not be read.
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
            self._place(part)
        kept = self.numbers[-self._keep :]
        for path in sorted(self._find(rf"ckpt-\d+{_SUFFIX}"), key=_is_index, reverse=True):
            if _number(path) not in kept:
                path.unlink()
        with files.atomic(
            self._folder / "checkpoint", "w"
        ) as file:  # for TensorFlow's own tools; nothing here reads it
            file.write(
                f'model_checkpoint_path: "ckpt-{number}"\n'
                + "".join(f'all_model_checkpoint_paths: "ckpt-{n}"\n' for n in kept)
            )

    def restore(self):
        """Takes the newest one that is whole, the best one if that is it. Those that are not are
        set aside, which a message says.

        Returns:
          Its count of updates; None if there is none.
        """
        lost = []
        paths = [
            pathlib.Path(path)
            for path in (*map(self.path, reversed(self.numbers)), self.best)
            if path
        ]
        for path in sorted(
            paths, key=_number, reverse=True
        ):  # which leaves a last one before its copy as the best
            try:
                self._state.read(str(path))
            except Damaged as error:
                lost.append(_number(path))
                console.STDERR.print(
                    f"{error.found}; set aside as {self._set_aside(path)}",
                    soft_wrap=True,
                    markup=False,
                )
                continue
            number = _number(path)
            if number not in self.numbers:
                with self._part(
                    f"the best checkpoint, which is of update {number}, cannot be made the last one"
                ) as part:
                    self._copy(path, part)
                    self._place(part)
            if lost:
                text = f"the newest good checkpoint is after {number} updates: {lost[0] - number} updates are made again"
                console.STDERR.print(text, soft_wrap=True)
            return number
        if lost:
            console.STDERR.print(
                f"no good checkpoint is left, after {lost[0]} updates", soft_wrap=True
            )
        return None

    def keep_best(self, number):
        """Keeps a copy of the checkpoint after `number` updates as the best one, instead of an
        earlier one.

        Raises:
          UserError: it cannot be written. All that was there before is untouched.
        """
        target = self._folder / f"best-{number}"
        if not target.exists():
            with self._part(f"no copy of the best checkpoint, which is of update {number}") as part:
                self._copy(pathlib.Path(self.path(number)), part)
                part.replace(target)
                files.to_disk(self._folder)
        for old in self._find(_BEST):
            if old != target:
                shutil.rmtree(old)

    @contextlib.contextmanager
    def _part(self, failure):
        """An empty folder for what is not whole yet; it goes where the block cannot write, which
        `failure` names.
        """
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

    def _copy(self, path, folder):
        for file in _files(path):
            shutil.copyfile(file, folder / file.name)
            files.to_disk(folder / file.name)

    def _place(self, part):
        """Moves the files of a checkpoint to their place. The index is the last to get its name:
        where it is, all is.
        """
        for path in sorted(part.iterdir(), key=_is_index):
            files.to_disk(path)
            path.replace(self._folder / path.name)
        files.to_disk(self._folder)
        part.rmdir()

    def _set_aside(self, path):
        """Moves the files of a checkpoint out of the way; returns the folder that they are in now."""
        names = (
            f"damaged-{_number(path)}" + (f".{count}" if count > 1 else "")
            for count in itertools.count(1)
        )
        target = next(place for name in names if not (place := self._folder / name).exists())
        target.mkdir()
        # Data without an index would be taken for leftovers: the index goes last.
        for file in sorted(_files(path), key=_is_index):
            file.replace(target / file.name)
        if path.parent != self._folder:
            path.parent.rmdir()
        return target


def _files(path):
    """Those of a checkpoint."""
    return [
        file
        for file in path.parent.glob(f"{path.name}.*")
        if re.fullmatch(re.escape(path.name) + _SUFFIX, file.name)
    ]


def _is_index(path):
    return path.suffix == ".index"


def _number(path):
    """N of ckpt-N.index, ckpt-N.data-00000-of-00001 or best-N."""
    return int(path.name.partition(".")[0].rpartition("-")[2])
