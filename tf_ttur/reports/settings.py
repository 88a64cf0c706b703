"""Run folders and studies, grouped into settings: the runs of a setting differ in their seeds."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Iterable, Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import console, paths
from tf_ttur.registry import Value
from tf_ttur.runs import Run
from tf_ttur.studies import grouping
from tf_ttur.studies import study as studies


@dataclasses.dataclass(frozen=True)
class Setting:
    """Runs with the same config, each with another seed.

    Attributes:
      label: what tells it from the other settings of a report, such as "ttur".
      runs: at least one, by ascending seed.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def config(self) -> ConfigDict:
        """The config of the first run."""
        return self.runs[0].config

    @property
    def experiment(self) -> str:
        """The name of the experiment."""
        return self.config.name

    @property
    def full_label(self) -> str:
        """The label with the name of the experiment."""
        is_there = self.label.startswith(f"{self.experiment}:")
        return self.label if is_there else f"{self.experiment}:{self.label}"

    @property
    def seeds(self) -> list[int]:
        """The seed of each run."""
        return [run.config.seed for run in self.runs]

    @functools.cached_property
    def metrics(self) -> list[str]:
        """The names of all values of evaluations, in the order of their first rows."""
        return list(dict.fromkeys(name for run in self.runs for name in run.evaluations))

    @property
    def updates(self) -> list[int]:
        """How many updates each run has rows of."""
        return [run.last_update for run in self.runs]


def open_settings(folders: Sequence[str | pathlib.Path]) -> list[Setting]:
    """The settings of run folders and studies, in the order of their first run.

    Args:
      folders: run folders, studies, and folders that hold such folders at any depth.

    Raises:
      UserError: a folder holds no run, a run has no rows or no valid config, or two runs of one
        setting have the same seed.
    """
    opened = [run for folder in folders for run in find_runs(folder)]
    groups: dict[str, list[Run]] = {}
    for run in opened:
        group = groups.setdefault(_identity(run.config), [])
        if all(run.path.resolve() != other.path.resolve() for other in group):
            group.append(run)
    labels = _labels([group[0].config for group in groups.values()])
    labelled = grouping.separate(dict(zip(labels, groups.values(), strict=True)))
    settings = []
    for label, group in labelled.items():
        _check_seeds(group)
        ordered = sorted(group, key=lambda run: run.config.seed)
        settings.append(Setting(label, tuple(ordered)))
    return settings


def find_runs(folder: str | pathlib.Path) -> list[Run]:
    """The run in a folder; or those of a study, in its order; or all below it, by their paths.

    Of several runs, those without a row or with a damaged config are left out.

    Raises:
      UserError: there is none, or the only one cannot be read.
    """
    path = paths.local(folder, "the folder of a run")
    if (path / runs.CONFIG).exists():
        run = runs.open_run(path)
        if not run.series:  # raises where there is no file of them
            raise _without_rows(run)
        return [run]
    if studies.is_study(path):
        study = studies.open_study(path)
        found = [cell.run for setting in study.settings for cell in study.cells_of(setting)]
    else:
        found = [runs.open_run(file.parent) for file in sorted(path.rglob(runs.CONFIG))]
    found = [run for run in found if run.exists and _is_readable(run)]
    for run in found:
        if not run.rows and not _is_new(run):
            console.say(f"warning: left out: {_without_rows(run).found}")
    found = [run for run in found if run.rows]
    if not found:
        raise UserError(
            f"{path} holds no run",
            f"a folder with {runs.CONFIG} and {runs.METRICS}, or a folder of such folders",
            "name the --workdir of a training, or the --output of a study",
        )
    return found


def _is_readable(run: Run) -> bool:
    """Whether the config and the environment of a run can be read; a warning says why not."""
    try:
        _ = run.config, run.environment
    except UserError as error:
        console.say(f"warning: left out: {error.found}")
        return False
    return True


def _is_new(run: Run) -> bool:
    """Whether a run has written no rows yet."""
    path = run.path / runs.METRICS
    return not path.exists() or not path.stat().st_size


def _without_rows(run: Run) -> UserError:
    if _is_new(run):
        return UserError(f"{run.path} has no rows yet", "a run", "wait for its first losses")
    return UserError(
        f"{run.path / runs.METRICS} holds no row of tf_ttur",
        "the folder of a training by tf-ttur",
        "name one",
    )


def differences(settings: Sequence[Setting]) -> list[tuple[str, list[Value]]]:
    """[(key, its value in each setting)] of the deciding keys that are not the same in all."""
    values = [grouping.decisive(setting.config) for setting in settings]
    stored = [configs.flatten(setting.config) for setting in settings]
    keys = dict.fromkeys(key for one in values for key in one)
    rows = [(key, [one[key] for one in stored]) for key in keys]
    return [(key, row) for key, row in rows if len(set(map(str, row))) > 1]


def _identity(config: ConfigDict) -> str:
    """The same for two configs if their runs belong to one setting."""
    values = {"name": config.name, "variant": config.variant, **grouping.decisive(config)}
    return json.dumps(values, sort_keys=True)


def _labels(opened: Sequence[ConfigDict]) -> list[str]:
    """A short name for each of several configs: variant, experiment where there are several, and
    the values that tell those of one variant apart.
    """
    several = len({config.name for config in opened}) > 1
    names = [f"{config.name}:{config.variant}" if several else config.variant for config in opened]
    values = [grouping.decisive(config) for config in opened]
    return [
        name + _apart(index, [other for other, word in enumerate(names) if word == name], values)
        for index, name in enumerate(names)
    ]


def _apart(index: int, same: Iterable[int], values: Sequence[dict[str, Value]]) -> str:
    """The values of a config that are not those of all others with the same name."""
    same = list(same)
    keys = dict.fromkeys(key for other in same for key in values[other])
    differing = [key for key in keys if len({str(values[other].get(key)) for other in same}) > 1]
    return "".join(f", {key}={values[index].get(key)}" for key in differing)


def _check_seeds(group: Sequence[Run]) -> None:
    seen: dict[int, Run] = {}
    for run in group:
        first = seen.setdefault(run.config.seed, run)
        if first is not run:
            raise UserError(
                f"{first.path} and {run.path} hold the same run: seed {run.config.seed}",
                "one run for each seed of a setting",
                "leave one of them out",
            )
