"""The difference of two settings over seeds, at equal updates and at equal seconds of training.

All differences are first minus second, so below 0 the first is better: FID and JSD fall while
training goes well.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import scipy.stats

from tf_ttur.studies.numbers import Curve, all_updates, at_seconds, at_updates, clock

Verdict = Literal["lower", "higher", "inconclusive"]
Unit = Literal["updates", "seconds"]

LEVEL = 0.95  # of all intervals


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of two settings, first minus second, at equal updates or training seconds.

    Attributes:
      first, second: names of the settings.
      unit: what is equal.
      position: so many updates or seconds.
      estimate: the difference of the means over the seeds in `seeds` (paired) or over all runs.
      low, high: the 95 % interval; None where it cannot be computed.
      method: how, in words.
      seeds: the shared seeds, if the runs were paired; else [].
      num_first, num_second: how many runs were compared.
      verdict: whether the first is "lower" or "higher" than the second: "inconclusive" if the
        interval holds 0, or there is none.
    """

    first: str
    second: str
    unit: Unit
    position: float
    estimate: float
    low: float | None
    high: float | None
    method: str
    seeds: list[int]
    num_first: int
    num_second: int
    verdict: Verdict


def interval(first: Mapping[int, float], second: Mapping[int, float]) -> dict[str, Any]:
    """A 95 % interval for the mean difference of two settings over seeds.

    Runs of the same seed start from the same weights and see the same data and latents, so they are
    paired where at least two seeds, and half of the larger setting, are shared: Student's t of the
    differences. Otherwise it is Welch's t of the two settings. A bootstrap of two or three runs is
    far too narrow, and an exact test of signs can exclude nothing with fewer than six; t holds its
    95 % for normal values with any number, and is somewhat narrow where runs are very skewed: the
    tests simulate both.

    Args:
      first, second: {seed: value}.

    Returns:
      The attributes of `Difference` from `estimate` to `verdict`.
    """
    shared = sorted(set(first) & set(second))
    if len(shared) >= 2 and 2 * len(shared) >= max(len(first), len(second)):
        differences = np.array([first[seed] - second[seed] for seed in shared])
        estimate = float(differences.mean())
        freedom = len(shared) - 1.0
        error = float(differences.std(ddof=1) / math.sqrt(len(shared)))
        counts = (len(shared), len(shared))
        method = f"paired by seed, Student's t of {len(shared)} differences"
        return _decided(estimate, freedom, error, method, shared, counts)
    counts = (len(first), len(second))
    estimate = _mean(first) - _mean(second)
    if min(counts) < 2:
        method = "no interval: two runs of each setting are needed"
        return _decided(estimate, None, math.nan, method, [], counts)
    variances = [float(np.var(list(side.values()), ddof=1)) for side in (first, second)]
    shares = [variance / count for variance, count in zip(variances, counts, strict=True)]
    error = math.sqrt(sum(shares))
    spread = sum(share**2 / (count - 1) for share, count in zip(shares, counts, strict=True))
    freedom = sum(shares) ** 2 / spread if spread else float(sum(counts) - 2)
    method = f"Welch's t of {counts[0]} and {counts[1]} runs"
    return _decided(estimate, freedom, error, method, [], counts)


def differences_at_updates(
    first: str, curves: Sequence[Curve], second: str, others: Sequence[Curve]
) -> list[Difference]:
    """The differences at every update at which runs of both settings were evaluated."""
    common = np.intersect1d(all_updates(curves), all_updates(others))
    found = []
    for updates in common:
        ours = at_updates(curves, updates, interpolate=False)
        theirs = at_updates(others, updates, interpolate=False)
        if ours and theirs:
            found.append(
                Difference(first, second, "updates", float(updates), **interval(ours, theirs))
            )
    return found


def differences_at_seconds(
    first: str, curves: Sequence[Curve], second: str, others: Sequence[Curve]
) -> list[Difference]:
    """The differences at equal seconds of training: at every evaluation of either setting.

    The last one is at the end of the setting that took less time. Update 0 is left out.
    """
    clocks = (clock(curves), clock(others))
    if not all(len(times) for times in clocks):
        return []
    last = min(times[-1] for times in clocks)
    moments = np.unique(np.concatenate(clocks))
    found = []
    for seconds in moments[(moments > 0) & (moments <= last)]:
        ours = at_seconds(curves, seconds)
        theirs = at_seconds(others, seconds)
        if ours and theirs:
            found.append(
                Difference(first, second, "seconds", float(seconds), **interval(ours, theirs))
            )
    return found


def _mean(values: Mapping[int, float]) -> float:
    return float(np.mean(list(values.values()))) if values else math.nan


def _decided(
    estimate: float,
    freedom: float | None,
    error: float,
    method: str,
    seeds: list[int],
    counts: tuple[int, int],
) -> dict[str, Any]:
    """The interval around an estimate, and the verdict."""
    low = high = None
    verdict: Verdict = "inconclusive"
    if freedom is not None:
        half = float(scipy.stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
        low = estimate - half
        high = estimate + half
        if high < 0:
            verdict = "lower"
        elif low > 0:
            verdict = "higher"
    return {
        "estimate": estimate,
        "low": low,
        "high": high,
        "method": method,
        "seeds": seeds,
        "num_first": counts[0],
        "num_second": counts[1],
        "verdict": verdict,
    }
