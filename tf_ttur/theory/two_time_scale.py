"""Theorem 1 on a linear game that one time scale cannot solve, with exact results.

theta' = h = 2 theta - 3 w (slow), w' = g = theta - w (fast). Both are descent directions of the
players' losses -theta^2 + 3 w theta and w^2/2 - theta w. For fixed theta, w goes to lambda(theta) =
theta, and there theta' = -theta. So the two time scales of Heusel et al. 2017 (assumption A4) find
(0, 0). With a ratio rho = a/b of the rates the Jacobian [[2 rho, -3 rho], [1, -1]] is stable if and
only if rho < 1/2: one time scale, rho = 1, diverges.

Each update adds noise: theta += a (h + M), w += b (g + M'), both from the same (theta, w).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

FIELD = np.array([[2.0, -3.0], [1.0, -1.0]])  # rows h and g, columns theta and w
START = (1.0, 0.0)
NOISE_STD = 0.1

# The slopes of section A2.2 (Mokkadem and Pelletier): mean squares of the slow error fall as a(n),
# of the fast one as b(n).
SLOW_POWER = 0.9
FAST_POWER = 0.6

Rate = Callable[[np.ndarray], np.ndarray]


class Setting(NamedTuple):
    """One experiment: the rate a of theta, the rate b of w, and how many updates."""

    a: Rate
    b: Rate
    steps: int


def polynomial(scale: float, shift: float, power: float) -> Rate:
    """The rate n -> scale (n + shift)^-power, for arrays of n = 0, 1, ..."""
    return lambda n: scale * (np.asarray(n, np.float64) + shift) ** -power


def constant(rate: float) -> Rate:
    """The rate n -> rate."""
    return lambda n: np.full(np.shape(n), float(rate))


_SLOW = polynomial(0.5, 20, SLOW_POWER)
_FAST = polynomial(0.5, 20, FAST_POWER)

SETTINGS = {
    "constant, equal": Setting(a=constant(0.05), b=constant(0.05), steps=1000),
    "constant, two time scales": Setting(a=constant(0.005), b=constant(0.05), steps=100_000),
    "decaying, equal": Setting(a=_FAST, b=_FAST, steps=1000),
    "decaying, two time scales": Setting(a=_SLOW, b=_FAST, steps=100_000),
}


def jacobian(ratio: float) -> np.ndarray:
    """(2, 2): of the field, with theta's rate `ratio` times that of w."""
    return FIELD * [[ratio], [1.0]]


def is_stable(ratio: float) -> bool:
    """Whether the mean dynamics converge.

    Both eigenvalues of the Jacobian have negative real parts, as the trace is below 0 and the
    determinant above 0.
    """
    matrix = jacobian(ratio)
    return bool(np.trace(matrix) < 0 < np.linalg.det(matrix))


def simulate(
    a: Rate,
    b: Rate,
    steps: int,
    runs: int = 200,
    noise_std: float = NOISE_STD,
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """Mean squares over independent runs.

    Args:
      a, b: functions from step numbers to rates.
      steps: updates.
      runs: repetitions.
      noise_std: of the normal noise on each direction.
      seed: of the noise.

    Returns:
      (steps + 1, 2) float64: means over the runs of theta^2 and of (w - lambda(theta))^2, the start
      included.
    """
    generator = np.random.default_rng(seed)
    rates = np.stack([a(np.arange(steps)), b(np.arange(steps))], axis=1)[:, :, None]
    state = np.repeat(np.reshape(START, (2, 1)), runs, axis=1)
    squares = np.empty((steps + 1, 2))
    squares[0] = _mean_squares(state)
    for n in range(steps):
        noise = noise_std * generator.standard_normal((2, runs))
        state = state + rates[n] * (FIELD @ state + noise)
        squares[n + 1] = _mean_squares(state)
    return squares


def _mean_squares(state: np.ndarray) -> tuple[float, float]:
    theta, w = state
    return theta @ theta / len(theta), (w - theta) @ (w - theta) / len(theta)


def expected_squares(a: Rate, b: Rate, steps: int, noise_std: float = NOISE_STD) -> np.ndarray:
    """What `simulate` converges to with infinitely many runs, exactly.

    The second moments follow a linear recursion: S(n + 1) = A S A^T + noise_std^2 diag(a^2, b^2)
    with A = 1 + diag(a, b) FIELD and S(0) = start start^T.
    """
    rates = np.stack([a(np.arange(steps)), b(np.arange(steps))], axis=1)
    transition = np.eye(2) + rates[:, :, None] * FIELD
    noise = np.zeros((steps, 2, 2))
    noise[:, (0, 1), (0, 1)] = (noise_std * rates) ** 2
    moments = np.outer(START, START)
    squares = np.empty((steps + 1, 2))
    for n in range(steps + 1):
        squares[n] = moments[0, 0], moments[1, 1] - 2 * moments[0, 1] + moments[0, 0]
        if n < steps:
            moments = transition[n] @ moments @ transition[n].T + noise[n]
    return squares


def slopes(squares: np.ndarray, first: int, last: int, points: int = 200) -> np.ndarray:
    """(2,) slopes of log mean square over log step.

    They come from least squares on up to `points` logarithmically spaced steps.
    """
    steps = np.unique(np.geomspace(first, last, points).astype(int))
    return np.polyfit(np.log(steps), np.log(squares[steps]), 1)[0]
