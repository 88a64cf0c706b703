"""The numbers of a study, or of any run folders, beside the published ones."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.data import alternatives
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.players import Players
from tf_ttur.registry import Decides
from tf_ttur.runs import Run
from tf_ttur.studies import grouping, numbers, published
from tf_ttur.studies.differences import (
    Difference,
    differences_at_seconds,
    differences_at_updates,
)
from tf_ttur.studies.study import Study
from tf_ttur.wording import counted

NUMBERS = "numbers.json"
_JSD = ("jsd_4", "jsd_6")
_WHERE = "evaluation.every_updates"  # places the points of a curve, and changes none of them


@dataclasses.dataclass(frozen=True)
class Failure:
    """A run that stopped because a value was no longer finite.

    Attributes:
      seed: of the run.
      updates: the update in which that happened.
      what: the tensor, in words.
      folder: the run folder.
    """

    seed: int
    updates: int
    what: str
    folder: str


@dataclasses.dataclass(frozen=True)
class Published:
    """What the paper published for the same experiment, metric and rates.

    Attributes:
      metric: "fid", "jsd_4" or "jsd_6".
      runs: how many there were.
      best: the lowest value of all its runs and evaluations, read off the figure.
      best_at: where.
      table: the value that its table prints, or None.
      lowest_mean: the lowest mean over its runs.
      lowest_mean_at: where.
      curve: (updates, mean, lowest, highest) at each digitised point.
      has_failures: for each point, whether mean and highest value hold a failed evaluation (500).
      at_chosen: (mean, lowest, highest) after as many updates as the setting's `chosen`, read off
        straight lines between the points; None beyond them, or where one of them has failures.
      at_last: the same for the setting's last evaluation.
      erratum: what is wrong or missing in print; "" for nothing.
    """

    metric: str
    runs: int
    best: float
    best_at: str
    table: float | None
    lowest_mean: float
    lowest_mean_at: str
    curve: list[published.Point]
    has_failures: list[bool]
    at_chosen: tuple[float, float, float] | None
    at_last: tuple[float, float, float] | None
    erratum: str


@dataclasses.dataclass(frozen=True, eq=False)
class SettingNumbers:
    """The numbers of one metric of one setting.

    Attributes:
      name: of the setting.
      experiment: `config.name`.
      variant: of the card.
      metric: the name of the values, such as "fid" or "fid_stand_in".
      rates: learning rates.
      seeds: of all runs that have begun.
      folders: of these runs.
      updates: how many the runs are to make.
      failed: the runs that stopped on a value that was not finite.
      share_failed: of the runs.
      num_warned: runs with a warning of a collapse.
      curves: of the runs that have been evaluated.
      band: over the runs, by updates; its `seconds` place the same values by time.
      chosen: the updates with the lowest mean, and mean, range and best of the runs there.
      last: the same at the last update that as many runs as anywhere have reached.
      best: of all runs and evaluations, as the paper's table reports it.
      area: under the curves.
      published: None where nothing is published for these rates.
      caveats: why the values may not stand beside published ones, in words.
    """

    name: str
    experiment: str
    variant: str
    metric: str
    rates: Players[float]
    seeds: list[int]
    folders: list[str]
    updates: int
    failed: list[Failure]
    share_failed: float
    num_warned: int
    curves: list[numbers.Curve]
    band: numbers.Band
    chosen: numbers.Point | None
    last: numbers.Point | None
    best: numbers.Best | None
    area: numbers.Area | None
    published: Published | None
    caveats: list[str]


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """The numbers of several settings.

    Attributes:
      settings: one entry per setting and metric.
      differences_at_updates: of the first setting of an experiment and each other one, at each
        common evaluation up to the `last` of both: behind it a few runs would be compared with
        other ones.
      differences_at_seconds: the same at equal seconds of training.
      not_compared: why a pair is missing there, in words.
    """

    settings: list[SettingNumbers]
    differences_at_updates: list[Difference]
    differences_at_seconds: list[Difference]
    not_compared: list[str]

    def pairs(self) -> list[tuple[Difference, Difference | None]]:
        """For each pair of settings its last difference at equal updates and at equal seconds."""
        last_seconds = {(d.first, d.second): d for d in self.differences_at_seconds}
        last_updates = {(d.first, d.second): d for d in self.differences_at_updates}
        return [(last, last_seconds.get(pair)) for pair, last in last_updates.items()]


def of_study(study: Study) -> Results:
    """The numbers of a study as far as it has got. Raises `UserError` if a run is damaged."""
    groups = {}
    for setting in study.settings:
        begun = [cell.run for cell in study.cells_of(setting) if cell.run.exists]
        if begun:
            groups[setting.name] = begun
    return of_groups(groups)


def of_runs(folders: Iterable[str | pathlib.Path]) -> Results:
    """The numbers of any run folders: those that differ only in their seeds make one setting.

    Raises:
      UserError: a folder is no run, or damaged.
    """
    groups: dict[str, list[Run]] = {}
    names: dict[str, str] = {}
    for folder in folders:
        run = runs.open_run(folder)
        config = run.config
        key = json.dumps(grouping.decisive(config), sort_keys=True)
        if key not in names:
            names[key] = grouping.unused(f"{config.name}:{config.variant}", groups)
            groups[names[key]] = []
        groups[names[key]].append(run)
    return of_groups(groups)


def of_groups(groups: Mapping[str, Sequence[Run]]) -> Results:
    """The numbers of settings.

    Args:
      groups: {name of a setting: its runs}, which are separated as by `grouping.separate`.
    """
    groups = grouping.separate(groups)
    settings = [
        entry for name, group in groups.items() for entry in _numbers_of_setting(name, group)
    ]
    at_updates: list[Difference] = []
    at_seconds: list[Difference] = []
    not_compared = []
    for kind in dict.fromkeys(map(_kind, settings)):
        first, *others = [entry for entry in settings if _kind(entry) == kind]
        for other in others:
            if reason := _incomparable(first, other, groups):
                not_compared.append(reason)
                continue
            sides = (_label(first), first.curves, _label(other), other.curves)
            ends = [_end(entry) for entry in (first, other)]
            updates, seconds = (min(values) for values in zip(*ends, strict=True))
            at_updates += _until(updates, differences_at_updates(*sides))
            at_seconds += _until(seconds, differences_at_seconds(*sides))
    return Results(settings, at_updates, at_seconds, not_compared)


def write(results: Results, path: pathlib.Path) -> None:
    """Writes the numbers as JSON."""
    with files.atomic(path, "w") as file:
        file.write(json.dumps(numbers.to_json(results), indent=2) + "\n")


def metrics_of(run: Run) -> list[str]:
    """The names of a run's main values: the Fréchet distance, or the divergences of lines.

    [] where it has not been evaluated.
    """
    names = {row["name"] for row in run.rows}
    if configs.kind_of(run.config).has_vocabulary:
        return [name for name in _JSD if name in names]
    return sorted(name for name in names if name.startswith(("fid", "frechet")))[:1]


def curve_of(run: Run, metric: str) -> numbers.Curve:
    """The values of one metric in a run."""
    rows = [row for row in run.rows if row["name"] == metric]
    values = [np.nan if row["value"] is None else row["value"] for row in rows]
    return numbers.Curve(
        seed=int(run.config.seed),
        updates=np.array([row["update"] for row in rows], np.int64),
        seconds=np.array([row["training_seconds"] for row in rows], np.float64),
        values=np.array(values, np.float64),
    )


def _numbers_of_setting(name: str, group: Sequence[Run]) -> list[SettingNumbers]:
    metrics = list(dict.fromkeys(metric for run in group for metric in metrics_of(run)))
    return [_numbers_of_metric(name, group, metric) for metric in metrics or [""]]


def _numbers_of_metric(name: str, group: Sequence[Run], metric: str) -> SettingNumbers:
    config = group[0].config
    curves = [curve for run in group if len((curve := curve_of(run, metric)).updates)]
    failed = [failure for run in group if (failure := _failure(run))]
    band = numbers.band(curves)
    stopped = [failure.seed for failure in failed]
    chosen = numbers.choose(curves, stopped)
    last = numbers.last(curves, stopped)
    rates = Players(config.discriminator.learning_rate, config.generator.learning_rate)
    return SettingNumbers(
        name=name,
        experiment=config.name,
        variant=config.variant,
        metric=metric,
        rates=rates,
        seeds=[int(run.config.seed) for run in group],
        folders=[str(run.path) for run in group],
        updates=int(config.updates),
        failed=failed,
        share_failed=len(failed) / len(group),
        num_warned=sum(bool(run.warnings) for run in group),
        curves=curves,
        band=band,
        chosen=chosen,
        last=last,
        best=numbers.best(curves),
        area=numbers.area(curves, stopped),
        published=_published(config, metric, rates, chosen, last),
        caveats=_caveats(config, metric, group, last),
    )


def _failure(run: Run) -> Failure | None:
    update = run.failed_at
    if update is None:
        return None
    what = f"{run.crash.get('tensor')} of the {run.crash.get('player')}"
    return Failure(int(run.config.seed), update, what, str(run.path))


def _published(
    config: ConfigDict,
    metric: str,
    rates: Players[float],
    chosen: numbers.Point | None,
    last: numbers.Point | None,
) -> Published | None:
    experiment = config.name
    family = _family(metric)
    score = published.SCORES.get((experiment, family), {}).get(rates)
    if score is None:
        return None
    points = published.curve(experiment, family, rates)
    return Published(
        metric=family,
        runs=published.RUNS.get(configs.learns(config), 0),
        best=score.best,
        best_at=score.at,
        table=score.table,
        lowest_mean=score.mean[0],
        lowest_mean_at=score.mean[1],
        curve=points,
        has_failures=[published.has_failures(family, point) for point in points],
        at_chosen=published.at(experiment, family, rates, chosen.updates) if chosen else None,
        at_last=published.at(experiment, family, rates, last.updates) if last else None,
        erratum=published.ERRATA.get(experiment, ""),
    )


def _caveats(
    config: ConfigDict, metric: str, group: Sequence[Run], last: numbers.Point | None
) -> list[str]:
    """Why the values may not stand beside published ones."""
    kind = configs.learns(config)
    found = []
    if metric.startswith(("fid", "frechet")) and metric != "fid":
        found.append(f"the values are {metric}, not the FID of the published Inception network")
    said = [_WHERE]  # keys of the config that need no other words
    samples = config.evaluation.num_samples
    if kind == "images" and samples < published.SAMPLES:
        usual = f"{published.SAMPLES:,}"
        found.append(f"{samples:,} samples instead of {usual}: fewer raise the distance")
        said.append("evaluation.num_samples")
    card = None
    with contextlib.suppress(UserError):  # the card may be gone, or no longer have this variant
        card = configs.load(f"{config.name}:{config.variant}")
    if card is None:
        found.append(f"there is no card {config.name}:{config.variant} to compare with")
    else:
        if config.updates < card.updates:
            said.append("updates")
        found += [f"not as in the card: {line}" for line in _changes(card, config, said)]
        place = configs.kind_of(config).place
        was, now = (configs.flatten(one)[place] for one in (card, config))
        if was and now not in alternatives.split(was):
            found.append(f"other data, unless they have only moved: {was} -> {now}")
    reached = last.updates if last else 0
    if card is not None and reached < card.updates:
        found.append(f"{reached:,} of the card's {card.updates:,} updates")
    seeds = published.RUNS.get(kind, 0)
    is_published = (config.name, _family(metric)) in published.SCORES
    if is_published and len(group) < seeds:
        found.append(f"{counted(len(group), 'run')}; the published values are of {seeds}")
    return found


def _changes(card: ConfigDict, config: ConfigDict, said: Collection[str]) -> list[str]:
    """The values that decide weights or curve and are not those of the card, but for some keys."""
    return [
        str(difference)
        for difference in configs.differing_values(
            grouping.decisive(card), grouping.decisive(config)
        )
        if difference.key not in said
    ]


def _incomparable(
    first: SettingNumbers, second: SettingNumbers, groups: Mapping[str, Sequence[Run]]
) -> str:
    """Why two settings have no difference, in words; "" if they have one."""
    pair = f"{first.name} and {second.name}"
    if not first.curves or not second.curves:
        return f"{pair}: there is no evaluation of both yet"
    if first.metric != second.metric:
        return f"{pair}: measured as {first.metric} and {second.metric}"
    one, two = (groups[entry.name][0] for entry in (first, second))
    others = [name for name in one.records_that_differ(two) if name != "data"]
    if others:
        return f"{pair}: measured with another {' and another '.join(others)}"
    changed = configs.differing_values(_measuring(one.config), _measuring(two.config))
    if changed:
        return f"{pair}: measured differently ({'; '.join(map(str, changed))})"
    return ""


def _measuring(config: ConfigDict) -> dict[str, object]:
    """{key: value} of what decides how the values are measured."""
    flat = configs.flatten(config)
    return {
        key: flat[key]
        for key in configs.KEYS
        if key != _WHERE and configs.decides(key, config) is Decides.CURVE
    }


def _end(entry: SettingNumbers) -> tuple[float, float]:
    """The updates and the seconds of the setting's `last`; zeros without it."""
    if entry.last is None:
        return 0.0, 0.0
    index = entry.band.updates.tolist().index(entry.last.updates)
    return entry.last.updates, float(entry.band.seconds[index])


def _until(end: float, differences: Sequence[Difference]) -> list[Difference]:
    return [difference for difference in differences if difference.position <= end]


def _kind(entry: SettingNumbers) -> tuple[str, str]:
    """The same for entries between which there may be a difference."""
    return entry.experiment, _family(entry.metric)


def _label(entry: SettingNumbers) -> str:
    """The name of a setting in a difference, with the metric where a setting has several."""
    return f"{entry.name} {entry.metric}" if entry.metric in _JSD else entry.name


def _family(metric: str) -> str:
    """The published metric that a metric stands for."""
    return metric if metric in _JSD else "fid"
