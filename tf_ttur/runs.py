"""A run folder, read: everything that reads what a training wrote goes through `Run`.

config.json        the config
environment.json   where each part of the run was computed: a list of objects, one per start
metrics.jsonl      one object per line: update, training_seconds, name, value
warnings.jsonl     one object per line: update, warning
vocabulary.json    the symbols of a generator of lines
checkpoints/       ckpt-N.index and ckpt-N.data-* after N updates; best-N/ with a copy of the
                   best one
samples/           N.png or N.txt
export/            the generator as a SavedModel
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import re
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.io import files

# `value` is null where it was not finite.
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
CHECKPOINTS = "checkpoints"
SAMPLES = "samples"
EXPORT = "export"

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder, of which each part is read on first use.

    Attributes:
      path: the folder.
    """

    path: pathlib.Path

    @functools.cached_property
    def config(self) -> ConfigDict:
        """The validated config. Raises `UserError` if there is none that can be read.

        Objects of the user's own that it names are also looked for where the training found them.
        """
        # Without the file, the words of the config alone must lead to the objects.
        with contextlib.suppress(UserError):
            for word, file in self.objects.items():
                registry.record(word, file)
        return configs.from_json(self.path / CONFIG)

    @property
    def name(self) -> str:
        """As `config.run_name`."""
        return configs.run_name(self.config)

    @property
    def exists(self) -> bool:
        """Whether a training has begun here."""
        return (self.path / CONFIG).exists()

    @functools.cached_property
    def rows(self) -> list[Row]:
        """The rows of `metrics.jsonl` in their order, without damaged ones; [] without the file."""
        return read_rows(self.path / METRICS)[0] if (self.path / METRICS).exists() else []

    @functools.cached_property
    def series(self) -> dict[str, list[Row]]:
        """{name: its rows}. Raises `UserError` where there is no `metrics.jsonl`."""
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
        """(update, words) of each warning."""
        path = self.path / WARNINGS
        if not path.exists():
            return []
        rows, _ = files.read_json_lines(path, {"update": int, "warning": str})
        return [(row["update"], row["warning"]) for row in rows]

    @functools.cached_property
    def environment(self) -> list[dict[str, Any]]:
        """Where each part of the run was computed; [] where that was not written.

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
                "put a copy in its place, or move it away: then nothing says what the values so"
                " far were measured with",
            ) from error
        return parts

    @property
    def objects(self) -> dict[str, str]:
        """{word: file} of the user's own objects, as the last start of the run found them."""
        parts = self.environment
        stored = parts[-1].get("objects", {}) if parts else {}
        return {word: source["file"] for word, source in stored.items() if source.get("file")}

    def floor(self, name: str) -> float | None:
        """The value of real lines for one of the divergences; None where that was not written."""
        if not (self.path / ENVIRONMENT).exists():
            return None
        try:
            return self.environment[-1]["evaluation"]["floor"][name]
        except (TypeError, LookupError) as error:
            raise UserError(
                f"{self.path / ENVIRONMENT} does not tell the floor ({error!r})",
                "what training wrote",
                "put a copy in its place, or move it away",
            ) from error

    @property
    def vocabulary(self) -> list[str]:
        """The symbols of a run that generates lines; [] for images.

        Raises:
          UserError: the file is missing or damaged.
        """
        return self.vocabulary_of(self.config)

    def vocabulary_of(self, config: ConfigDict) -> list[str]:
        """As `vocabulary`, where the config is known."""
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
        """Ascending list of the numbers of updates after which there is a checkpoint."""
        return sorted(number_of(path) for path in self.find(r"ckpt-\d+\.index"))

    def checkpoint(self, number: int) -> pathlib.Path:
        """The path of the checkpoint after `number` updates, as TensorFlow takes it: without the
        endings of its files.
        """
        return self.path / CHECKPOINTS / f"ckpt-{number}"

    @property
    def best_checkpoint(self) -> pathlib.Path | None:
        """The path of the checkpoint with the best value of the metric, or None."""
        kept = sorted(self.find(r"best-\d+"), key=number_of)
        return kept[-1] / f"ckpt-{number_of(kept[-1])}" if kept else None

    def find(self, pattern: str) -> list[pathlib.Path]:
        """The files and folders among the checkpoints whose whole name matches a regular
        expression.
        """
        return [
            path for path in (self.path / CHECKPOINTS).glob("*") if re.fullmatch(pattern, path.name)
        ]

    @property
    def samples(self) -> list[pathlib.Path]:
        """The files of samples, in the order of their updates."""
        return sorted((self.path / SAMPLES).glob("[0-9]*.*"))


def open_run(folder: str | pathlib.Path) -> Run:
    """The run in a folder; nothing is read yet."""
    return Run(pathlib.Path(folder))


def read_rows(path: str | pathlib.Path) -> tuple[list[Row], int]:
    """The rows of a `metrics.jsonl`, and how many of its lines are damaged."""
    return files.read_json_lines(path, COLUMNS)


def number_of(path: pathlib.Path) -> int:
    """N of ckpt-N.index, ckpt-N.data-00000-of-00001 or best-N."""
    return int(path.name.partition(".")[0].rpartition("-")[2])


def _is_vocabulary(symbols: Any) -> bool:
    if not isinstance(symbols, list) or len(symbols) < 2:
        return False
    return all(isinstance(symbol, str) for symbol in symbols)
