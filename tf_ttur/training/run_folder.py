"""Writes the folder of a run; `tf_ttur.runs` reads it."""

import itertools
import json
import math
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.data import Examples, samples
from tf_ttur.errors import UserError
from tf_ttur.io import console, files, outputs, paths
from tf_ttur.training import environment, own_objects
from tf_ttur.training.board import EVENTS, Board
from tf_ttur.training.evaluation import Evaluator
from tf_ttur.training.grid import tile
from tf_ttur.training.own import Own
from tf_ttur.training.starts import Start
from tf_ttur.wording import counted

# Written under a hidden temporary name, which a killed process leaves behind.
_WRITTEN = (
    runs.EXPORT,
    runs.CONFIG,
    runs.ENVIRONMENT,
    runs.VOCABULARY,
    runs.METRICS,
    runs.WARNINGS,
    runs.CRASH,
    f"{runs.CHECKPOINTS}/checkpoint",
    f"{runs.SAMPLES}/[0-9]*",
)


class RunFolder:
    """A run folder that this process alone writes. Close it after use.

    Writes config, environment, metrics, warnings, vocabulary, samples and a crash report, as
    `tf_ttur.runs` describes them, and TensorBoard events. Other modules write the checkpoints and
    the export.

    Attributes:
      path: the folder.
      rows: the rows of `metrics.jsonl`, once `begin` has been called.
    """

    def __init__(self, path: str | pathlib.Path, config: ConfigDict, examples: Examples) -> None:
        """Opens the folder, or creates it.

        A folder in which no update has been made is no run yet: what is there is removed, and any
        config may take its place.

        Args:
          path: the folder.
          config: the validated config.
          examples: what the run learns from.

        Raises:
          UserError: it belongs to another config or other data, holds other things, cannot be
            written, or another process is at work in it; or an example cannot be read.
        """
        self.path = paths.local(path, "--workdir")
        self.rows: list[runs.Row] = []
        self._config = config
        self._vocabulary = list(examples.vocabulary)
        self._metrics = self.path / runs.METRICS
        self._board: Board | None = None
        check(self.path, config)
        if not runs.open_run(self.path).exists:
            environment.describe_data(examples)  # examples that cannot be read leave no folder
        try:
            files.check_writable(self.path / runs.CONFIG)
            self._lock = files.lock(self.path / runs.LOCK)
        except OSError as error:
            raise self._not_writable(error) from error
        try:
            self._prepare(examples)
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Closes TensorBoard's events and lets other processes in."""
        with self._lock:
            if self._board:
                self._board.close()

    def begin(
        self,
        update: int | None,
        examples: Examples,
        evaluator: Evaluator | None,
        own: Own = Own(),  # noqa: B008  # it is frozen
        start: Start | None = None,
        compiled: bool = False,
    ) -> None:
        """Starts at update 0, or resumes after `update` updates.

        Later rows are dropped, as they will be written again. The values of an evaluation that was
        not written completely are dropped too.

        Args:
          update: the count of updates in the restored checkpoint; None where there is none.
          examples: what the run learns from.
          evaluator: what evaluates it, or None.
          own: objects that a Python program gave.
          start: the checkpoint of another run that a new run begins with, or None.
          compiled: whether XLA compiles the updates.

        Raises:
          UserError: what is in the folder does not fit that.
        """
        rows, num_damaged = runs.read_rows(self._metrics) if self._metrics.exists() else ([], 0)
        self._check_count(update, rows)
        run = runs.open_run(self.path)
        parts = [] if update is None else list(run.environment)
        origin = start.describe() if start else None
        if parts:
            origin = parts[-1].get("start")
        part = environment.describe(
            self._config, update, examples, evaluator, own, origin, compiled
        )
        if parts:
            environment.check_evaluation(run, part)
            for change in [
                *own_objects.changes(self._config, parts[-1]),
                *own.changes(parts[-1]),
            ]:
                console.say(f"warning: {change}")
        self._write_description([*parts, part])
        if num_damaged:
            self._set_damaged_aside(num_damaged)
        self.rows = _rows_up_to(update, rows, evaluator.names if evaluator else ())
        _write(self._metrics, _json_lines(self.rows))
        kept = {(row["update"], row["name"]) for row in self.rows}
        self._board = Board(self.path, kept, update)
        self._board.describe(self._config, evaluator.names if evaluator else ())

    def scalars(self, update: int, seconds: float, values: Mapping[str, float]) -> None:
        """Adds one row per value.

        Args:
          update: the count of updates.
          seconds: of training so far.
          values: {name: value}; a value that is not finite becomes null.
        """
        added = [
            {
                "update": update,
                "training_seconds": round(seconds, 3),
                "name": name,
                "value": value if math.isfinite(value) else None,
            }
            for name, value in values.items()
        ]
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(_json_lines(added))
            file.flush()
            # A checkpoint that follows must not be on the disk without its rows.
            os.fsync(file.fileno())
        self.rows += added
        if self._board:
            self._board.scalars(update, values)

    def holds(self, update: int | None, name: str) -> bool:
        """Whether there is a row for this value."""
        return _holds(self.rows, update, name)

    def warn(self, signs: Sequence[tuple[int, str]]) -> None:
        """Writes `warnings.jsonl`, and prints new warnings to stderr.

        Args:
          signs: list of (update, words), all of the run so far.
        """
        earlier = runs.open_run(self.path).warnings
        for update, words in signs:
            if (update, words) not in earlier:
                console.say(f"warning: update {update}: {words}")
        if list(signs) != earlier:
            rows = [{"update": update, "warning": words} for update, words in signs]
            _write(self.path / runs.WARNINGS, _json_lines(rows))

    def crash(self, report: Mapping[str, Any]) -> pathlib.Path:
        """Writes what is needed to reproduce a failure to `crash.json`; returns its path."""
        _write(self.path / runs.CRASH, json.dumps(report, indent=2) + "\n")
        return self.path / runs.CRASH

    def images(self, update: int, images: np.ndarray) -> None:
        """Writes (n, height, width, 3 or 1) uint8 images as one picture."""
        picture = tile(images)
        with files.atomic(self._samples(update, ".png")) as file:
            samples.to_picture(picture).save(file, "PNG")
        if self._board:
            self._board.picture(update, picture)

    def lines(self, update: int, lines: Sequence[str]) -> None:
        """Writes one string per line."""
        text = "".join(f"{line}\n" for line in lines)
        _write(self._samples(update, ".txt"), text)
        if self._board:
            self._board.text(update, text)

    def has_samples(self, update: int) -> bool:
        """Whether there are samples of this update."""
        return any(self._samples(update, suffix).exists() for suffix in (".png", ".txt"))

    def _samples(self, update: int, suffix: str) -> pathlib.Path:
        return self.path / runs.SAMPLES / f"{update:07d}{suffix}"

    def _prepare(self, examples: Examples) -> None:
        """Checks what is in the locked folder, then removes what a new start has no use for."""
        # Another process may have begun a run, and ended it, before the lock.
        check(self.path, self._config)
        run = runs.open_run(self.path)
        if run.has_begun:
            self._check_vocabulary()
            environment.check_data(run, self._config, examples)
        try:
            self._remove_unfinished()
            if not run.has_begun:
                self._remove_first_try()
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} cannot be written ({error})",
            "a folder with room for the run",
            "choose another --workdir",
        )

    def _check_vocabulary(self) -> None:
        if not (self.path / runs.VOCABULARY).exists():
            return
        stored = runs.open_run(self.path).vocabulary_of(self._config)
        if stored != self._vocabulary:
            raise UserError(
                f"{self.path} holds a run with {len(stored)} symbols;"
                f" the data now have other ones ({len(self._vocabulary)})",
                "the lines that the run was started with",
                "name the same data, or choose another --workdir",
            )

    def _check_count(self, update: int | None, rows: Sequence[runs.Row]) -> None:
        """Refuses rows without a checkpoint, and a checkpoint after the last update."""
        if update is None and any(row["update"] > 0 for row in rows):
            raise UserError(
                f"{self.path} has metrics up to update {rows[-1]['update']}"
                " and no checkpoint that can be read",
                "the checkpoints of that run",
                f"put copies of them into its folder {runs.CHECKPOINTS}/ (damaged-* are the ones"
                " that cannot be read), or choose another --workdir",
            )
        if update is not None and self._config.updates < update:
            raise UserError(
                f"{self.path} holds a run of {counted(update, 'update')};"
                f" now config.updates = {self._config.updates}",
                f"{update} or more",
                "raise config.updates, or choose another --workdir",
            )

    def _write_description(self, parts: Sequence[Mapping[str, Any]]) -> None:
        """Writes config, environment and vocabulary.

        The config goes first, as it makes this a run folder.
        """
        _write(self.path / runs.CONFIG, configs.to_json(self._config))
        _write(self.path / runs.ENVIRONMENT, json.dumps(parts, indent=2) + "\n")
        if self._vocabulary:
            _write(self.path / runs.VOCABULARY, json.dumps(self._vocabulary) + "\n")

    def _remove_unfinished(self) -> None:
        """Removes the unfinished files of a process that was killed."""
        for name in _WRITTEN:
            place = pathlib.Path(name)
            for path in list(self.path.glob(str(place.with_name(f".{place.name}.*")))):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _remove_first_try(self) -> None:
        """Removes what a start left that made no update.

        The config stays until another takes its place: without it this would be no run folder.
        """
        run = runs.open_run(self.path)
        if not run.exists:
            return
        shutil.rmtree(self.path / runs.CHECKPOINTS, ignore_errors=True)
        names = (runs.METRICS, runs.WARNINGS, runs.VOCABULARY, runs.ENVIRONMENT, runs.CRASH)
        of_tensorboard = self.path.glob(EVENTS)
        for path in [*run.samples, *of_tensorboard, *(self.path / name for name in names)]:
            path.unlink(missing_ok=True)

    def _set_damaged_aside(self, count: int) -> None:
        """Keeps a copy of the metrics with the lines that cannot be read."""
        names = (f"metrics.damaged-{number}.jsonl" for number in itertools.count(1))
        copy = next(path for name in names if not (path := self.path / name).exists())
        shutil.copyfile(self._metrics, copy)
        console.say(
            f"{self._metrics} has {counted(count, 'line')} that cannot be read; they are left out,"
            f" and {copy} keeps them"
        )


def check(path: str | pathlib.Path, config: ConfigDict) -> None:
    """Refuses a folder that is not this run's, without writing anything. Raises `UserError`."""
    runs.open_run(outputs.check_folder(path, "--workdir")).check(config)


def _rows_up_to(
    update: int | None, rows: Sequence[runs.Row], names: Sequence[str]
) -> list[runs.Row]:
    """The rows up to an update.

    The rows of the last evaluation, whose values are `names`, are all kept or all dropped.
    """
    if update is None:
        return []
    kept = [row for row in rows if row["update"] <= update]
    if all(_holds(kept, update, name) for name in names):
        return kept
    return [row for row in kept if row["update"] != update or row["name"] not in names]


def _holds(rows: Sequence[runs.Row], update: int | None, name: str) -> bool:
    return any(row["update"] == update and row["name"] == name for row in rows)


def _json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _write(path: pathlib.Path, text: str) -> None:
    with files.atomic(path, "w") as file:
        file.write(text)
