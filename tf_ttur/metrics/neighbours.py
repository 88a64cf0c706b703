"""Precision, recall, density and coverage: where generated features lie among the real ones.

Around each feature is a ball that reaches to its k-th nearest neighbour of its own side.

- precision: share of generated features in a real ball; recall: share of real features in a generated ball
  (Kynkaanniemi et al. 2019, equations 1 and 2, there with k = 3 and features of VGG-16);
- density: real balls around a generated feature, over k, mean; coverage: share of real balls that hold a generated feature
  (Naeem et al. 2020, equations 3 and 4).
"""

import numpy as np

NEAREST = 5  # k of Naeem et al. 2020
_ROWS = 1000  # rows of distances in memory at a time


def neighbours(real, generated, k=NEAREST):
    """The four measures.

    Args:
      real, generated: (n, d) and (m, d) features, any float dtype; n and m above k.
      k: which neighbour sets the radius.

    Returns:
      {"precision", "recall", "density", "coverage"}: floats. All but density lie in 0 ... 1.

    Raises:
      ValueError: too few features.
    """
    if min(len(real), len(generated)) <= k:
        raise ValueError(f"{len(real)} real and {len(generated)} generated features; expected more than k = {k} of each")
    real, generated = (np.asarray(side, np.float64) for side in (real, generated))
    centre = real.mean(axis=0)  # squares of small numbers lose fewer digits
    real, generated = real - centre, generated - centre
    real_radii, generated_radii = _radii(real, k), _radii(generated, k)
    in_real = np.zeros(len(generated), int)  # real balls around each generated feature
    in_generated = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    for start in range(0, len(real), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = _squared_distances(real[rows], generated)
        inside = distances <= real_radii[rows, None]
        in_real += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        in_generated[rows] = (distances <= generated_radii).any(axis=1)
    return {
        "precision": float(np.mean(in_real > 0)),
        "recall": float(np.mean(in_generated)),
        "density": float(np.mean(in_real) / k),
        "coverage": float(np.mean(covered)),
    }


def _radii(features, k):
    """(n,) squared distances to the k-th nearest other feature."""
    radii = np.empty(len(features))
    for start in range(0, len(features), _ROWS):
        distances = _squared_distances(features[start : start + _ROWS], features)
        distances[np.arange(len(distances)), start + np.arange(len(distances))] = -1  # itself, whatever rounding says
        radii[start : start + _ROWS] = np.partition(distances, k, axis=1)[:, k]
    return radii


def _squared_distances(rows, features):
    sizes = (rows**2).sum(1)[:, None] + (features**2).sum(1)
    squares = sizes - 2 * rows @ features.T
    squares[squares < 1e-12 * sizes] = 0  # equal features; what is left is rounding
    return squares
