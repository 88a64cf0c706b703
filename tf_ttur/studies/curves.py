"""The measured distance against updates: runs beside the published curve."""

import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib.figure

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.players import Players
from tf_ttur.runs import Run
from tf_ttur.studies import published

Against = Literal["updates", "seconds"]
Rates = Players[float]


def plot(
    folders: Sequence[str | pathlib.Path], path: str | pathlib.Path, against: Against = "updates"
) -> None:
    """Draws the distance of runs to the real data, and the published curves with the same rates.

    The distance is the Fréchet distance. For language it is the divergence of 4-grams and of
    6-grams, each in its own axes, above the divergence of equally many real lines where a run
    folder holds that.

    Args:
      folders: run folders of one experiment.
      path: .png or .svg.
      against: "updates", or "seconds" of training, which leave out evaluation and have no published
        counterpart.

    Raises:
      UserError: the path has another ending, the runs are of several experiments, or one of them
        has no evaluation.
    """
    ending = pathlib.Path(path).suffix
    if ending not in (".png", ".svg"):
        found = f"a picture called {path}"
        raise UserError(found, "a name that ends in .png or .svg", "correct --output")
    opened = [runs.open_run(folder) for folder in folders]
    experiment = _experiment_of(opened)
    ngrams = ("jsd_4", "jsd_6") if configs.kind_of(opened[0].config).has_vocabulary else (None,)
    figure = matplotlib.figure.Figure(figsize=(8 * len(ngrams), 5), layout="constrained")
    all_axes = figure.subplots(1, len(ngrams), squeeze=False)[0]
    for axes, metric in zip(all_axes, ngrams, strict=True):
        _draw(axes, opened, metric, against)
        axes.set_xlabel("generator updates" if against == "updates" else "seconds of training")
        if metric is None:
            axes.set_ylabel("Fréchet distance")
            axes.set_ylim(bottom=0)
        else:
            axes.set_ylabel(f"Jensen-Shannon divergence of {metric[-1]}-grams")
        axes.set_title(f"{experiment} (rates: discriminator / generator)")
        axes.grid(alpha=0.3)
        axes.legend()
    with files.atomic(path) as file:
        figure.savefig(file, format=ending[1:], dpi=120)


def rates_of(run: Run) -> Rates:
    """The learning rates in a run's config."""
    config = run.config
    return Players(config.discriminator.learning_rate, config.generator.learning_rate)


def _experiment_of(opened: Sequence[Run]) -> str:
    """The name of the experiment that all runs are of."""
    for run in opened:
        _ = run.series  # raises where there is none
    names = sorted({run.config.name for run in opened})
    if len(names) > 1:
        found = f"runs of {', '.join(names)}"
        raise UserError(found, "runs of one experiment", "draw them apart")
    return names[0]


def _draw(axes: Any, opened: Sequence[Run], metric: str | None, against: Against) -> None:
    """One measure of all runs; `metric` is None for the Fréchet distance, under any name."""
    colours: dict[Rates, str] = {}
    last = 0.0
    for run in opened:
        colour = colours.setdefault(rates_of(run), f"C{len(colours)}")
        last = max(last, _draw_run(axes, run, metric, against, colour))
    if metric is not None:
        _draw_floors(axes, opened, metric)
    if against == "updates":
        experiment = opened[0].config.name
        for rates, colour in colours.items():
            points = published.curve(experiment, metric or "fid", rates)
            shown = [point for point in points if point[0] <= 1.2 * last] or points[:1]
            if shown:
                _draw_published(axes, shown, rates, colour)


def _draw_run(axes: Any, run: Run, metric: str | None, against: Against, colour: str) -> float:
    """Draws the curves of one run; returns where they end."""
    if metric is None:
        names = [name for name in run.series if name.startswith(("fid", "frechet"))]
    else:
        names = [name for name in run.series if name == metric]
    if not names:
        expected = f"rows named {metric or 'fid...'}"
        raise UserError(f"{run.path} has no evaluation", expected, "wait for the first evaluation")
    config = run.config
    column = "update" if against == "updates" else "training_seconds"
    last = 0.0
    for name in names:
        positions = [row[column] for row in run.series[name]]
        values = [row["value"] for row in run.series[name]]
        label = (
            f"{config.variant} {_words(rates_of(run))}, seed {config.seed}: "
            f"{name} of {config.evaluation.num_samples:,}"
        )
        axes.plot(positions, values, "o-", color=colour, label=label)
        last = max(last, positions[-1])
    return last


def _draw_floors(axes: Any, opened: Sequence[Run], metric: str) -> None:
    """What equally many real lines have, once for each value."""
    floors = {run.floor(metric) for run in opened}
    for floor in sorted(floor for floor in floors if floor is not None):
        axes.axhline(floor, linestyle=":", color="0.4", label=f"as many real lines: {floor:.3f}")


def _draw_published(
    axes: Any, points: Sequence[published.Point], rates: Rates, colour: str
) -> None:
    updates, mean, low, high = zip(*points, strict=True)
    below = [middle - least for middle, least in zip(mean, low, strict=True)]
    above = [most - middle for middle, most in zip(mean, high, strict=True)]
    axes.errorbar(
        updates,
        mean,
        [below, above],
        fmt="s--",
        color=colour,
        capsize=6,
        alpha=0.6,
        label=f"{_words(rates)}, published: mean and range of its runs",
    )


def _words(rates: Rates) -> str:
    return f"{rates.discriminator:g} / {rates.generator:g}"
