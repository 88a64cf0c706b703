"""What a training has come to, in a few lines: its values, the published ones, what to do next."""

import shlex

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.players import Players
from tf_ttur.runs import Row, Run
from tf_ttur.studies import published
from tf_ttur.wording import counted

_NAMES = {"fid": "FID", "jsd_4": "JSD-4", "jsd_6": "JSD-6"}


def lines(run: Run) -> list[str]:
    """The last lines of a training.

    Args:
      run: a run that has ended.

    Returns:
      Lines for the best and the last value of the metric, what they are worth beside the published
      ones, and the next commands.
    """
    result = []
    if run.evaluations:
        name = run.evaluations[0]
        rows = [row for row in run.series[name] if row["value"] is not None]
        if rows:
            result += [_values(name, rows), *_worth(run, name, rows[-1]["update"])]
    return [*result, *_next(run)]


def _values(name: str, rows: list[Row]) -> str:
    best = min(rows, key=lambda row: row["value"])
    words = [
        f"{what} {row['value']:.4g} after {counted(row['update'], 'update')}"
        for what, row in (("best", best), ("last", rows[-1]))
    ]
    return _labelled(_NAMES.get(name, name), ", ".join(words))


def _worth(run: Run, name: str, update: int) -> list[str]:
    """The published values of this experiment, and what hinders a comparison with them."""
    config = run.config
    metric = "fid" if name.startswith("fid") else name
    rates = Players(config.discriminator.learning_rate, config.generator.learning_rate)
    score = published.SCORES.get((config.name, metric), {}).get(rates)
    if score is None:
        return []
    words = [f"best {score.best:.4g}"]
    points = published.curve(config.name, metric, rates)
    if points:
        at, mean, low, high = min(points, key=lambda point: abs(point[0] - update))
        words.append(f"mean {mean:.4g} [{low:.4g}, {high:.4g}] after {at:,.0f} updates")
    text = _labelled("published", f"{', '.join(words)}, with these learning rates")
    hindrances = _hindrances(run, name) if metric == "fid" else []
    return [text, *([_labelled("", f"but {' and '.join(hindrances)}")] if hindrances else [])]


def _hindrances(run: Run, name: str) -> list[str]:
    """Why a value is not to be compared with a published FID."""
    samples = run.config.evaluation.num_samples
    result = []
    if name != "fid":
        result.append("by the original network, not by that of this run")
    if samples != published.SAMPLES:
        result.append(f"from {published.SAMPLES:,} samples, not {samples:,}")
    return result


def _next(run: Run) -> list[str]:
    folder = str(run.path)
    export = str(run.path / runs.EXPORT)
    commands = [
        ["sample", export, "--output", f"{folder}/drawn"],
        ["report", folder, "--output", f"{folder}/report"],
    ]
    if run.best_checkpoint is not None:
        commands.insert(1, ["export", folder, "--best", "--output", f"{folder}/best"])
    elif not configs.kind_of(run.config).has_vocabulary:
        commands.insert(1, ["fid", export, run.config.data.source])
    words = [shlex.join(["tf-ttur", *command]) for command in commands]
    return [_labelled("next" if not number else "", word) for number, word in enumerate(words)]


def _labelled(label: str, text: str) -> str:
    return f"{label:<10} {text}"
