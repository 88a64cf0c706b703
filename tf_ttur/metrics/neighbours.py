"""Precision, recall, density and coverage: where generated features lie among the real ones.

The ball of a feature reaches to its k-th nearest neighbour on its own side.

- precision: the share of generated features that lie in a real ball; recall: the share of real
  features that lie in a generated ball (Kynkaanniemi et al. 2019, equations 1 and 2, there with
  k = 3 and features of VGG-16);
- density: the mean number of real balls around a generated feature, divided by k; coverage: the
  share of real balls that hold a generated feature (Naeem et al. 2020, equations 3 and 4).

The standard errors come from the delete-a-group jackknife (`uncertainty`). Each distance is
computed once, for the measures of all features and for those without each of the groups.
"""

from typing import NamedTuple

import numpy as np

from tf_ttur.metrics.uncertainty import GROUPS, group_numbers, jackknife_error

NEAREST = 5  # k of Naeem et al. 2020
_ROWS = 250  # rows of distances in memory at a time


class _Side(NamedTuple):
    """The features of one side, in the order of their groups.

    Attributes:
      features: (n, d) float64.
      group: (n,) ascending group numbers.
      radii: (groups + 1, n) squared radii of the balls, as from `_radii`.
    """

    features: np.ndarray
    group: np.ndarray
    radii: np.ndarray


class _Membership(NamedTuple):
    """Which features lie in which balls, for n real and m generated features.

    Row 0 of the first three is about all features; row g + 1 is about all but those of group g, of
    the side whose balls they are.

    Attributes:
      in_real: (groups + 1, m) int, the number of real balls around each generated feature.
      in_generated: (groups + 1, n) bool, whether a real feature lies in a generated ball.
      covered: (groups + 1, n) bool, whether a real ball holds a generated feature.
      holds: (n, groups) bool, whether a real ball holds a feature of each generated group.
    """

    in_real: np.ndarray
    in_generated: np.ndarray
    covered: np.ndarray
    holds: np.ndarray


def neighbours(
    real: np.ndarray, generated: np.ndarray, k: int = NEAREST
) -> dict[str, tuple[float, float]]:
    """The four measures.

    Args:
      real, generated: (n, d) and (m, d) features, of any float dtype; n and m above k.
      k: which neighbour sets the radius.

    Returns:
      {"precision", "recall", "density", "coverage"}: (value, standard error). All values but
      density lie in 0 ... 1. The error is NaN where n or m is below 2 * `uncertainty.GROUPS` or 2
      k.

    Raises:
      ValueError: too few features.
    """
    fewest = min(len(real), len(generated))
    if fewest <= k:
        raise ValueError(
            f"{len(real)} real and {len(generated)} generated features;"
            f" expected more than k = {k} of each"
        )
    groups = GROUPS if fewest >= 2 * max(GROUPS, k) else 1
    real = np.asarray(real, np.float64)
    generated = np.asarray(generated, np.float64)
    centre = real.mean(axis=0)  # squares of small numbers lose fewer digits
    real_side = _side(real - centre, groups, k)
    generated_side = _side(generated - centre, groups, k)
    membership = _membership(real_side, generated_side, groups)
    values = _measures(membership.in_real[0], membership.in_generated[0], membership.covered[0], k)
    errors = dict.fromkeys(values, np.nan)
    if groups > 1:
        without_real = _without_each_real_group(membership, real_side, groups, k)
        without_generated = _without_each_generated_group(membership, generated_side, groups, k)
        for name in values:
            errors[name] = jackknife_error(
                [measures[name] for measures in without_real],
                [measures[name] for measures in without_generated],
            )
    return {name: (float(value), errors[name]) for name, value in values.items()}


def _measures(
    in_real: np.ndarray, in_generated: np.ndarray, covered: np.ndarray, k: int
) -> dict[str, float]:
    """The four values from rows of a `_Membership`."""
    return {
        "precision": np.mean(in_real > 0),
        "recall": np.mean(in_generated),
        "density": np.mean(in_real) / k,
        "coverage": np.mean(covered),
    }


def _without_each_real_group(
    membership: _Membership, real: _Side, groups: int, k: int
) -> list[dict[str, float]]:
    measures = []
    for group in range(groups):
        kept = real.group != group
        measures.append(
            _measures(
                membership.in_real[group + 1],
                membership.in_generated[0, kept],
                membership.covered[group + 1, kept],
                k,
            )
        )
    return measures


def _without_each_generated_group(
    membership: _Membership, generated: _Side, groups: int, k: int
) -> list[dict[str, float]]:
    measures = []
    for group in range(groups):
        kept = generated.group != group
        covered = np.logical_or.reduce(np.delete(membership.holds, group, axis=1), axis=1)
        measures.append(
            _measures(membership.in_real[0, kept], membership.in_generated[group + 1], covered, k)
        )
    return measures


def _side(features: np.ndarray, groups: int, k: int) -> _Side:
    group = group_numbers(0, len(features), groups)
    order = np.argsort(group, kind="stable")
    features = features[order]
    group = group[order]
    return _Side(features, group, _radii(features, group, k))


def _membership(real: _Side, generated: _Side, groups: int) -> _Membership:
    num_real = len(real.features)
    num_generated = len(generated.features)
    in_real = np.zeros((groups + 1, num_generated), int)
    in_generated = np.zeros((groups + 1, num_real), bool)
    covered = np.zeros((groups + 1, num_real), bool)
    holds = np.zeros((num_real, groups), bool)
    first_of_group = np.searchsorted(generated.group, range(groups))
    for start in range(0, num_real, _ROWS):
        rows = slice(start, start + _ROWS)
        distances = _squared_distances(real.features[rows], generated.features)
        for number in range(groups + 1):
            inside = distances <= real.radii[number, rows, None]
            in_real[number] += np.count_nonzero(inside, axis=0)
            covered[number, rows] = inside.any(axis=1)
            in_generated[number, rows] = (distances <= generated.radii[number]).any(axis=1)
            if number == 0:
                holds[rows] = np.logical_or.reduceat(inside, first_of_group, axis=1)
    return _Membership(in_real, in_generated, covered, holds)


def _radii(features: np.ndarray, group: np.ndarray, k: int) -> np.ndarray:
    """Squared distances to the k-th nearest other feature of the same side.

    Returns:
      (groups + 1, n): row 0 counts all features, row g + 1 all but those of group g. The features
      of the group that is left out have radius -1, so that nothing lies within their balls.
    """
    groups = int(group[-1]) + 1
    columns = [slice(*np.searchsorted(group, (number, number + 1))) for number in range(groups)]
    radii = np.full((groups + 1, len(features)), -1.0)
    for start in range(0, len(features), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = _squared_distances(features[rows], features)
        own = np.arange(len(distances))
        distances[own, start + own] = np.inf  # no feature is its own neighbour
        nearest = [_smallest(distances[:, place], k) for place in columns]
        radii[0, rows] = _smallest(np.concatenate(nearest, axis=1), k).max(axis=1)
        for number in range(groups if groups > 1 else 0):
            others = nearest[:number] + nearest[number + 1 :]
            radii[number + 1, rows] = _smallest(np.concatenate(others, axis=1), k).max(axis=1)
    for number, place in enumerate(columns):
        radii[number + 1, place] = -1
    return radii


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """The k smallest values of each row, or all where there are fewer, in any order."""
    return np.partition(values, k - 1, axis=1)[:, :k] if values.shape[1] > k else values


def _squared_distances(rows: np.ndarray, features: np.ndarray) -> np.ndarray:
    sizes = (rows**2).sum(1)[:, None] + (features**2).sum(1)
    squares = sizes - 2 * rows @ features.T
    squares[squares < 1e-12 * sizes] = 0  # equal features; the remainder is rounding
    return squares
