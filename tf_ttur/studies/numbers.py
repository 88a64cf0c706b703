"""The numbers of the paper's protocol: the runs of a setting become means, bands and choices.

Pure functions of arrays. A value that is NaN is an evaluation that failed: the original code logs
500 there and counts it, here it is left out and counted separately.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """The values of one metric in one run, by updates.

    Attributes:
      seed: of the run.
      updates: (n,) int64, increasing.
      seconds: (n,) float64, seconds of training up to there, without evaluation.
      values: (n,) float64; NaN where the evaluation failed.
    """

    seed: int
    updates: np.ndarray
    seconds: np.ndarray
    values: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Band:
    """What the runs of one setting have in common at each evaluation.

    Attributes:
      updates: (n,) int64, all updates at which some run was evaluated.
      seconds: (n,) float64, see `clock`.
      num_values: (n,) int64, runs with a value there.
      num_failed: (n,) int64, runs whose evaluation failed there; they are in none of the following.
      mean, low, high: (n,) float64 over the runs; NaN without a value.
      deviation: (n,) float64, with divisor n - 1; NaN with fewer than two values.
    """

    updates: np.ndarray
    seconds: np.ndarray
    num_values: np.ndarray
    num_failed: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    deviation: np.ndarray


@dataclasses.dataclass(frozen=True)
class Point:
    """The runs of one setting after a certain number of updates.

    Attributes:
      updates: how many.
      mean, low, high, deviation: over the runs, as in `Band`. `low` is the best of the runs there.
      num_values: runs with a value there.
      best_seed: of the run with the lowest value.
    """

    updates: int
    mean: float
    low: float
    high: float
    deviation: float
    num_values: int
    best_seed: int


@dataclasses.dataclass(frozen=True)
class Best:
    """The lowest value of all runs and evaluations, which is what the paper's table reports.

    Attributes:
      value: of the metric.
      updates: where.
      seed: of the run.
    """

    value: float
    updates: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Area:
    """The area under the curves, divided by the number of updates: the mean height of the curve.

    Attributes:
      first, last: the updates between which it is taken. Update 0 is left out: its value says
        nothing about training.
      mean: over the runs; in the unit of the metric.
      by_seed: {seed: area of that run}.
    """

    first: int
    last: int
    mean: float
    by_seed: dict[int, float]


def band(curves: Sequence[Curve]) -> Band:
    """Mean, range and deviation of several runs at every update at which one was evaluated."""
    updates = all_updates(curves)
    values = np.array([_at_evaluations(curve, updates) for curve in curves]).reshape(
        len(curves), len(updates)
    )
    evaluated = np.array([np.isin(updates, curve.updates) for curve in curves]).reshape(
        len(curves), len(updates)
    )
    num_values = np.isfinite(values).sum(axis=0)
    mean, low, high, deviation = (np.full(len(updates), np.nan) for _ in range(4))
    for column, count in enumerate(num_values):
        finite = values[np.isfinite(values[:, column]), column]
        if count:
            mean[column] = finite.mean()
            low[column] = finite.min()
            high[column] = finite.max()
        if count > 1:
            deviation[column] = finite.std(ddof=1)
    num_failed = evaluated.sum(axis=0) - num_values
    return Band(updates, clock(curves), num_values, num_failed, mean, low, high, deviation)


def clock(curves: Sequence[Curve]) -> np.ndarray:
    """One clock for all runs of a setting: seconds of training at the updates of `band`.

    The paper's figures over time do the same: a setting has one duration per update, and the
    points are joined by straight lines. Here the duration between two successive evaluations is the
    mean of the runs that cover it, so that the clock never runs backwards, whichever runs have got
    how far.

    Returns:
      (n,) float64, not decreasing.
    """
    updates = all_updates(curves)
    if not len(updates):
        return np.zeros(0)
    starts = np.concatenate([[0], updates[:-1]])
    durations = np.zeros(len(updates))
    for index, (start, end) in enumerate(zip(starts, updates, strict=True)):
        covering = [_seconds_between(curve, start, end) for curve in curves]
        durations[index] = np.mean([seconds for seconds in covering if seconds is not None])
    return np.cumsum(durations)


def point(curves: Sequence[Curve], updates: int) -> Point:
    """The runs after a number of updates at which at least one of them has a value.

    Raises:
      ValueError: none has a value there.
    """
    values = at_updates(curves, updates, interpolate=False)
    if not values:
        raise ValueError(f"no run has a value after {updates} updates")
    numbers = np.array(list(values.values()))
    deviation = numbers.std(ddof=1) if len(numbers) > 1 else np.nan
    return Point(
        updates=int(updates),
        mean=float(numbers.mean()),
        low=float(numbers.min()),
        high=float(numbers.max()),
        deviation=float(deviation),
        num_values=len(numbers),
        best_seed=min(values, key=lambda seed: values[seed]),
    )


def choose(curves: Sequence[Curve], has_stopped: Sequence[int] = ()) -> Point | None:
    """The number of updates with the lowest mean over the runs, as the paper chooses it.

    Only updates at which as many runs as anywhere after update 0 have a value may be chosen, so
    that the means that are compared are over the same runs. Runs that stopped on a failure do not
    count there, but they are in the mean as far as they have got.

    Args:
      curves: of one setting.
      has_stopped: the seeds of the runs that stopped on a failure.

    Returns:
      None where there is no value.
    """
    points = [point(curves, updates) for updates in _comparable(curves, has_stopped)]
    return min(points, key=lambda candidate: candidate.mean, default=None)


def last(curves: Sequence[Curve], has_stopped: Sequence[int] = ()) -> Point | None:
    """The runs at the last of the updates from which `choose` chooses. Args as there."""
    candidates = _comparable(curves, has_stopped)
    return point(curves, candidates[-1]) if candidates else None


def best(curves: Sequence[Curve]) -> Best | None:
    """The lowest value of all runs and evaluations; None where there is no value."""
    found = [
        Best(float(value), int(update), curve.seed)
        for curve in curves
        for update, value in zip(curve.updates, curve.values, strict=True)
        if np.isfinite(value)
    ]
    return min(found, key=lambda candidate: candidate.value, default=None)


def area(curves: Sequence[Curve], has_stopped: Sequence[int] = ()) -> Area | None:
    """The area under each run's curve over the updates that all runs cover, per update.

    Trapezoids between the evaluations; one that failed is bridged by a straight line. Runs that
    stopped on a failure are left out, unless all did.

    Args:
      curves, has_stopped: as in `choose`.

    Returns:
      None if the runs have no two evaluations after update 0 in common.
    """
    curves = _going(curves, has_stopped)
    measured = [_finite(curve) for curve in curves]
    measured = [(updates[updates > 0], values[updates > 0]) for updates, values in measured]
    if not measured or any(len(updates) < 2 for updates, _ in measured):
        return None
    first = max(int(updates[0]) for updates, _ in measured)
    last = min(int(updates[-1]) for updates, _ in measured)
    if first >= last:
        return None
    by_seed = {}
    for curve, (updates, values) in zip(curves, measured, strict=True):
        inner = updates[(updates > first) & (updates < last)]
        grid = np.concatenate([[first], inner, [last]])
        height = np.interp(grid, updates, values)
        by_seed[curve.seed] = float(np.trapezoid(height, grid) / (last - first))
    return Area(first, last, float(np.mean(list(by_seed.values()))), by_seed)


def at_updates(
    curves: Sequence[Curve], updates: float, interpolate: bool = True
) -> dict[int, float]:
    """The value of each run after a number of updates.

    Args:
      curves: the runs.
      updates: how many.
      interpolate: whether a run that was not evaluated there is read off the straight line between
        its neighbouring evaluations; otherwise it is left out.

    Returns:
      {seed: value} of the runs that cover it and have not failed there.
    """
    values = {}
    for curve in curves:
        known, heights = _finite(curve)
        if not len(known) or not known[0] <= updates <= known[-1]:
            continue
        if interpolate or updates in known:
            values[curve.seed] = float(np.interp(updates, known, heights))
    return values


def at_seconds(curves: Sequence[Curve], seconds: float) -> dict[int, float]:
    """The value of each run after so many seconds of training, by the setting's `clock`.

    Both from seconds to updates and from updates to values the way is a straight line between
    evaluations, as in the paper's figures.

    Returns:
      {seed: value} of the runs that have got so far; {} beyond the end of the clock.
    """
    times = clock(curves)
    if not len(times) or not times[0] <= seconds <= times[-1]:
        return {}
    return at_updates(curves, float(np.interp(seconds, times, all_updates(curves))))


def to_json(thing: Any) -> Any:
    """What JSON can hold: dataclasses become dicts, arrays lists, numbers that are not finite null.

    Keys become text.
    """
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        names = [field.name for field in dataclasses.fields(thing)]
        return {name: to_json(getattr(thing, name)) for name in names}
    if isinstance(thing, np.ndarray):
        return [to_json(item) for item in thing.tolist()]
    if isinstance(thing, Mapping):
        return {str(key): to_json(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [to_json(item) for item in thing]
    if isinstance(thing, np.generic):
        return to_json(thing.item())
    if isinstance(thing, float) and not math.isfinite(thing):
        return None
    return thing


def _comparable(curves: Sequence[Curve], has_stopped: Sequence[int]) -> list[int]:
    """The updates at which as many runs as anywhere have a value, increasing; see `choose`."""
    together = band(_going(curves, has_stopped))
    trained = together.num_values * (together.updates > 0)  # update 0 says nothing about training
    counts = trained if trained.any() else together.num_values
    if not counts.any():
        return []
    return [int(updates) for updates in together.updates[counts == counts.max()]]


def _going(curves: Sequence[Curve], has_stopped: Sequence[int]) -> Sequence[Curve]:
    """The curves without those of runs that stopped on a failure; all, if all did."""
    return [curve for curve in curves if curve.seed not in has_stopped] or curves


def all_updates(curves: Sequence[Curve]) -> np.ndarray:
    """(n,) int64: the updates at which any of the runs was evaluated, increasing."""
    if not curves:
        return np.zeros(0, np.int64)
    return np.unique(np.concatenate([curve.updates for curve in curves])).astype(np.int64)


def _at_evaluations(curve: Curve, updates: np.ndarray) -> np.ndarray:
    """The values of a run at these updates; NaN where it was not evaluated."""
    own = dict(zip(curve.updates.tolist(), curve.values.tolist(), strict=True))
    return np.array([own.get(update, np.nan) for update in updates.tolist()])


def _finite(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    is_finite = np.isfinite(curve.values)
    return curve.updates[is_finite], curve.values[is_finite]


def _seconds_between(curve: Curve, start: float, end: float) -> float | None:
    """The seconds that a run took between two counts of updates; None if it does not cover them."""
    if not len(curve.updates) or end > curve.updates[-1]:
        return None
    updates = np.concatenate([[0], curve.updates])
    seconds = np.concatenate([[0.0], curve.seconds])
    ends = np.interp([start, end], updates, seconds)
    return float(ends[1] - ends[0])
