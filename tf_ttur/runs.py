"""Reading a run folder: all code that reads what a training wrote uses `Run`.

config.json        the config
environment.json   how and where each part of the run was computed: a list, one object per start
metrics.jsonl      one object per line: update, training_seconds, name, value
warnings.jsonl     one object per line: update, warning
crash.json         what is needed to see a failure again, if a value was not finite
vocabulary.json    the symbols, if the run generates lines
checkpoints/       ckpt-N.index and ckpt-N.data-* after N updates; best-N/ is a copy of the best
samples/           N.png or N.txt
export/            the generator as a SavedModel
"""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.io import files, paths

# Rows with these names describe an update; so do those with a "/" in their names. All others are
# values of an evaluation.
_OF_UPDATES = ("balance", "convergence")

# The columns of `metrics.jsonl`. `value` is null if it was not finite.
COLUMNS: dict[str, type | tuple[type, ...]] = {
    "update": int,
    "training_seconds": (int, float),
    "name": str,
    "value": (int, float, type(None)),
}

METRICS = "metrics.jsonl"
CONFIG = "config.json"
ENVIRONMENT = "environment.json"
VOCABULARY = "vocabulary.json"
WARNINGS = "warnings.jsonl"
CRASH = "crash.json"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples"
EXPORT = "export"

LOCK = ".lock"

BEST = "best"  # as in RUN@best

_END_BYTES = 4096  # of a file of rows, of which one has about a hundred

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder. Each of its files is read on first use.

    Attributes:
      path: the folder.
    """

    path: pathlib.Path

    @functools.cached_property
    def config(self) -> ConfigDict:
        """The config, validated without the user-defined objects that it may name.

        What needs the objects finds them when it needs them. Those that have moved are taken from
        the files in which the training found them.

        Raises:
          UserError: the file is missing, damaged, or holds no valid config.
        """
        self.record_objects()
        return configs.from_json(self.path / CONFIG, find_objects=False)

    def record_objects(self) -> None:
        """Tells the registry in which files the training found the user-defined objects.

        Without `environment.json`, or if it is damaged, their words alone must lead to them.
        """
        with contextlib.suppress(UserError):
            for word, file in self.objects.items():
                registry.record(word, file)

    @property
    def name(self) -> str:
        """The default name of the run folder, as in `config.run_name`."""
        return configs.run_name(self.config)

    @property
    def exists(self) -> bool:
        """Whether a training has started in this folder."""
        return (self.path / CONFIG).exists()

    @property
    def has_begun(self) -> bool:
        """Whether an update has left something that is worth keeping: a checkpoint or a row.

        The rows of a first try that failed before its first checkpoint do not count.
        """
        if any(number_of(path) for path in self.find(r"ckpt-\d+\.index|(best|damaged)-\d+.*")):
            return True
        return any(row["update"] > 0 for row in self.rows) and not self._failed_at_once

    @property
    def has_evaluations(self) -> bool:
        """Whether there is a row of an evaluation."""
        return bool(self.evaluations)

    @property
    def evaluations(self) -> list[str]:
        """The names of the values of evaluations, in the order of their first rows."""
        names = dict.fromkeys(row["name"] for row in self.rows)
        return [name for name in names if "/" not in name and name not in _OF_UPDATES]

    @property
    def has_fingerprint(self) -> bool:
        """Whether the last start of the run has recorded what its data are."""
        return bool(self.environment) and "data" in self.environment[-1]

    def records_that_differ(self, other: "Run") -> list[str]:
        """Which of "data", "network" and "reference" are not those of another run.

        Runs with other data, or measured by other means, belong in no common mean. What one of the
        two has not recorded does not count.
        """
        pairs = zip(self._records().items(), other._records().values(), strict=True)
        return [name for (name, one), two in pairs if one and two and one != two]

    def _records(self) -> dict[str, Any]:
        """What tells the data, the network and the reference of the last start from others."""
        last = self.environment[-1] if self.environment else {}
        evaluation = last.get("evaluation") or {}
        reference = evaluation.get("reference") or {}
        return {
            "data": (last.get("data") or {}).get("fingerprint"),
            "network": evaluation.get("network_sha1"),
            "reference": reference.get("images_digest") or reference.get("identity"),
        }

    def differences(self, config: ConfigDict) -> list[configs.Difference]:
        """The values of a config with which this run cannot be resumed.

        Args:
          config: the validated config.

        Raises:
          UserError: a file of the run is damaged.
        """
        return configs.differences(
            configs.stored_values(self.path / CONFIG),
            self.settled(config),
            curve_has_begun=self.has_evaluations,
            places_decide=not self.has_fingerprint,
            is_same=self._is_same_object,
        )

    def settled(self, config: ConfigDict) -> ConfigDict:
        """A config with one place of its data: if it names several, that of this run.

        Args:
          config: the validated config.

        Returns:
          As `configs.settled`; a new run takes the first place that is there.

        Raises:
          UserError: `config.json` is damaged.
        """
        stored = configs.stored_values(self.path / CONFIG) if self.exists else None
        return configs.settled(config, stored)

    def check(self, config: ConfigDict) -> None:
        """Refuses a folder that is not this config's, without writing anything.

        A folder in which no update has been made is no run yet, and accepts any config.

        Args:
          config: the validated config.

        Raises:
          UserError: it holds other things, or a run whose weights or curve have other values.
        """
        if self.exists:
            differences = self.differences(config)
            if differences and self.has_begun:
                raise UserError(
                    f"{self.path} holds a run with other values:\n{configs.listed(differences)}",
                    "the values that the run was started with",
                    "choose another --workdir for a run with the new values,"
                    " or give the earlier ones to resume this run",
                )
        # Hidden files are this program's own: the lock, and unfinished files of a killed process.
        elif self.path.exists() and any(
            not entry.name.startswith(".") for entry in self.path.iterdir()
        ):
            raise UserError(
                f"{self.path} is not empty and not a run folder",
                "a new folder, or one of an earlier run",
                "choose another --workdir",
            )

    def _is_same_object(self, key: str, was: Any, now: Any) -> bool:
        """Whether the second word names the user-defined object of the first, at another place."""
        words = (was, now)
        if configs.KEYS[key].choices is None or not all(map(registry.is_object, map(str, words))):
            return False
        stored = self.environment[-1].get("objects", {}) if self.environment else {}
        digest = stored.get(was, {}).get("sha256")
        same_name = was.rpartition(":")[2] == now.rpartition(":")[2]
        return same_name and digest is not None and digest == registry.digest_of(now)

    @property
    def _failed_at_once(self) -> bool:
        """Whether the run ended with a value that was not finite, before its first checkpoint."""
        return self.crash.get("last_checkpoint") == 0

    @property
    def is_in_use(self) -> bool:
        """Whether another process is at work in the folder."""
        with contextlib.suppress(OSError), (self.path / LOCK).open(encoding="utf-8") as file:
            return not files.take(file)
        return False

    @property
    def crash(self) -> dict[str, Any]:
        """The content of `crash.json`; {} if there is none that can be read."""
        with contextlib.suppress(OSError, ValueError):
            report = json.loads((self.path / CRASH).read_text(encoding="utf-8"))
            return report if isinstance(report, dict) else {}
        return {}

    @property
    def failed_at(self) -> int | None:
        """The update in which a value was not finite; None if there is none, or it was passed."""
        update = self.crash.get("update")
        if not isinstance(update, int) or update <= max(self.checkpoints, default=0):
            return None
        return update

    def is_complete(self, updates: int) -> bool:
        """Whether the run has made so many updates, or more, and exported its generator."""
        newest = max(self.checkpoints, default=-1)
        if newest < updates:
            return False
        checkpoint = self.path / CHECKPOINTS / f"ckpt-{newest}.index"
        try:
            # An export of fewer updates is older.
            return (self.path / EXPORT).stat().st_mtime >= checkpoint.stat().st_mtime
        except OSError:
            return False

    @functools.cached_property
    def rows(self) -> list[Row]:
        """The undamaged rows of `metrics.jsonl`, in their order; [] without the file."""
        return read_rows(self.path / METRICS)[0] if (self.path / METRICS).exists() else []

    @property
    def last_update(self) -> int:
        """The update of the last row, 0 without rows. Reads the end of the file alone."""
        with contextlib.suppress(OSError), (self.path / METRICS).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END_BYTES))
            for line in reversed(file.read().splitlines()):
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    return int(json.loads(line)["update"])
        return 0

    @functools.cached_property
    def series(self) -> dict[str, list[Row]]:
        """{name of a value: its rows}. Raises `UserError` if there is no `metrics.jsonl`."""
        if not (self.path / METRICS).is_file():
            raise UserError(
                f"{self.path} has no {METRICS}", "a run folder", "name the --workdir of a training"
            )
        series: dict[str, list[Row]] = {}
        for row in self.rows:
            series.setdefault(row["name"], []).append(row)
        return series

    @property
    def warnings(self) -> list[tuple[int, str]]:
        """[(update, text)] of all warnings; [] if there are none."""
        path = self.path / WARNINGS
        if not path.exists():
            return []
        rows, _ = files.read_json_lines(path, {"update": int, "warning": str})
        return [(row["update"], row["warning"]) for row in rows]

    @functools.cached_property
    def environment(self) -> list[dict[str, Any]]:
        """How and where each part of the run was computed; [] without the file.

        Raises:
          UserError: the file is damaged.
        """
        path = self.path / ENVIRONMENT
        if not path.exists():
            return []
        try:
            parts = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(parts, list) or not all(
                isinstance(part, dict) and "evaluation" in part for part in parts
            ):
                raise ValueError("not a list of the parts of a run")
        except ValueError as error:
            raise UserError(
                f"{path} cannot be read ({error})",
                "what training wrote",
                "replace it by a copy, or move it away; without it, nothing records how the "
                "values so far were measured",
            ) from error
        return parts

    @property
    def objects(self) -> dict[str, str]:
        """{word: file} of the user-defined objects, as the last start of the run found them.

        Raises:
          UserError: `environment.json` is damaged.
        """
        parts = self.environment
        stored = parts[-1].get("objects", {}) if parts else {}
        return {word: source["file"] for word, source in stored.items() if source.get("file")}

    def floor(self, name: str) -> float | None:
        """The divergence of real lines, which is the floor for generated ones.

        Args:
          name: of the divergence.

        Returns:
          The value; None without `environment.json`.

        Raises:
          UserError: the file is damaged, or does not hold this value.
        """
        if not (self.path / ENVIRONMENT).exists():
            return None
        try:
            return self.environment[-1]["evaluation"]["floor"][name]
        except (TypeError, LookupError) as error:
            raise UserError(
                f"{self.path / ENVIRONMENT} does not hold the floor ({error!r})",
                "what training wrote",
                "replace it by a copy, or move it away",
            ) from error

    @property
    def vocabulary(self) -> list[str]:
        """The symbols of a run that generates lines; [] for images.

        Raises:
          UserError: the file is missing or damaged.
        """
        return self.vocabulary_of(self.config)

    def vocabulary_of(self, config: ConfigDict) -> list[str]:
        """As `vocabulary`, for a config that has been read already."""
        if not configs.kind_of(config).has_vocabulary:
            return []
        path = self.path / VOCABULARY
        try:
            symbols = json.loads(path.read_text(encoding="utf-8"))
            if not _is_vocabulary(symbols):
                raise ValueError("not a list of symbols")
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path} cannot be read ({error})",
                "the vocabulary that training wrote",
                "put it back, or use a new --workdir",
            ) from error
        return symbols

    @property
    def checkpoints(self) -> list[int]:
        """The numbers of updates after which there is a checkpoint, ascending."""
        return sorted(number_of(path) for path in self.find(r"ckpt-\d+\.index"))

    def checkpoint(self, number: int) -> pathlib.Path:
        """The path of the checkpoint after `number` updates.

        TensorFlow takes it like this, without the suffixes of its files.
        """
        return self.path / CHECKPOINTS / f"ckpt-{number}"

    @property
    def best_checkpoint(self) -> pathlib.Path | None:
        """The path of the checkpoint with the best value of the metric; None if there is none."""
        kept = sorted(self.find(r"best-\d+"), key=number_of)
        return kept[-1] / f"ckpt-{number_of(kept[-1])}" if kept else None

    def find(self, pattern: str) -> list[pathlib.Path]:
        """The files and folders among the checkpoints whose full name matches `pattern`.

        Args:
          pattern: a regular expression.
        """
        return [
            path for path in (self.path / CHECKPOINTS).glob("*") if re.fullmatch(pattern, path.name)
        ]

    @property
    def samples(self) -> list[pathlib.Path]:
        """The files of samples, in the order of their updates."""
        return sorted((self.path / SAMPLES).glob("[0-9]*.*"))


def open_run(folder: str | pathlib.Path) -> Run:
    """The `Run` in a folder. Nothing is read yet, and the folder need not exist.

    Raises:
      UserError: the folder's path is none that TensorFlow can use.
    """
    path = paths.local(folder, "WORKDIR")
    paths.check_utf8(path, "WORKDIR")
    return Run(path)


def split_word(word: str | os.PathLike[str], what: str) -> tuple[pathlib.Path, str]:
    """The run folder that RUN, RUN@UPDATE or RUN@best names, and what follows its @.

    Nothing need exist. A run folder whose own name ends in @best is taken as a whole.

    Args:
      word: of a user.
      what: the name of the flag or argument, for messages.

    Returns:
      (folder, ""), (folder, "best"), or (folder, digits).
    """
    text = os.fspath(word)
    place, at, asked = text.rpartition("@")
    is_asked = bool(at and place) and (asked == BEST or re.fullmatch("[0-9]+", asked) is not None)
    if not is_asked or (paths.local(text, what) / CONFIG).is_file():
        return paths.local(text, what), ""
    return paths.local(place, what), asked


def read_rows(path: str | pathlib.Path) -> tuple[list[Row], int]:
    """The rows of a `metrics.jsonl`, and how many of its lines are damaged.

    Raises:
      OSError: the file cannot be read.
    """
    return files.read_json_lines(path, COLUMNS)


def number_of(path: pathlib.Path) -> int:
    """N of ckpt-N.index, ckpt-N.data-00000-of-00001 or best-N."""
    return int(path.name.partition(".")[0].rpartition("-")[2])


def _is_vocabulary(symbols: Any) -> bool:
    if not isinstance(symbols, list) or len(symbols) < 2:
        return False
    return all(isinstance(symbol, str) for symbol in symbols)
