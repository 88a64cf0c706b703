"""The toy saddle point with which the paper illustrates its idea.

Heusel et al. 2017, figure 2, and the official notebook: f(x, y) = (1 + x^2)(100 - y^2) is minimised
over x and maximised over y. The saddle is (0, 0) with f = 100. Every partial derivative gets normal
noise. x steps first, then y with the new x.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

START = (0.5, -0.4)
STEPS = 5000
NOISE_STD = 1.0
NEAR = 0.15  # norm that counts as reaching the saddle


class Rates(NamedTuple):
    """The learning rates of x and of y."""

    x: float
    y: float


SETTINGS = {
    "one time scale, fast": Rates(x=0.01, y=0.01),
    "one time scale, slow": Rates(x=0.001, y=0.001),
    "TTUR, x slow": Rates(x=0.0001, y=0.01),
    "TTUR, y slow": Rates(x=0.01, y=0.0001),
}


def objective(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """f, elementwise."""
    return (1 + x**2) * (100 - y**2)


def gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(df/dx, df/dy), elementwise."""
    return 2 * x * (100 - y**2), -2 * y * (1 + x**2)


def simulate(
    rates: Rates,
    runs: int,
    steps: int = STEPS,
    noise_std: float = NOISE_STD,
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """Runs of stochastic gradient descent in x and ascent in y.

    Args:
      rates: learning rates.
      runs: independent repetitions.
      steps: updates of each.
      noise_std: of the normal noise on each partial derivative.
      seed: of the noise.

    Returns:
      (steps + 1, 2, runs) float64: x and y, the start included.
    """
    generator = np.random.default_rng(seed)
    paths = np.empty((steps + 1, 2, runs))
    paths[0] = np.reshape(START, (2, 1))
    for present, following in itertools.pairwise(paths):
        noise = noise_std * generator.standard_normal((2, runs))
        x, y = present
        following[0] = x - rates.x * (gradient(x, y)[0] + noise[0])
        following[1] = y + rates.y * (gradient(following[0], y)[1] + noise[1])
    return paths


def norms(paths: np.ndarray) -> np.ndarray:
    """(steps + 1, runs) distances from the saddle."""
    return np.hypot(paths[:, 0], paths[:, 1])


def hitting_times(norm: np.ndarray, bound: float = NEAR) -> np.ndarray:
    """(runs,) float64: the first step with a norm below the bound; infinite where there is none."""
    below = norm < bound
    return np.where(below.any(axis=0), below.argmax(axis=0), np.inf)


def returns(norm: np.ndarray, bound: float = NEAR) -> np.ndarray:
    """(runs,) how often a run comes back below the bound after having left it."""
    below = norm < bound
    entered = (below[1:] & ~below[:-1]).sum(axis=0) + below[0]
    return np.maximum(entered - 1, 0)


def summarise(paths: np.ndarray) -> dict[str, Any]:
    """The numbers that are compared with the published simulation.

    Args:
      paths: as `simulate` returns them.

    Returns:
      dict of
      final_norm: the 5, 50 and 95 % quantiles of the last norms;
      x_std, y_std: of the last points;
      hit_share: share of the runs that came below `NEAR`;
      hit_median: median of the steps that these runs took; NaN where none did;
      inside: share of the runs that are near at the end;
      returns: median of `returns`.
    """
    norm = norms(paths)
    hits = hitting_times(norm)
    reached = hits[np.isfinite(hits)]
    return {
        "final_norm": np.quantile(norm[-1], (0.05, 0.5, 0.95)),
        "x_std": paths[-1, 0].std(),
        "y_std": paths[-1, 1].std(),
        "hit_share": len(reached) / len(hits),
        "hit_median": float(np.median(reached)) if len(reached) else float("nan"),
        "inside": float(np.mean(norm[-1] < NEAR)),
        "returns": float(np.median(returns(norm))),
    }
