"""Precision, recall, density and coverage: where generated features lie among the real ones.

Around each feature is a ball that reaches to its k-th nearest neighbour of its own side.

- precision: share of generated features in a real ball; recall: share of real features in a
  generated ball (Kynkaanniemi et al. 2019, equations 1 and 2, there with k = 3 and features of
  VGG-16);
- density: real balls around a generated feature, over k, mean; coverage: share of real balls that
  hold a generated feature (Naeem et al. 2020, equations 3 and 4).

How sure they are the delete-a-group jackknife tells (`uncertainty`). Each distance is computed
once: it serves the measures of all features and those without one group after the other.
"""

import numpy as np

from tf_ttur.metrics.uncertainty import GROUPS, group_numbers, jackknife_error

NEAREST = 5  # k of Naeem et al. 2020
_ROWS = 250  # rows of distances in memory at a time


def neighbours(real, generated, k=NEAREST):
    """The four measures.

    Args:
      real, generated: (n, d) and (m, d) features, any float dtype; n and m above k.
      k: which neighbour sets the radius.

    Returns:
      {"precision", "recall", "density", "coverage"}: (value, standard error). All values but
      density lie in 0 ... 1. The error is NaN where n or m is below 2 * `uncertainty.GROUPS` or 2
      k.

    Raises:
      ValueError: too few features.
    """
    least = min(len(real), len(generated))
    if least <= k:
        raise ValueError(
            f"{len(real)} real and {len(generated)} generated features; expected more than k = {k} of each"
        )
    groups = GROUPS if least >= 2 * max(GROUPS, k) else 1
    real, generated = (np.asarray(side, np.float64) for side in (real, generated))
    centre = real.mean(axis=0)  # squares of small numbers lose fewer digits
    (real, real_group), (generated, generated_group) = (
        _by_group(side - centre, groups) for side in (real, generated)
    )
    real_radii, generated_radii = _radii(real, real_group, k), _radii(generated, generated_group, k)
    # Set 0 of the radii is of all features, set g + 1 of all but those of group g.
    in_real = np.zeros(
        (groups + 1, len(generated)), int
    )  # real balls around each generated feature
    in_generated, covered = (np.zeros((groups + 1, len(real)), bool) for _ in range(2))
    holds = np.zeros(
        (len(real), groups), bool
    )  # whether a real ball holds a feature of each generated group
    first_of_group = np.searchsorted(generated_group, range(groups))
    for start in range(0, len(real), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = _squared_distances(real[rows], generated)
        for number in range(groups + 1):
            inside = distances <= real_radii[number, rows, None]
            in_real[number] += np.count_nonzero(inside, axis=0)
            covered[number, rows] = inside.any(axis=1)
            in_generated[number, rows] = (distances <= generated_radii[number]).any(axis=1)
            if number == 0:
                holds[rows] = np.logical_or.reduceat(inside, first_of_group, axis=1)

    def measures(in_real, in_generated, covered):
        return {
            "precision": np.mean(in_real > 0),
            "recall": np.mean(in_generated),
            "density": np.mean(in_real) / k,
            "coverage": np.mean(covered),
        }

    values = measures(in_real[0], in_generated[0], covered[0])
    if groups == 1:
        return {name: (float(value), np.nan) for name, value in values.items()}
    without = [[], []]  # each group of the real side, and each of the generated one
    for group in range(groups):
        kept = real_group != group
        without[0].append(
            measures(in_real[group + 1], in_generated[0, kept], covered[group + 1, kept])
        )
        kept = generated_group != group
        without[1].append(
            measures(
                in_real[0, kept],
                in_generated[group + 1],
                np.delete(holds, group, axis=1).any(axis=1),
            )
        )
    errors = {
        name: jackknife_error(*([each[name] for each in side] for side in without))
        for name in values
    }
    return {name: (float(value), errors[name]) for name, value in values.items()}


def _by_group(features, groups):
    """The features and their groups, sorted by group."""
    group = group_numbers(0, len(features), groups)
    order = np.argsort(group, kind="stable")
    return features[order], group[order]


def _radii(features, group, k):
    """(groups + 1, n) squared distances to the k-th nearest other feature: of all, then of those
    outside of each group.

    The features of the group that is left out have radius -1: nothing lies within.
    """
    groups = int(group[-1]) + 1
    parts = [slice(*np.searchsorted(group, (number, number + 1))) for number in range(groups)]
    radii = np.full((groups + 1, len(features)), -1.0)
    for start in range(0, len(features), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = _squared_distances(features[rows], features)
        distances[np.arange(len(distances)), start + np.arange(len(distances))] = (
            np.inf
        )  # not itself
        nearest = [_smallest(distances[:, part], k) for part in parts]
        radii[0, rows] = _smallest(np.concatenate(nearest, axis=1), k).max(axis=1)
        for number in range(groups if groups > 1 else 0):
            others = nearest[:number] + nearest[number + 1 :]
            radii[number + 1, rows] = _smallest(np.concatenate(others, axis=1), k).max(axis=1)
    for number, part in enumerate(parts):
        radii[number + 1, part] = -1
    return radii


def _smallest(values, k):
    """The k smallest values of each row, or all where there are fewer, in any order."""
    return np.partition(values, k - 1, axis=1)[:, :k] if values.shape[1] > k else values


def _squared_distances(rows, features):
    sizes = (rows**2).sum(1)[:, None] + (features**2).sum(1)
    squares = sizes - 2 * rows @ features.T
    squares[squares < 1e-12 * sizes] = 0  # equal features; what is left is rounding
    return squares
