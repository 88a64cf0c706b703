"""The charts of a report as SVG and PNG."""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import matplotlib.figure
from matplotlib import ticker

from tf_ttur.io import files
from tf_ttur.reports.charts import Chart
from tf_ttur.studies import style

Against = Literal["updates", "seconds"]

_COLUMNS = 2  # of the figure with the values of training
_TICKS = (1.0, 2.0, 5.0)  # of each power of ten on a logarithmic axis


def write(
    folder: pathlib.Path, evaluations: Sequence[Chart], training: Sequence[Chart]
) -> list[str]:
    """Draws all charts; returns their names, without ".svg" and ".png"."""
    names = []
    for name, charts, against in _figures(evaluations, training):
        with style.applied():
            figure = draw(charts, against)
            save(figure, folder / name)
        names.append(name)
    return names


def draw(charts: Sequence[Chart], against: Against) -> matplotlib.figure.Figure:
    """A figure with one chart in each of its axes."""
    columns = min(_COLUMNS, len(charts))
    rows = -(-len(charts) // columns)
    size = (7.0, 4.6) if len(charts) == 1 else (5.0 * columns, 2.8 * rows + 0.5)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, chart in zip(places, charts, strict=False):
        _draw_chart(axes, chart, against)
    for axes in places[len(charts) :]:
        axes.remove()
    style.add_legend(figure)
    return figure


def save(figure: matplotlib.figure.Figure, path: pathlib.Path) -> None:
    """Writes PATH.svg and PATH.png, without date and random names."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": path.name}):
        with files.atomic(path.with_name(path.name + ".svg")) as file:
            figure.savefig(file, format="svg", metadata={"Date": None})
        with files.atomic(path.with_name(path.name + ".png")) as file:
            figure.savefig(file, format="png", dpi=120)


def unit_of(seconds: float) -> tuple[str, float]:
    """(name, seconds) of the unit in which a duration is read best."""
    for name, length in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return name, length
    return "seconds", 1.0


def _figures(
    evaluations: Sequence[Chart], training: Sequence[Chart]
) -> Iterator[tuple[str, Sequence[Chart], Against]]:
    for chart in evaluations:
        yield chart["id"], [chart], "updates"
        yield f"{chart['id']}-seconds", [chart], "seconds"
    if training:
        yield "training", training, "updates"


def _draw_chart(axes: Any, chart: Chart, against: Against) -> None:
    series = [one for one in chart["series"] if one[against]]
    unit, length = "updates", 1.0
    if against == "seconds":
        unit, length = unit_of(max(one["seconds"]["x"][-1] for one in series))
    for one in series:
        points = one[against]
        label = f"{one['name']} ({one['note']})" if one["note"] else one["name"]
        style.draw_band(
            axes,
            [x / length for x in points["x"]],
            points["mean"],
            points["low"],
            points["high"],
            one["look"],
            label,
            dashed=one["published"],
        )
    x_label = "generator updates" if against == "updates" else f"training time ({unit})"
    axes.set(title=chart["title"], xlabel=x_label, ylabel=chart["label"])
    if chart["log"]:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=_TICKS))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    if against == "updates":
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
