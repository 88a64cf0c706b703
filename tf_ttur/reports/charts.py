"""The curves of a report as JSON: what the page and the figures draw."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_ttur import config as configs
from tf_ttur.reports.settings import Setting
from tf_ttur.studies import numbers, published
from tf_ttur.studies.results import Results, curve_of

_MAX_POINTS = 300  # per curve; of more, every k-th is drawn
_LOG_RATIO = 5  # from this ratio of the highest to the lowest value, a logarithmic axis helps

_FLOOR = 6  # the look of real lines: black

# {name of a row: (title, label of the axis)}
_OF_TRAINING = {
    "loss/discriminator": ("Loss of the discriminator", "loss"),
    "loss/generator": ("Loss of the generator", "loss"),
    "accuracy/discriminator": ("Accuracy of the discriminator", "share of examples"),
    "weight_norm/discriminator": ("Weights of the discriminator", "L2 norm"),
    "weight_norm/generator": ("Weights of the generator", "L2 norm"),
}

Chart = dict[str, Any]


def evaluations(settings: Sequence[Setting], results: Results) -> list[Chart]:
    """One chart per experiment and measure, with the published curves of the same rates.

    Args:
      settings: of the report.
      results: their numbers, under their labels.
    """
    charts = []
    for experiment in dict.fromkeys(setting.experiment for setting in settings):
        shown = [one for one in enumerate(settings) if one[1].experiment == experiment]
        for metric in dict.fromkeys(name for _, one in shown for name in one.metrics):
            series = [
                _series(setting, metric, number)
                for number, setting in shown
                if metric in setting.metrics
            ]
            series = [one for one in series if one["updates"]["x"]]
            if not series:
                continue
            last = max(one["updates"]["x"][-1] for one in series)
            series += _floor([setting for _, setting in shown], metric, series)
            for number, setting in shown:
                series += _published(setting.label, metric, number, last, results)
            charts.append(_chart(f"{experiment}: {metric}", f"{metric} (lower is better)", series))
    return charts


def training(settings: Sequence[Setting]) -> list[Chart]:
    """One chart for each value that updates leave: losses, accuracy, norms and others."""
    names = dict.fromkeys(name for one in settings for run in one.runs for name in run.series)
    evaluated = {name for setting in settings for name in setting.metrics}
    order = [*_OF_TRAINING, *sorted(name for name in names if name not in _OF_TRAINING)]
    charts = []
    for name in order:
        if name not in names or name in evaluated:
            continue
        title, label = _OF_TRAINING.get(name, (name, name))
        series = [_series(setting, name, number) for number, setting in enumerate(settings)]
        series = [one for one in series if one["updates"]["x"]]
        if series:
            charts.append({**_chart(title, label, series), "log": False})
    return charts


def _chart(title: str, label: str, series: list[dict[str, Any]]) -> Chart:
    values = [value for one in series for value in one["updates"]["mean"]]
    helps = bool(values) and min(values) > 0 and max(values) > _LOG_RATIO * min(values)
    name = re.sub("[^a-z0-9]+", "-", title.lower())
    return {"id": name, "title": title, "label": label, "log": helps, "series": series}


def _series(setting: Setting, name: str, number: int) -> dict[str, Any]:
    """The mean and range of the values of one name over the runs of a setting.

    As far as all runs have got that did not fail: a few of them would have another mean.
    """
    curves = [curve_of(run, name) for run in setting.runs if name in run.series]
    failed = [run.config.seed for run in setting.runs if run.failed_at is not None]
    band = numbers.band(curves)
    last = numbers.last(curves, failed)
    end = last.updates if last else 0
    shown = band.updates <= end
    runs = "" if len(setting.runs) == 1 else f", {len(setting.runs)} runs"
    values = [one[shown] for one in (band.mean, band.low, band.high, band.num_values)]
    return {
        "name": f"{setting.label}{runs}",
        "look": number,
        "published": False,
        "updates": _points(band.updates[shown], *values),
        "seconds": _points(band.seconds[shown], *values),
        "note": _note(curves, failed, end),
    }


def _note(curves: Sequence[numbers.Curve], failed: Sequence[int], end: int) -> str:
    """How many runs ended before the others, and how many have got further than is drawn."""
    going = [curve.updates[-1] for curve in curves if curve.seed not in failed]
    counts = {
        "failed": len(failed),
        "not as far": sum(last < end for last in going),
        "got further": sum(last > end for last in going),
    }
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count)


def _floor(
    settings: Sequence[Setting], metric: str, series: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The value of equally many real lines, if the runs have one and the same; or nothing."""
    if not all(configs.kind_of(setting.config).has_vocabulary for setting in settings):
        return []
    floors = {run.floor(metric) for setting in settings for run in setting.runs}
    if len(floors) > 1 or None in floors:
        return []
    value = np.full(2, floors.pop())
    ends = {
        axis: np.array([0, max(one[axis]["x"][-1] for one in series)])
        for axis in ("updates", "seconds")
    }
    lines = {axis: _points(x, value, value, value, np.ones(2, int)) for axis, x in ends.items()}
    name = "equally many real lines"
    return [{"name": name, "look": _FLOOR, "published": False, **lines, "note": ""}]


def _published(
    label: str, metric: str, number: int, last: float, results: Results
) -> list[dict[str, Any]]:
    """The published curve of the same rates, up to a little beyond the last update.

    Where it only begins later, its first point alone, unless that would leave the measured values
    in a corner. A range that ends at a failed evaluation has no upper end.
    """
    entries = [one for one in results.settings if (one.name, one.metric) == (label, metric)]
    known = entries[0].published if entries else None
    if known is None or not known.curve:
        return []
    shown = [place for place, point in enumerate(known.curve) if point[0] <= 1.2 * last]
    if not shown and known.curve[0][0] <= 2 * last:
        shown = [0]
    if not shown:
        return []
    updates, mean, low, high = np.array([known.curve[place] for place in shown], float).T
    failed = np.array([known.has_failures[place] for place in shown])
    high = np.where(failed, mean, high)
    return [
        {
            "name": f"{label}, published",
            "look": number,
            "published": True,
            "updates": _points(updates, mean, low, high, np.full(len(mean), known.runs)),
            "seconds": None,
            "note": f"failed evaluations count as {published.FAILED:.0f} in the mean"
            if failed.any()
            else "",
        }
    ]


def _points(
    x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray, count: np.ndarray
) -> dict[str, list[float]]:
    """A curve as lists of rounded numbers, thinned out; places without a value are left out."""
    places = np.flatnonzero(count > 0)
    step = -(-len(places) // _MAX_POINTS) or 1
    places = places[::-1][::step][::-1]  # the last point is always there
    columns = {"x": x, "mean": mean, "low": low, "high": high}
    rounded = {
        name: [float(f"{value:.6g}") for value in values[places]]
        for name, values in columns.items()
    }
    return {**rounded, "count": [int(value) for value in count[places]]}
