"""The table of experiment cards: what each one sets, and what was published about it."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import cards
from tf_ttur.errors import UserError
from tf_ttur.players import Players
from tf_ttur.studies import published

Row = dict[str, Any]

_HEAD = (
    "experiment",
    "rates D, G",
    "D steps",
    "updates",
    "metric",
    "best",
    "mean [range] at the end",
    "hours / 1000 updates",
)


def read_cards(folder: str | pathlib.Path | None = None) -> list[ConfigDict]:
    """The config of every variant of every card in a folder.

    Args:
      folder: of the cards; None takes those that ship with tf_ttur.

    Raises:
      UserError: the folder holds no cards, or one of them cannot be used.
    """
    names = {path: cards.variants(path) for path in configs.list_cards(folder)}
    expected = "experiment cards with VARIANTS, such as those in configs/"
    if not names:
        raise UserError(f"{folder} holds no cards", expected, "name their folder")
    for path, variants in names.items():
        if not variants:
            raise UserError(f"{path} has no VARIANTS", expected, "name their folder")
    return [
        configs.load(f"{path}:{variant}")
        for path, variants in names.items()
        for variant in variants
    ]


def rows(config: ConfigDict, seconds_per_update: float | None = None) -> Iterator[Row]:
    """Yields the rows of one card, which JSON can hold.

    There is one row for each of the card's published metrics, or a single row with None in their
    place where nothing is published.

    Args:
      config: of the card.
      seconds_per_update: on this machine; None where it has not been measured.
    """
    rates = Players(config.discriminator.learning_rate, config.generator.learning_rate)
    hours = None if seconds_per_update is None else 1000 * seconds_per_update / 3600
    common = {
        "experiment": config.name,
        "variant": config.variant,
        "discriminator": rates.discriminator,
        "generator": rates.generator,
        "discriminator_steps": config.discriminator.steps,
        "updates": config.updates,
        "hours_per_1000_updates": hours,
    }
    metrics: list[str | None] = [
        metric
        for (name, metric), scores in published.SCORES.items()
        if name == config.name and rates in scores
    ]
    for metric in metrics or [None]:
        score = published.SCORES[config.name, metric][rates] if metric else None
        points = published.curve(config.name, metric, rates) if metric else []
        yield common | {
            "metric": metric,
            "published_table": score and score.table,
            "published_best": score and score.best,
            "published_best_at": score and score.at,
            "published_end": _end(points),
            "published_lowest_mean": score and score.mean[0],
            "erratum": published.ERRATA.get(config.name),
        }


def table(all_rows: Iterable[Row]) -> str:
    """The rows as aligned columns, then the errata."""
    all_rows = list(all_rows)
    lines = [_HEAD, *map(_cells, all_rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_aligned(line, widths) for line in lines]
    text += ["", "Errata"]
    names = dict.fromkeys(row["experiment"] for row in all_rows if row["erratum"])
    text += [f"  {name}: {published.ERRATA[name]}" for name in names]
    return "\n".join(text)


def _end(points: Sequence[tuple[float, ...]]) -> dict[str, float] | None:
    """The last of the published points, each (updates, mean, lowest, highest)."""
    if not points:
        return None
    _, mean, low, high = points[-1]
    return {"mean": mean, "low": low, "high": high}


def _cells(row: Row) -> tuple[str, ...]:
    hours = row["hours_per_1000_updates"]
    return (
        f"{row['experiment']}:{row['variant']}",
        f"{row['discriminator']:g}, {row['generator']:g}",
        str(row["discriminator_steps"]),
        f"{row['updates']:,}",
        row["metric"] or "-",
        _best(row),
        _mean(row),
        "-" if hours is None else f"{hours:.2f}",
    )


def _best(row: Row) -> str:
    if not row["published_best"]:
        return "-"
    at = f" at {row['published_best_at']}" if row["published_best_at"] else ""
    return f"{row['published_best']:g}{at}"


def _mean(row: Row) -> str:
    """The mean and range at the end of the curve; the lowest mean where no curve is published."""
    end = row["published_end"]
    if end:
        return f"{end['mean']:g} [{end['low']:g}, {end['high']:g}]"
    lowest = row["published_lowest_mean"]
    return f"lowest mean {lowest:g}" if lowest else "-"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(str.ljust, cells, widths)).rstrip()
