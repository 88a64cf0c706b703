"""A study: settings x seeds of one card, each cell an ordinary run folder.

study.json         the card, and per setting its variant, overrides and seeds
NAME-seedN/        the run folder of setting NAME with seed N
logs/NAME-seedN.log    what its training wrote to the terminal
numbers.json       the numbers of `results`
"""

import dataclasses
import functools
import json
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import files, outputs, paths
from tf_ttur.registry import Value

STUDY = "study.json"
LOGS = "logs"
_FORMAT = 1
_NAME = re.compile(r"[\w.+=-]+")
_LOCK = ".study.lock"
_SECONDS_FOR_LOCK = 20.0  # it is held for a moment, while study.json is written

State = Literal["new", "begun", "done", "failed"]


@dataclasses.dataclass(frozen=True)
class Setting:
    """What the runs of a study have in common that differ only in their seeds.

    Attributes:
      name: begins the names of their folders.
      variant: of the card; "" for its default.
      overrides: {config key: value} that replace values of the card.
    """

    name: str
    variant: str
    overrides: Mapping[str, Value]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
      card: the word for the card, without a variant.
      setting: what it shares with other cells.
      seed: `config.seed`.
      folder: the run folder.
    """

    card: str
    setting: Setting
    seed: int
    folder: pathlib.Path

    @property
    def name(self) -> str:
        """The name of the run folder."""
        return self.folder.name

    @property
    def log(self) -> pathlib.Path:
        """The file that receives what the training writes to the terminal."""
        return self.folder.parent / LOGS / f"{self.name}.log"

    @property
    def run(self) -> runs.Run:
        """The run folder as it is now."""
        return runs.open_run(self.folder)

    @property
    def card_word(self) -> str:
        """The card and its variant."""
        return f"{self.card}:{self.setting.variant}" if self.setting.variant else self.card

    @functools.cached_property
    def config(self) -> ConfigDict:
        """The validated config. Raises `UserError` if the card or a value is wrong."""
        return configs.load(self.card_word, {**self.setting.overrides, "seed": self.seed})

    @property
    def arguments(self) -> list[str]:
        """The arguments of `tf-ttur` that train this cell, or resume it."""
        flags = [
            f"--config.{key}={_flag_value(value)}" for key, value in self.setting.overrides.items()
        ]
        return [
            *("train", "--config", self.card_word, f"--config.seed={self.seed}"),
            *flags,
            *("--workdir", str(self.folder)),
        ]

    def check(self) -> None:
        """Refuses a folder that holds anything but this cell. Raises `UserError`."""
        outputs.check_folder(self.folder, "--output")
        try:
            self.run.check(self.config)
        except UserError as error:
            cure = error.cure.replace("--workdir", "--output")  # the flag of a study
            raise UserError(error.found, error.expected, cure) from error

    @property
    def state(self) -> State:
        """How far the cell has got, as its folder says."""
        run = self.run
        if not run.exists or (not run.has_begun and run.differences(self.config)):
            return "new"  # a first try with other values gives way to this one
        if run.failed_at is not None:
            return "failed"
        return "done" if run.is_complete(self.config.updates) else "begun"


@dataclasses.dataclass(frozen=True)
class Study:
    """A study folder.

    Attributes:
      path: the folder.
      experiment: `config.name` of the card.
      card: the word for the card, without a variant.
      settings: in the order in which they were added.
      seeds: {name of a setting: its seeds, increasing}.
    """

    path: pathlib.Path
    experiment: str
    card: str
    settings: tuple[Setting, ...]
    seeds: Mapping[str, tuple[int, ...]]

    @property
    def cells(self) -> list[Cell]:
        """All cells: seed by seed, so that a part of them compares all settings."""
        pairs = {
            (seed, index) for index, s in enumerate(self.settings) for seed in self.seeds[s.name]
        }
        return [self.cell(self.settings[index], seed) for seed, index in sorted(pairs)]

    def cells_of(self, setting: Setting) -> list[Cell]:
        """The cells of one setting, by seed."""
        return [self.cell(setting, seed) for seed in self.seeds[setting.name]]

    def cell(self, setting: Setting, seed: int) -> Cell:
        """The cell of a setting and a seed."""
        return Cell(self.card, setting, seed, self.path / f"{setting.name}-seed{seed}")


def is_study(folder: str | pathlib.Path) -> bool:
    """Whether a folder holds a study."""
    return (paths.local(folder, "the study's folder") / STUDY).is_file()


def open_study(folder: str | pathlib.Path) -> Study:
    """The study in a folder.

    Raises:
      UserError: there is none, or its `study.json` cannot be read.
    """
    path = paths.local(folder, "the study's folder")
    try:
        content = json.loads((path / STUDY).read_text(encoding="utf-8"))
        return _from_json(path, content)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path / STUDY} cannot be read ({error})",
            "a folder that tf-ttur study or tf-ttur search wrote",
            "name such a folder",
        ) from error


def plan(
    folder: str | pathlib.Path, card: str, settings: Sequence[Setting], seeds: Sequence[int]
) -> Study:
    """The study of a command line, whether or not its folder exists; nothing is written.

    Args:
      folder: of the study.
      card: the word for the card, without a variant.
      settings: with different names.
      seeds: of every setting.

    Raises:
      UserError: a config is wrong, or a cell's folder holds something else.
    """
    path = paths.local(folder, "--output")
    for setting in settings:
        if not _NAME.fullmatch(setting.name):
            raise UserError(
                f"the variant {setting.name!r} cannot be part of a folder's name",
                "letters, digits and ._+=-",
                "correct it, or rename it in the card",
            )
    ordered = tuple(sorted(set(seeds)))
    first = Cell(card, settings[0], ordered[0], path)
    names = {setting.name: ordered for setting in settings}
    study = Study(path, first.config.name, card, tuple(settings), names)
    for cell in study.cells:
        cell.check()
    if is_study(path):
        _merged(open_study(path), study)
    return study


def record(study: Study) -> Study:
    """Adds a study to the one in its folder, and writes `study.json`.

    A setting that the folder has already gets the new seeds beside its earlier ones, and the new
    overrides: its cells have been compared with them (`plan`). Several processes may do this at the
    same time.

    Returns:
      All that the folder holds now.

    Raises:
      UserError: there is another card's study, or the lock does not become free.
    """
    study.path.mkdir(parents=True, exist_ok=True)
    with files.wait_for_lock(study.path / _LOCK, _SECONDS_FOR_LOCK):
        merged = _merged(open_study(study.path), study) if is_study(study.path) else study
        text = json.dumps(_to_json(merged), indent=2) + "\n"
        path = study.path / STUDY
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with files.atomic(path, "w") as file:
                file.write(text)
    return merged


def _merged(earlier: Study, study: Study) -> Study:
    settings = {setting.name: setting for setting in (*earlier.settings, *study.settings)}
    seeds = {
        name: tuple(sorted({*earlier.seeds.get(name, ()), *study.seeds.get(name, ())}))
        for name in settings
    }
    if earlier.experiment != study.experiment:
        raise UserError(
            f"{study.path} holds a study of {earlier.experiment}; now it is {study.experiment}",
            "one experiment per study",
            "choose another --output",
        )
    merged = Study(study.path, study.experiment, study.card, tuple(settings.values()), seeds)
    for cell in merged.cells:
        cell.check()  # those of earlier seeds, against the new overrides
    return merged


def _to_json(study: Study) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "experiment": study.experiment,
        "card": study.card,
        "settings": [
            {
                "name": setting.name,
                "variant": setting.variant,
                "overrides": dict(setting.overrides),
                "seeds": list(study.seeds[setting.name]),
            }
            for setting in study.settings
        ],
    }


def _from_json(path: pathlib.Path, content: dict[str, Any]) -> Study:
    """The study of `study.json`. Raises one of Python's errors if the content is unsuitable."""
    if content["format"] != _FORMAT:
        raise ValueError(f"format {content['format']!r}; this version reads {_FORMAT}")
    settings = []
    seeds = {}
    for entry in content["settings"]:
        setting = Setting(str(entry["name"]), str(entry["variant"]), dict(entry["overrides"]))
        if not _NAME.fullmatch(setting.name):
            raise ValueError(f"the name {setting.name!r}")
        settings.append(setting)
        seeds[setting.name] = tuple(int(seed) for seed in entry["seeds"])
    card = str(content["card"])
    return Study(path, str(content["experiment"]), card, tuple(settings), seeds)


def _flag_value(value: Value) -> str:
    """A value as the flag of its key reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def python_command(arguments: Sequence[str]) -> list[str]:
    """The command line that runs `tf-ttur ARGUMENTS` with this Python."""
    return [sys.executable, "-m", "tf_ttur", *arguments]
