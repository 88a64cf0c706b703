"""Theorem 1 on a game where all can be computed: a linear one that one time scale cannot solve.

theta' = h = 2 theta - 3 w (slow), w' = g = theta - w (fast); both are descent directions of the
players' losses -theta^2 + 3 w theta and w^2/2 - theta w. For fixed theta, w goes to lambda(theta) =
theta, and there theta' = -theta: so the two time scales of Heusel et al. 2017 (assumption A4) find
(0, 0). With a ratio rho = a/b of the rates the Jacobian [[2 rho, -3 rho], [1, -1]] is stable if and
only if rho < 1/2: one time scale, rho = 1, runs away.

Each update adds noise: theta += a (h + M), w += b (g + M'), both from the same (theta, w).
"""

import numpy as np

FIELD = np.array([[2.0, -3.0], [1.0, -1.0]])  # rows h and g, columns theta and w
START = (1.0, 0.0)
NOISE_STD = 0.1

# The slopes of section A2.2 (Mokkadem and Pelletier): mean squares of the slow error fall as a(n),
# of the fast one as b(n).
SLOW_POWER, FAST_POWER = 0.9, 0.6


def polynomial(scale, shift, power):
    """The rate n -> scale (n + shift)^-power, for arrays of n = 0, 1, ..."""
    return lambda n: scale * (np.asarray(n, np.float64) + shift) ** -power


def constant(rate):
    """The rate n -> rate."""
    return lambda n: np.full(np.shape(n), float(rate))


_SLOW, _FAST = polynomial(0.5, 20, SLOW_POWER), polynomial(0.5, 20, FAST_POWER)

# name: (a of theta, b of w, steps)
SETTINGS = {
    "constant, equal": (constant(0.05), constant(0.05), 1000),
    "constant, two time scales": (constant(0.005), constant(0.05), 100_000),
    "decaying, equal": (_FAST, _FAST, 1000),
    "decaying, two time scales": (_SLOW, _FAST, 100_000),
}


def jacobian(ratio):
    """(2, 2): of the field, with theta's rate `ratio` times that of w."""
    return FIELD * [[ratio], [1.0]]


def is_stable(ratio):
    """Whether the mean dynamics converge: both eigenvalues have negative real parts (trace below 0,
    determinant above).
    """
    matrix = jacobian(ratio)
    return bool(np.trace(matrix) < 0 < np.linalg.det(matrix))


def simulate(a, b, steps, runs=200, noise_std=NOISE_STD, seed=0):
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
        state = state + rates[n] * (
            FIELD @ state + noise_std * generator.standard_normal((2, runs))
        )
        squares[n + 1] = _mean_squares(state)
    return squares


def _mean_squares(state):
    theta, w = state
    return theta @ theta / len(theta), (w - theta) @ (w - theta) / len(theta)


def expected_squares(a, b, steps, noise_std=NOISE_STD):
    """What `simulate` converges to with infinitely many runs, exactly: the second moments follow a
    linear recursion.

    S(n + 1) = A S A^T + noise_std^2 diag(a^2, b^2) with A = 1 + diag(a, b) FIELD and S(0) = start
    start^T.
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


def slopes(squares, first, last, points=200):
    """(2,) slopes of log mean square over log step, by least squares on logarithmically spaced
    steps.
    """
    steps = np.unique(np.geomspace(first, last, points).astype(int))
    return np.polyfit(np.log(steps), np.log(squares[steps]), 1)[0]
