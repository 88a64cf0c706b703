"""Checks of the assumptions A1 to A5 of Theorem 1, for a game, a pair of rates, or a run.

Heusel et al. 2017, section 2. Finitely many evaluations can refute an assumption, but cannot prove
it. Only A2 can be decided, for schedules whose tail is a power law. Every check returns a `Finding`
that says what was measured.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate

Field = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
      assumption: "A1" ... "A5".
      holds: True where nothing measured speaks against it, False where something does, None where
        it was not judged.
      numbers: dict of what was measured.
      words: one sentence.
    """

    assumption: str
    holds: bool | None
    numbers: dict[str, Any]
    words: str


class Answer(NamedTuple):
    """A `Finding` with its question.

    Attributes:
      of: what was asked, in words.
      expected: whether the assumption should hold; None where that is not known.
      finding: the `Finding`.
    """

    of: str
    expected: bool | None
    finding: Finding


def lipschitz(
    field: Field,
    points: np.ndarray | Sequence[np.ndarray],
    directions: np.ndarray | Sequence[np.ndarray] | None = None,
    steps: Sequence[float] = (1e-1, 1e-2, 1e-3, 1e-4),
    seed: int = 0,
) -> Finding:
    """A1: a field is Lipschitz continuous.

    Measures the finite-difference ratios |v(x + s u) - v(x - s u)| / 2s at falling distances s. The
    ratios of a Lipschitz field stay below its constant; at a jump they grow as 1/s. A jump away
    from the points is not noticed. Where the field is smooth at the smallest distances, the ratios
    settle there. A smooth field that changes on a smaller scale than these distances looks like one
    with jumps.

    Args:
      field: function from (d,) to (d,): both players' gradients.
      points: (n, d).
      directions: (n, d) unit vectors u, to look across places where a kink is suspected; None takes
        random ones.
      steps: distances, falling.
      seed: of the random directions.
    """
    if directions is None:
        directions = np.random.default_rng(seed).standard_normal(np.shape(points))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    ratios = np.array(
        [
            [_ratio(field, p, u, step) for p, u in zip(points, directions, strict=True)]
            for step in steps
        ]
    )
    largest = ratios.max(axis=1)
    # At the smallest distances the ratio of a smooth field has settled. Over a tenth of the
    # distance one jump multiplies it by 10, many small ones of random sign (a network with ReLU) by
    # up to sqrt(10). Ratios near 0 do not count, as they may be rounding.
    matters = ratios[-1] > 1e-6 * largest[-1]
    has_settled = (ratios[-1] <= 1.5 * ratios[-2])[matters].all()
    return Finding(
        "A1",
        bool(np.isfinite(ratios).all() and has_settled),
        {"distances": list(steps), "ratios": largest},
        f"largest ratio {largest.max():.4g} around {len(points)} points; from distance "
        f"{steps[0]:g} to {steps[-1]:g} it goes from {largest[0]:.4g} to {largest[-1]:.4g}",
    )


def _ratio(field: Field, point: np.ndarray, direction: np.ndarray, step: float) -> float:
    difference = field(point + step * direction) - field(point - step * direction)
    return float(np.linalg.norm(difference) / (2 * step))


def step_sizes(
    slow: Callable[[Any], Any],
    fast: Callable[[Any], Any],
    names: tuple[str, str] = ("generator", "discriminator"),
) -> Finding:
    """A2: sum a = sum b = infinity, sum a^2 and sum b^2 finite, a(n) / b(n) -> 0.

    The powers of n with which a, b and a / b fall between 10^100 and 10^150 updates decide. That is
    exact for schedules with a power law as their tail (the powers to 1e-9), for constant ones, and
    for those that end at 0.

    Args:
      slow, fast: functions from the number of an update to a(n) and b(n).
      names: of the slow and the fast player.
    """
    ends = np.array([1e100, 1e150])
    rates = [np.array([float(rate(n)) for n in ends]) for rate in (slow, fast)]
    powers = [_power(values, ends) for values in rates]
    margin = 1e-9
    reasons = []
    for letter, power, name in zip("ab", powers, names, strict=True):
        if power > 1 + margin:
            reasons.append(f"the sum of {letter}(n) ({name}) is finite")
        if power <= 0.5 + margin:
            constant = ", the rate is constant" if abs(power) < margin else ""
            reasons.append(f"the sum of {letter}(n)^2 ({name}) is infinite{constant}")
    if not powers[0] > powers[1] + margin:
        reasons.append(f"a(n) / b(n), {names[0]} to {names[1]}, does not go to 0")
    numbers = {"power_a": powers[0], "power_b": powers[1], "reasons": reasons}
    fall = f"a(n) falls as n^-{powers[0]:.3g}, b(n) as n^-{powers[1]:.3g}"
    return Finding("A2", not reasons, numbers, "; ".join(reasons) if reasons else fall)


def _power(rates: np.ndarray, steps: np.ndarray) -> float:
    if not (rates > 0).all():
        return float("inf")  # the rate has reached 0
    return float(-np.diff(np.log(rates))[0] / np.diff(np.log(steps))[0]) + 0.0


def noise(draws: np.ndarray, full: np.ndarray, sizes: Sequence[int]) -> Finding:
    """A3: the noise of minibatch gradients.

    It has mean 0 and a bounded second moment, and does not depend on the past.

    Args:
      draws: (n, d) gradients of n minibatches, in the order in which they were drawn.
      full: (d,) the gradient of all the data.
      sizes: ascending counts K of gradients that are averaged; at most n / 4.
    """
    draws = np.asarray(draws, np.float64) - full
    count = len(draws)
    second = _mean_square(draws, 1)
    lengths = [np.sqrt(_mean_square(draws, size)) for size in sizes]
    slope = float(np.polyfit(np.log(sizes), np.log(lengths), 1)[0])
    correlation = float(np.mean(np.sum(draws[1:] * draws[:-1], axis=1)) / second)
    mean = float(np.linalg.norm(draws.mean(0)) / np.sqrt(second / count))
    # Bounds of four standard errors in one dimension, where they are widest; the last size has
    # count / K means.
    holds = (
        abs(slope + 0.5) < 4 * np.sqrt(sizes[-1] / (2 * count)) / np.log(sizes[-1] / sizes[0])
        and abs(correlation) < 4 / np.sqrt(count)
        and mean < 4
    )
    numbers = {
        "sizes": list(sizes),
        "rms_of_mean": lengths,
        "slope": slope,
        "second_moment": second,
        "correlation": correlation,
        "mean_in_standard_errors": mean,
    }
    words = (
        f"the mean of K draws deviates by K^{slope:.3f}; second moment {second:.4g}; "
        f"mean {mean:.2g} standard errors; correlation with the draw before {correlation:.2g}"
    )
    return Finding("A3", bool(holds and np.isfinite(second)), numbers, words)


def _mean_square(draws: np.ndarray, size: int) -> float:
    """The mean squared norm of the means of `size` draws each."""
    groups = len(draws) // size
    means = draws[: groups * size].reshape(groups, size, -1).mean(1)
    return float(np.mean(np.sum(means**2, axis=1)))


def noise_level(draws: np.ndarray) -> Finding:
    """A3 where the gradient of all the data is not known.

    The minibatches are drawn independently by construction. So mean 0 and independence are given,
    and a second moment at one point is finite: it is measured, not judged.

    Args:
      draws: (n, d) gradients of n minibatches.
    """
    draws = np.asarray(draws)
    second = float(draws.var(axis=0, ddof=1, dtype=np.float64).sum())
    signal = float(np.sum(draws.mean(axis=0, dtype=np.float64) ** 2)) - second / len(draws)
    return Finding(
        "A3",
        None,
        {"second_moment": second, "squared_gradient": signal, "draws": len(draws)},
        f"second moment of the noise of one batch {second:.4g}, squared norm of the gradient "
        f"{signal:.4g} (both unbiased, from {len(draws)} batches); not judged",
    )


def attractors(
    slow: Callable[[Any, Any], Any],
    fast: Callable[[Any, Any], Any],
    reduced_start: Sequence[float],
    fast_start: Sequence[float],
    root: Callable[[Any], Any],
    time: float = 20.0,
    tolerance: float = 1e-3,
) -> Finding:
    """A4: the fast player has an attractor for each slow point, and the slow player has one too.

    w' = g(theta, w) goes to lambda(theta) for each fixed theta, and theta' =
    h(theta, lambda(theta)) goes to an attractor.

    Args:
      slow, fast: h and g, functions of (theta, w), scalars.
      reduced_start: starts of theta for the second equation; all must end in one point.
      fast_start: starts of w for the first equation, and values of theta.
      root: lambda.
      time: of integration, in units of the equations.
      tolerance: on the ends.
    """
    thetas = np.asarray(fast_start, np.float64)
    misses = [
        abs(_end(functools.partial(fast, theta), start, time) - root(theta))
        for theta in thetas
        for start in thetas
    ]
    reduced = [_end(lambda theta: slow(theta, root(theta)), start, time) for start in reduced_start]
    slopes = np.abs(np.diff([root(theta) for theta in thetas]) / np.diff(thetas))
    spread = float(np.ptp(reduced))
    holds = max(misses) < tolerance and spread < tolerance and np.isfinite(slopes).all()
    numbers = {
        "largest_miss_of_root": max(misses),
        "reduced_ends": reduced,
        "root_lipschitz": float(slopes.max()),
    }
    words = (
        f"from {len(misses)} starts w comes to lambda(theta) within {max(misses):.1g}, with "
        f"Lipschitz constant {slopes.max():.3g}; "
        f"theta ends within {spread:.1g} of {np.mean(reduced):.2g}"
    )
    return Finding("A4", bool(holds), numbers, words)


def _end(field: Callable[[Any], Any], start: float, time: float) -> float:
    solution = scipy.integrate.solve_ivp(
        lambda _, x: field(x[0]), (0, time), [start], "LSODA", rtol=1e-9, atol=1e-12
    )
    return float(solution.y[0, -1])


def boundedness(paths: np.ndarray, bound: float = 1e6) -> Finding:
    """A5: the supremum of the norms along a run is finite.

    Args:
      paths: (steps, d) or (steps, d, runs) iterates.
      bound: norms from here on count as unbounded.
    """
    norms = np.sqrt(np.sum(np.square(paths), axis=1))
    largest = float(np.max(norms)) if np.isfinite(norms).all() else float("inf")
    half = len(norms) // 2
    growth = float(np.max(norms[half:]) / np.max(norms[:half])) if half else 1.0
    return Finding(
        "A5",
        largest < bound,
        {"largest_norm": largest, "second_half_to_first": growth, "points": len(norms)},
        f"largest norm {largest:.4g} of {len(norms)} points on the way; that of the second half "
        f"is {growth:.3g} times that of the first",
    )
