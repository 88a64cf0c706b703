"""FID against updates: measured runs beside the published curve."""

import pathlib

import matplotlib.figure

from tf_ttur import config as configs
from tf_ttur import files
from tf_ttur.errors import UserError
from tf_ttur.studies.published import CURVES


def read_run(folder):
    """A run folder as (config, {name of a metric: [(update, value), ...]})."""
    folder = pathlib.Path(folder)
    metrics = folder / "metrics.jsonl"
    if not metrics.is_file():
        raise UserError(f"{folder} has no metrics.jsonl", "a run folder", "name the --workdir of a training")
    series = {}
    for row in files.read_json_lines(metrics):
        series.setdefault(row["name"], []).append((row["update"], row["value"]))
    return configs.from_json(folder / "config.json"), series


def plot(folders, path):
    """Writes a picture of the Fréchet distance of each run and the published curve with the same rates.

    Args:
      folders: run folders of one experiment.
      path: .png or .svg.
    """
    runs = [read_run(folder) for folder in folders]
    if len({config.name for config, _ in runs}) > 1:
        raise UserError(f"runs of {', '.join(sorted({config.name for config, _ in runs}))}", "runs of one experiment", "draw them apart")
    figure = matplotlib.figure.Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    last, colours = 0, {}
    for folder, (config, series) in zip(folders, runs):
        names = [name for name in series if name.startswith(("fid", "frechet"))]
        if not names:
            raise UserError(f"{folder} has no evaluation", "rows named fid...", "wait for the first evaluation")
        rates = (config.discriminator.learning_rate, config.generator.learning_rate)
        label = f"{config.variant} {rates[0]:g} / {rates[1]:g}"
        colour = colours.setdefault(rates, f"C{len(colours)}")
        for name in names:
            points = series[name]
            axes.plot(*zip(*points), "o-", color=colour, label=f"{label}, seed {config.seed}: {name} of {config.evaluation.num_samples:,}")
            last = max(last, points[-1][0])
    for rates, colour in colours.items():
        published = CURVES.get(runs[0][0].name, {}).get(rates)
        if published:
            shown = [point for point in published if point[0] <= 1.2 * last] or published[:1]
            updates, mean, low, high = zip(*shown)
            errors = [[m - l for m, l in zip(mean, low)], [h - m for m, h in zip(mean, high)]]
            axes.errorbar(updates, mean, errors, fmt="s--", color=colour, capsize=6, alpha=0.6, label=f"{rates[0]:g} / {rates[1]:g}, published: FID of 50,000, mean and range of 8")
    axes.set_xlabel("generator updates")
    axes.set_ylabel("Fréchet distance")
    axes.set_title(f"{runs[0][0].name} (rates: discriminator / generator)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
