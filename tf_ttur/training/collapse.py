"""Signs that a training has collapsed, read from its rows of metrics."""

from collections.abc import Iterator, Sequence
from typing import Any

from tf_ttur.runs import Row

ACCURACY = "accuracy/discriminator"

Sign = tuple[int, str]


def signs(rows: Sequence[Row], metric: str | None, settings: Any) -> list[Sign]:
    """The signs of a collapse in a run.

    There are two: the distance is far above its best earlier value (unless that is not above 0, as
    an unbiased estimate may be), or the discriminator has long
    classified all examples correctly. A sign that lasts is reported once, when it begins.

    Args:
      rows: of `metrics.jsonl`, in their order.
      metric: the name of the distance that falls while training goes well, or None.
      settings: `config.collapse`.

    Returns:
      List of (update, words), in the order of the updates.
    """
    return sorted(
        [
            *_far_above_the_best(rows, metric, settings.metric_factor),
            *_too_accurate(rows, settings.accuracy_updates),
        ]
    )


def _far_above_the_best(rows: Sequence[Row], metric: str | None, factor: float) -> Iterator[Sign]:
    best: tuple[float, int] | None = None  # value, update
    above = False
    for row in rows:
        value = row["value"]
        if row["name"] != metric or value is None:
            continue
        was_above = above
        above = bool(factor) and best is not None and 0 < factor * best[0] < value
        if above and not was_above and best is not None:
            yield (
                row["update"],
                f"{metric} is {value:.4g}, more than {factor:g} times its best value,"
                f" {best[0]:.4g} after update {best[1]}",
            )
        if best is None or value < best[0]:
            best = (value, row["update"])


def _too_accurate(rows: Sequence[Row], updates: int) -> Iterator[Sign]:
    since: int | None = None
    told = False
    for row in rows:
        if row["name"] != ACCURACY:
            continue
        # Shares of several devices may add up to a little less than 1.
        if row["value"] is None or row["value"] < 1 - 1e-6:
            since = None
            told = False
            continue
        if since is None:
            since = row["update"]
        if updates and not told and row["update"] - since >= updates:
            yield (
                row["update"],
                "the discriminator has classified all examples correctly since update"
                f" {since}: the generator learns little from it",
            )
            told = True


def best_update(rows: Sequence[Row], metric: str) -> int | None:
    """The update with the lowest value of the metric; the first one if several are equal.

    Returns:
      None where there is no value.
    """
    values = [
        (row["value"], row["update"])
        for row in rows
        if row["name"] == metric and row["value"] is not None
    ]
    return min(values)[1] if values else None
