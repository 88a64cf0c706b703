"""The measured distance against updates: runs beside the published curve."""

import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib.figure

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import files, outputs
from tf_ttur.players import Players
from tf_ttur.runs import Run
from tf_ttur.studies import published, style

Against = Literal["updates", "seconds"]
Rates = Players[float]
_KIND = "a picture that Matplotlib drew"


def plot(
    folders: Sequence[str | pathlib.Path],
    path: str | pathlib.Path,
    against: Against = "updates",
    overwrite: bool = False,
) -> None:
    """Draws the distance of runs to the real data, and the published curves with the same rates.

    The distance is the Fréchet distance. For language it is the divergence of 4-grams and of
    6-grams, each in its own axes. A dotted line shows the divergence of equally many real lines, if
    a run folder holds it.

    Args:
      folders: run folders of one experiment.
      path: .png or .svg. A picture that Matplotlib drew may be replaced.
      against: "updates", or "seconds" of training, which leave out evaluation and have no published
        counterpart.
      overwrite: whether any existing file may be replaced.

    Raises:
      UserError: the path may not be written or has another ending, the runs are of several
        experiments, or one of them has no evaluation.
    """
    path = outputs.check_file(path, (".png", ".svg"), _KIND, is_own, overwrite=overwrite)
    opened = [runs.open_run(folder) for folder in folders]
    _check_experiment(opened)
    ngrams = ("jsd_4", "jsd_6") if configs.kind_of(opened[0].config).has_vocabulary else (None,)
    with style.applied():
        figure = _figure(opened, ngrams, against)
    with files.atomic(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=120)


def _figure(
    opened: Sequence[Run], ngrams: Sequence[str | None], against: Against
) -> matplotlib.figure.Figure:
    """The figure, with one axes for each measure; None is the Fréchet distance."""
    experiment = opened[0].config.name
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
        style.legend_below(axes, columns=1)
    return figure


def is_own(path: pathlib.Path) -> bool:
    """Whether a file is a picture that Matplotlib drew, as it says near its beginning."""
    with path.open("rb") as file:
        return b"Matplotlib" in file.read(4096)


def rates_of(run: Run) -> Rates:
    """The learning rates in a run's config."""
    config = run.config
    return Players(config.discriminator.learning_rate, config.generator.learning_rate)


def _check_experiment(opened: Sequence[Run]) -> None:
    """Refuses runs of several experiments, and folders without rows. Raises `UserError`."""
    for run in opened:
        _ = run.series  # raises where there is none
    names = sorted({run.config.name for run in opened})
    if len(names) > 1:
        found = f"runs of {', '.join(names)}"
        raise UserError(found, "runs of one experiment", "draw them separately")


def _draw(axes: Any, opened: Sequence[Run], metric: str | None, against: Against) -> None:
    """Draws one measure of all runs; `metric` is None for the Fréchet distance, under any name."""
    colours: dict[Rates, str] = {}
    last = 0.0
    for run in opened:
        colour = colours.setdefault(rates_of(run), style.look(len(colours)).colour)
        last = max(last, _draw_run(axes, run, metric, against, colour))
    if metric is not None:
        _draw_floors(axes, opened, metric)
    if against == "updates":
        experiment = opened[0].config.name
        for rates, colour in colours.items():
            points = published.curve(experiment, metric or "fid", rates)
            shown = [point for point in points if point[0] <= 1.2 * last] or points[:1]
            if shown:
                _draw_published(axes, shown, rates, colour, metric or "fid")


def _draw_run(axes: Any, run: Run, metric: str | None, against: Against, colour: str) -> float:
    """Draws the curves of one run; returns where they end."""
    if metric is None:
        names = [name for name in run.series if name.startswith(("fid", "frechet"))]
    else:
        names = [name for name in run.series if name == metric]
    if not names and not run.config.evaluation.every_updates:
        raise UserError(
            f"{run.path} is not evaluated: its config.evaluation.every_updates is 0",
            "a run with evaluations",
            "train it again with --config.evaluation.every_updates=N, which resumes it",
        )
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
    """Draws the divergence of equally many real lines, once for each value."""
    floors = {run.floor(metric) for run in opened}
    for floor in sorted(floor for floor in floors if floor is not None):
        label = f"equally many real lines: {floor:.3f}"
        axes.axhline(floor, linestyle=":", color="0.4", label=label)


def _draw_published(
    axes: Any, points: Sequence[published.Point], rates: Rates, colour: str, metric: str
) -> None:
    """Draws means and ranges; a range that ends at a failed evaluation has no upper end."""
    failed = [published.has_failures(metric, point) for point in points]
    updates, mean, low, high = zip(*points, strict=True)
    below = [middle - least for middle, least in zip(mean, low, strict=True)]
    above = [
        0.0 if failure else most - middle
        for middle, most, failure in zip(mean, high, failed, strict=True)
    ]
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
    if any(failed):
        axes.plot(
            [update for update, failure in zip(updates, failed, strict=True) if failure],
            [middle for middle, failure in zip(mean, failed, strict=True) if failure],
            "s",
            color=colour,
            markerfacecolor="white",
            label="the same, with failed evaluations: they count as "
            f"{published.FAILED:.0f} in the mean and are left out of the range",
        )


def _words(rates: Rates) -> str:
    return f"{rates.discriminator:g} / {rates.generator:g}"
