"""The assumptions A1 to A5 of Theorem 1 as questions to a game, a pair of rates, or a run (Heusel
et al. 2017, section 2).

A number of evaluations can refute an assumption, or fail to; only A2 of schedules with a power law
as their tail is decided. Every check returns a `Finding` that says what was measured.
"""

import dataclasses

import numpy as np
import scipy.integrate


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
    numbers: dict
    words: str


def lipschitz(field, points, directions=None, steps=(1e-1, 1e-2, 1e-3, 1e-4), seed=0):
    """A1: finite-difference ratios |v(x + s u) - v(x - s u)| / 2s of a field, at smaller and
    smaller distances s.

    The ratios of a Lipschitz field stay below its constant; at a jump they grow as 1/s. A jump
    beside the points is out of sight. Where the field is smooth at the smallest distances, the
    ratios have settled there; a smooth field that changes on a smaller scale than these looks like
    one with jumps.

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
            [
                np.linalg.norm(field(p + s * u) - field(p - s * u)) / (2 * s)
                for p, u in zip(points, directions)
            ]
            for s in steps
        ]
    )
    largest = ratios.max(axis=1)
    # At the smallest distances the ratio of a smooth field has settled. Over a tenth of the
    # distance one jump multiplies it by 10, many small ones of random sign (a network with ReLU) by
    # up to sqrt(10). What is next to nothing may be rounding.
    matters = ratios[-1] > 1e-6 * largest[-1]
    bounded = bool(np.isfinite(ratios).all() and (ratios[-1] <= 1.5 * ratios[-2])[matters].all())
    return Finding(
        "A1",
        bounded,
        {"distances": list(steps), "ratios": largest},
        f"largest ratio {largest.max():.4g} around {len(points)} points; from distance {steps[0]:g} to {steps[-1]:g} it goes from {largest[0]:.4g} to {largest[-1]:.4g}",
    )


def step_sizes(slow, fast, names=("generator", "discriminator")):
    """A2: sum a = sum b = infinity, sum a^2 and sum b^2 finite, a(n) / b(n) -> 0.

    Decided by the powers of n with which a, b and a / b fall between 10^100 and 10^150 updates:
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
    for letter, power, name in zip("ab", powers, names):
        if power > 1 + margin:
            reasons.append(f"the sum of {letter}(n) ({name}) is finite")
        if power <= 0.5 + margin:
            reasons.append(
                f"the sum of {letter}(n)^2 ({name}) is infinite"
                + (", the rate is constant" if abs(power) < margin else "")
            )
    if not powers[0] > powers[1] + margin:
        reasons.append(f"a(n) / b(n), {names[0]} to {names[1]}, does not go to 0")
    numbers = {"power_a": powers[0], "power_b": powers[1], "reasons": reasons}
    fall = f"a(n) falls as n^-{powers[0]:.3g}, b(n) as n^-{powers[1]:.3g}"
    return Finding("A2", not reasons, numbers, "; ".join(reasons) if reasons else fall)


def _power(rates, steps):
    if not (rates > 0).all():
        return float("inf")  # the rate has come to its end
    return float(-np.diff(np.log(rates))[0] / np.diff(np.log(steps))[0]) + 0.0


def noise(draws, full, sizes):
    """A3: the noise of minibatch gradients has mean 0, a bounded second moment, and nothing to do
    with the past.

    Args:
      draws: (n, d) gradients of n minibatches, in the order in which they were drawn.
      full: (d,) the gradient of all the data.
      sizes: ascending counts K of gradients that are averaged; at most n / 4.
    """
    draws = np.asarray(draws, np.float64) - full
    count = len(draws)

    def mean_square(k):
        means = draws[: count // k * k].reshape(count // k, k, -1).mean(1)
        return float(np.mean(np.sum(means**2, axis=1)))

    second = mean_square(1)
    lengths = [np.sqrt(mean_square(k)) for k in sizes]
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
    return Finding(
        "A3",
        bool(holds and np.isfinite(second)),
        {
            "sizes": list(sizes),
            "rms_of_mean": lengths,
            "slope": slope,
            "second_moment": second,
            "correlation": correlation,
            "mean_in_standard_errors": mean,
        },
        f"the mean of K draws deviates by K^{slope:.3f}; second moment {second:.4g}; mean {mean:.2g} standard errors; correlation with the draw before {correlation:.2g}",
    )


def noise_level(draws):
    """A3 where the gradient of all the data is not known, and minibatches are drawn independently
    by construction.

    Then mean 0 and independence are given, and a second moment at one point is finite: it is
    measured, not judged.

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
        f"second moment of the noise of one batch {second:.4g}, squared norm of the gradient {signal:.4g} (both unbiased, from {len(draws)} batches); not judged",
    )


def attractors(slow, fast, reduced_start, fast_start, root, time=20.0, tolerance=1e-3):
    """A4: w' = g(theta, w) goes to lambda(theta) for each fixed theta, and theta' = h(theta,
    lambda(theta)) to an attractor.

    Args:
      slow, fast: h and g, functions of (theta, w), scalars.
      reduced_start: starts of theta for the second equation; all must end in one point.
      fast_start: starts of w for the first equation, and values of theta.
      root: lambda.
      time: of integration, in units of the equations.
      tolerance: on the ends.
    """
    ends, thetas = [], np.asarray(fast_start, np.float64)
    for theta in thetas:
        for w in thetas:
            ends.append(abs(_end(lambda w: fast(theta, w), w, time) - root(theta)))
    reduced = [_end(lambda theta: slow(theta, root(theta)), theta, time) for theta in reduced_start]
    slopes = np.abs(np.diff([root(t) for t in thetas]) / np.diff(thetas))
    spread = float(np.ptp(reduced))
    holds = max(ends) < tolerance and spread < tolerance and np.isfinite(slopes).all()
    return Finding(
        "A4",
        bool(holds),
        {
            "largest_miss_of_root": max(ends),
            "reduced_ends": reduced,
            "root_lipschitz": float(slopes.max()),
        },
        f"from {len(ends)} starts w comes to lambda(theta) within {max(ends):.1g}, with Lipschitz constant {slopes.max():.3g}; "
        f"theta ends within {spread:.1g} of {np.mean(reduced):.2g}",
    )


def _end(field, start, time):
    solution = scipy.integrate.solve_ivp(
        lambda _, x: field(x[0]), (0, time), [start], "LSODA", rtol=1e-9, atol=1e-12
    )
    return float(solution.y[0, -1])


def boundedness(paths, bound=1e6):
    """A5: the supremum of the norms along a run is finite.

    Args:
      paths: (steps, d) or (steps, d, runs) iterates.
      bound: what counts as having left all bounds.
    """
    norms = np.sqrt(np.sum(np.square(paths), axis=1))
    largest = float(np.max(norms)) if np.isfinite(norms).all() else float("inf")
    half = len(norms) // 2
    growth = float(np.max(norms[half:]) / np.max(norms[:half])) if half else 1.0
    return Finding(
        "A5",
        largest < bound,
        {"largest_norm": largest, "second_half_to_first": growth, "points": len(norms)},
        f"largest norm {largest:.4g} of {len(norms)} points on the way; that of the second half is {growth:.3g} times that of the first",
    )
