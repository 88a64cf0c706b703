"""A search for learning rates: pairs of them as the settings of a study."""

from collections.abc import Mapping, Sequence
from typing import Any

from tf_ttur.registry import Value
from tf_ttur.studies.results import Results
from tf_ttur.studies.study import Setting


def settings(
    variant: str,
    overrides: Mapping[str, Value],
    discriminator: Sequence[float],
    generator: Sequence[float],
) -> list[Setting]:
    """One setting per pair of rates.

    Args:
      variant: of the card, or "".
      overrides: of all settings.
      discriminator, generator: the rates of each player.
    """
    return [
        Setting(
            f"d{first!r}-g{second!r}",
            variant,
            {
                **overrides,
                "discriminator.learning_rate": first,
                "generator.learning_rate": second,
            },
        )
        for first in discriminator
        for second in generator
    ]


def rank(results: Results) -> list[dict[str, Any]]:
    """The pairs, that with the lowest mean at the end of its runs first.

    They are compared at the last evaluation, where all have made as many updates. Pairs without a
    value come last.

    Returns:
      List of dicts that JSON can hold.
    """
    rows = [
        {
            "discriminator": entry.rates.discriminator,
            "generator": entry.rates.generator,
            "metric": entry.metric,
            "updates": entry.last.updates if entry.last else None,
            "mean": entry.last.mean if entry.last else None,
            "lowest": entry.last.low if entry.last else None,
            "highest": entry.last.high if entry.last else None,
            "num_values": entry.last.num_values if entry.last else 0,
            "num_runs": len(entry.seeds),
            "num_failed": len(entry.failed),
            "seeds": entry.seeds,
        }
        for entry in results.settings
    ]
    return sorted(rows, key=_order)


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """By metric; pairs that have got as far as any before others; then by the mean."""
    if row["mean"] is None:
        return row["metric"], True, 0, 0.0
    return row["metric"], False, -row["updates"], row["mean"]
