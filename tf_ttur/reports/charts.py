"""The curves of a report as JSON: what the page and the figures draw."""

from collections.abc import Sequence
from typing import Any

from tf_ttur.reports import curves, table
from tf_ttur.reports.curves import Curve
from tf_ttur.reports.settings import Setting
from tf_ttur.studies import published

_MAX_POINTS = 300  # per curve; of more, every k-th is drawn
_LOG_RATIO = 20  # from this ratio of the highest to the lowest value, a logarithmic axis helps

# {name of a row: (title, label of the axis)}
_OF_TRAINING = {
    "loss/discriminator": ("Loss of the discriminator", "loss"),
    "loss/generator": ("Loss of the generator", "loss"),
    "accuracy/discriminator": ("Accuracy of the discriminator", "share of examples"),
    "weight_norm/discriminator": ("Weights of the discriminator", "L2 norm"),
    "weight_norm/generator": ("Weights of the generator", "L2 norm"),
}

Chart = dict[str, Any]


def evaluations(settings: Sequence[Setting]) -> list[Chart]:
    """One chart per experiment and measure, with the published curves of the same rates."""
    charts = []
    for experiment in dict.fromkeys(setting.experiment for setting in settings):
        of_one = [setting for setting in settings if setting.experiment == experiment]
        for metric in dict.fromkeys(name for one in of_one for name in one.metrics):
            series = [
                _series(setting, metric, number)
                for number, setting in _numbered(settings)
                if setting.experiment == experiment and metric in setting.metrics
            ]
            last = max(one["updates"]["x"][-1] for one in series if one["updates"]["x"])
            for number, setting in _numbered(settings):
                if setting.experiment == experiment:
                    series += _published(setting, metric, number, last)
            title = f"{experiment}: {metric}"
            charts.append(_chart(title, f"{metric} (lower is better)", series))
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
        series = [_series(setting, name, number) for number, setting in _numbered(settings)]
        series = [one for one in series if one["updates"]["x"]]
        if series:
            charts.append({**_chart(title, label, series), "log": False})
    return charts


def _numbered(settings: Sequence[Setting]) -> list[tuple[int, Setting]]:
    return list(enumerate(settings))


def _chart(title: str, label: str, series: list[dict[str, Any]]) -> Chart:
    values = [value for one in series for value in one["updates"]["mean"]]
    helps = bool(values) and min(values) > 0 and max(values) > _LOG_RATIO * min(values)
    name = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return {"id": name, "title": title, "label": label, "log": helps, "series": series}


def _series(setting: Setting, name: str, number: int) -> dict[str, Any]:
    runs = "" if len(setting.runs) == 1 else f", {len(setting.runs)} runs"
    return {
        "name": f"{setting.label}{runs}",
        "look": number,
        "published": False,
        "updates": _points(curves.by_updates(setting, name)),
        "seconds": _points(curves.by_seconds(setting, name)),
        "note": "",
    }


def _published(setting: Setting, metric: str, number: int, last: float) -> list[dict[str, Any]]:
    """The published curve of the same rates, up to a little beyond the last update; or none.

    A range that ends at a failed evaluation has no upper end.
    """
    name = table.published_name(metric)
    points = published.curve(setting.experiment, name, setting.rates)
    shown = [point for point in points if point[0] <= 1.2 * last] or points[:1]
    if not shown:
        return []
    failed = [published.has_failures(name, point) for point in shown]
    high = [point[1] if bad else point[3] for point, bad in zip(shown, failed, strict=True)]
    note = f"failed evaluations count as {published.FAILED:.0f} in the mean" if any(failed) else ""
    updates, mean, low, _ = (list(column) for column in zip(*shown, strict=True))
    curve = Curve(updates, mean, low, high, [0] * len(updates))
    return [
        {
            "name": f"{setting.label}, published",
            "look": number,
            "published": True,
            "updates": _points(curve),
            "seconds": None,
            "note": note,
        }
    ]


def _points(curve: Curve) -> dict[str, list[float]]:
    """A curve as lists of rounded numbers, thinned out."""
    step = -(-len(curve.x) // _MAX_POINTS) or 1
    # The last point is always there.
    places = list(range(len(curve.x) - 1, -1, -step))[::-1]
    rounded = {
        name: [float(f"{values[place]:.6g}") for place in places]
        for name, values in zip(("x", "mean", "low", "high"), curve[:4], strict=True)
    }
    return {**rounded, "count": [int(curve.num_runs[place]) for place in places]}
