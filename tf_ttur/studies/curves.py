"""The measured distance against updates: runs beside the published curve."""

import json
import pathlib

import matplotlib.figure

from tf_ttur import config as configs
from tf_ttur import runs as _runs
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.studies import published


def read_run(folder):
    """A run folder as (config, {name of a metric: its rows})."""
    folder = pathlib.Path(folder)
    metrics = folder / "metrics.jsonl"
    if not metrics.is_file():
        raise UserError(
            f"{folder} has no metrics.jsonl", "a run folder", "name the --workdir of a training"
        )
    series = {}
    for row in _runs.read_rows(metrics)[0]:
        series.setdefault(row["name"], []).append(row)
    return configs.from_json(folder / "config.json"), series


def plot(folders, path, against="updates"):
    """Writes a picture of the distance of each run to the real data, and the published curve with
    the same rates.

    The distance is the Fréchet distance; of language, the divergence of 4-grams and of 6-grams,
    each in axes of its own and above what as many real lines have, where a run folder says it.

    Args:
      folders: run folders of one experiment.
      path: .png or .svg.
      against: "updates", or "seconds" of training, which leave out evaluation and have no published
        counterpart.
    """
    ending = pathlib.Path(path).suffix
    if ending not in (".png", ".svg"):
        raise UserError(
            f"a picture called {path}", "a name that ends in .png or .svg", "correct --output"
        )
    runs = [(folder, *read_run(folder)) for folder in folders]
    experiment = runs[0][1].name
    if len({config.name for _, config, _ in runs}) > 1:
        raise UserError(
            f"runs of {', '.join(sorted({config.name for _, config, _ in runs}))}",
            "runs of one experiment",
            "draw them apart",
        )
    metrics = [["jsd_4"], ["jsd_6"]] if configs.kind_of(runs[0][1]).has_vocabulary else [None]
    figure = matplotlib.figure.Figure(figsize=(8 * len(metrics), 5), layout="constrained")
    for axes, names in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics):
        _draw(axes, runs, names, against)
        axes.set_xlabel("generator updates" if against == "updates" else "seconds of training")
        axes.set_ylabel(
            f"Jensen-Shannon divergence of {names[0][-1]}-grams" if names else "Fréchet distance"
        )
        axes.set_title(f"{experiment} (rates: discriminator / generator)")
        axes.set_ylim(bottom=None if names else 0)
        axes.grid(alpha=0.3)
        axes.legend()
    with files.atomic(path) as file:
        figure.savefig(file, format=ending[1:], dpi=120)


def _draw(axes, runs, wanted, against):
    last, colours = 0, {}
    for folder, config, series in runs:
        names = (
            [name for name in series if name in wanted]
            if wanted
            else [name for name in series if name.startswith(("fid", "frechet"))]
        )
        if not names:
            raise UserError(
                f"{folder} has no evaluation",
                f"rows named {', '.join(wanted or ['fid...'])}",
                "wait for the first evaluation",
            )
        rates = (config.discriminator.learning_rate, config.generator.learning_rate)
        label = f"{config.variant} {rates[0]:g} / {rates[1]:g}"
        colour = colours.setdefault(rates, f"C{len(colours)}")
        for name in names:
            points = [
                (row["update"] if against == "updates" else row["training_seconds"], row["value"])
                for row in series[name]
            ]
            axes.plot(
                *zip(*points),
                "o-",
                color=colour,
                label=f"{label}, seed {config.seed}: {name} of {config.evaluation.num_samples:,}",
            )
            last = max(last, points[-1][0])
    floors = {_floor(folder, wanted[0]) for folder, *_ in runs} - {None} if wanted else ()
    for floor in sorted(floors):
        axes.axhline(floor, linestyle=":", color="0.4", label=f"as many real lines: {floor:.3f}")
    for rates, colour in colours.items() if against == "updates" else ():
        points = published.curve(runs[0][1].name, wanted[0] if wanted else "fid", rates)
        if points:
            shown = [point for point in points if point[0] <= 1.2 * last] or points[:1]
            updates, mean, low, high = zip(*shown)
            errors = [[m - l for m, l in zip(mean, low)], [h - m for m, h in zip(mean, high)]]
            label = f"{rates[0]:g} / {rates[1]:g}, published: mean and range of its runs"
            axes.errorbar(
                updates, mean, errors, fmt="s--", color=colour, capsize=6, alpha=0.6, label=label
            )


def _floor(folder, name):
    parts = pathlib.Path(folder) / "environment.json"
    try:
        return (
            json.loads(parts.read_text())[-1]["evaluation"]["floor"][name]
            if parts.exists()
            else None
        )
    except (ValueError, TypeError, LookupError) as error:
        raise UserError(
            f"{parts} does not tell the floor ({error!r})",
            "what training wrote",
            "put a copy in its place, or move it away",
        ) from error
