"""Precision, recall, density and coverage: where generated features lie among the real ones.

The ball of a feature reaches to its k-th nearest neighbour on its own side.

- precision: the share of generated features that lie in a real ball; recall: the share of real
  features that lie in a generated ball (Kynkaanniemi et al. 2019, equations 1 and 2, there with
  k = 3 and features of VGG-16);
- density: the mean number of real balls around a generated feature, divided by k; coverage: the
  share of real balls that hold a generated feature (Naeem et al. 2020, equations 3 and 4).

The standard errors come from the delete-a-group jackknife (`uncertainty`). Each distance is
computed once, for the measures of all features and for those without each of the groups.

Distances are computed by TensorFlow in blocks, so that memory hardly grows with the number of
features. Nearly all pairs are far apart: after one comparison per pair, only the few pairs of
neighbours are looked at again, for each of the groups.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_ttur.io import console
from tf_ttur.metrics.uncertainty import GROUPS, group_numbers, jackknife_error

_BLOCK = 2048  # features of each side in a block of distances
_SAMPLE_SHARE = 8  # one of so many features bounds the radii
_PAIRS = 2**20  # neighbours that are looked at again at a time
# Up to this number of features on both sides, distances are computed in float64.
_MOST_IN_FLOAT64 = 5000
# Distances count as equal if they differ by less than this times the squared lengths of the
# features: then the difference may be rounding, and equal images must be at equal distances.
_ROUNDING = {np.float64: 1e-12, np.float32: 1e-6}


class _Side:
    """The features of one side in a random order, which blocks are taken from.

    Files are often sorted by class; in a random order every block has features of all classes.

    Attributes:
      group: (n,) group numbers.
      sizes: (n,) squared lengths, relative to the centre.
      radii: (groups + 1, n) squared radii of the balls, as from `_radii`.
    """

    radii: np.ndarray

    def __init__(
        self, features: np.ndarray, centre: np.ndarray, groups: int, dtype: type[np.floating]
    ) -> None:
        """Takes (n, d) features of any float dtype, which are not copied."""
        self._features = features
        self._centre = centre
        self._dtype = dtype
        self._order = np.random.default_rng(0).permutation(len(features))
        self.group = group_numbers(0, len(features), groups)[self._order]
        blocks = map(self.take, self.blocks)
        sizes = [np.einsum("ij,ij->i", block, block, dtype=np.float64) for block in blocks]
        self.sizes = np.concatenate(sizes).astype(dtype)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def blocks(self) -> list[np.ndarray]:
        """The numbers of the features of each block."""
        return [
            np.arange(start, min(start + _BLOCK, len(self)))
            for start in range(0, len(self), _BLOCK)
        ]

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """(numbers, d) of these features, relative to the centre."""
        # Squares of small numbers lose fewer digits.
        return (self._features[self._order[numbers]] - self._centre).astype(self._dtype)

    @property
    def tolerances(self) -> np.ndarray:
        """(groups + 1, n): what a squared distance may exceed a radius by and count as equal."""
        farthest = np.sqrt(self.sizes) + np.sqrt(np.maximum(self.radii, 0))
        return _ROUNDING[self._dtype] * (self.sizes + farthest**2)


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
    real: np.ndarray, generated: np.ndarray, k: int = 5
) -> dict[str, tuple[float, float]]:
    """The four measures. Shows a progress bar.

    Args:
      real, generated: (n, d) and (m, d) features, of any float dtype; n and m above k. They are not
        copied.
      k: which neighbour sets the radius; 5 as in Naeem et al. 2020.

    Above 5,000 features of a side, distances are computed in float32: a pair may then count as
    neighbours whose distance exceeds the radius by less than about a millionth.

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
    # TensorFloat-32 would keep three digits of a product.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    groups = GROUPS if fewest >= 2 * max(GROUPS, k) else 1
    most = max(len(real), len(generated))
    dtype = np.float64 if most <= _MOST_IN_FLOAT64 else np.float32
    centre = np.asarray(real).mean(axis=0, dtype=np.float64)
    real_side = _Side(np.asarray(real), centre, groups, dtype)
    generated_side = _Side(np.asarray(generated), centre, groups, dtype)
    with _Progress(real_side, generated_side) as progress:
        for side in (real_side, generated_side):
            side.radii = _radii(side, groups, k, progress)
        membership = _membership(real_side, generated_side, groups, progress)
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


def _membership(real: _Side, generated: _Side, groups: int, progress: "_Progress") -> _Membership:
    num_real = len(real)
    num_generated = len(generated)
    in_real = np.zeros((groups + 1, num_generated), int)
    in_generated = np.zeros((groups + 1, num_real), bool)
    covered = np.zeros((groups + 1, num_real), bool)
    holds = np.zeros((num_real, groups), bool)
    reach_of_real = real.radii + real.tolerances
    reach_of_generated = generated.radii + generated.tolerances
    # Of features that are left out, the radius is -1, and so the reach stays below 0.
    reach_of_real[real.radii < 0] = -1
    reach_of_generated[generated.radii < 0] = -1
    for rows in real.blocks:
        features = tf.constant(real.take(rows))
        for columns in generated.blocks:
            distances = _squared_distances(features, real, rows, generated, columns)
            farthest = reach_of_real[:, rows].max(axis=0)[:, None]
            for row, column, squares in _pairs(distances, distances <= farthest):
                i = rows[row]
                j = columns[column]
                inside = squares <= reach_of_real[:, i]
                for number, mask in enumerate(inside):
                    in_real[number] += np.bincount(j[mask], minlength=num_generated)
                    covered[number, i[mask]] = True
                holds[i[inside[0]], generated.group[j[inside[0]]]] = True
            farthest = reach_of_generated[:, columns].max(axis=0)
            for row, column, squares in _pairs(distances, distances <= farthest):
                inside = squares <= reach_of_generated[:, columns[column]]
                for number, mask in enumerate(inside):
                    in_generated[number, rows[row[mask]]] = True
            progress.add(distances.size)
    return _Membership(in_real, in_generated, covered, holds)


def _radii(side: _Side, groups: int, k: int, progress: "_Progress") -> np.ndarray:
    """Squared distances to the k-th nearest other feature of the same side.

    A random share of the features gives an upper bound of every radius. Each feature then has few
    others within its bound, whatever the features are, and the k-th nearest is one of them.

    Returns:
      (groups + 1, n): row 0 counts all features, row g + 1 all but those of group g. The features
      of the group that is left out have radius -1, so that nothing lies within their balls.
    """
    num_sampled = _num_sampled(len(side))
    radii = _bounds(side, num_sampled, groups, k)
    if num_sampled < len(side):
        farthest = radii.max(axis=0)
        nearer = _Nearer()
        for rows in side.blocks:
            features = tf.constant(side.take(rows))
            for columns in side.blocks:
                if columns[0] < rows[0]:
                    continue  # the distances of these have been computed
                distances = _squared_distances(features, side, rows, side, columns)
                if columns[0] == rows[0]:
                    np.fill_diagonal(distances, np.inf)  # no feature is its own neighbour
                else:
                    is_nearer = distances < farthest[columns]
                    for row, column, squares in _pairs(distances, is_nearer):
                        nearer.add(columns[column], side.group[rows[row]], squares)
                for row, column, squares in _pairs(distances, distances < farthest[rows, None]):
                    nearer.add(rows[row], side.group[columns[column]], squares)
                progress.add(distances.size)
        nearer.improve(radii, k)
    if groups > 1:
        for group in range(groups):
            radii[group + 1, side.group == group] = -1
    return radii


def _num_sampled(size: int) -> int:
    """How many of `size` features give the bounds."""
    return min(size, max(_BLOCK, size // _SAMPLE_SHARE))


def _bounds(side: _Side, num_sampled: int, groups: int, k: int) -> np.ndarray:
    """As `_radii`, but only the first `num_sampled` features are neighbours, and none has -1."""
    sampled = np.argsort(side.group[:num_sampled], kind="stable")
    ends = np.searchsorted(side.group[sampled], range(groups + 1))
    bounds = np.empty((groups + 1 if groups > 1 else 1, len(side)), side.sizes.dtype)
    for rows in side.blocks:
        features = tf.constant(side.take(rows))
        distances = _squared_distances(features, side, rows, side, sampled)
        distances[rows[:, None] == sampled] = np.inf  # no feature is its own neighbour
        nearest = [_smallest(distances[:, start:end], k) for start, end in itertools.pairwise(ends)]
        bounds[0, rows] = _smallest(np.concatenate(nearest, axis=1), k).max(axis=1)
        for number in range(len(bounds) - 1):
            others = nearest[:number] + nearest[number + 1 :]
            bounds[number + 1, rows] = _smallest(np.concatenate(others, axis=1), k).max(axis=1)
    return bounds


class _Progress:
    """The bar of all distances of two sides. Used as a context manager."""

    _UNIT = 10**6  # distances in a step of the bar

    def __init__(self, real: _Side, generated: _Side) -> None:
        within = sum(
            len(side) * (_num_sampled(len(side)) + len(side) // 2) for side in (real, generated)
        )
        total = within + len(real) * len(generated)
        what = "precision and recall, millions of distances"
        self._status = console.Status(what, 0, total // self._UNIT)
        self._done = 0

    def __enter__(self) -> "_Progress":
        self._status.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._status.__exit__(*error)

    def add(self, num_distances: int) -> None:
        """Counts distances that have been computed."""
        self._done += num_distances
        self._status.show(self._done // self._UNIT)


class _Nearer:
    """Pairs of features that are nearer to each other than a bound of the first one's radius."""

    def __init__(self) -> None:
        self._features: list[np.ndarray] = []
        self._groups: list[np.ndarray] = []
        self._squares: list[np.ndarray] = []

    def add(self, features: np.ndarray, groups: np.ndarray, squares: np.ndarray) -> None:
        """Adds pairs: the first feature, the group of the second one, the squared distance."""
        self._features.append(features.astype(np.int32))
        self._groups.append(groups.astype(np.int8))
        self._squares.append(squares)

    def improve(self, radii: np.ndarray, k: int) -> None:
        """Replaces bounds by radii.

        Where fewer than k others are nearer than the bound, the bound is the radius.

        Args:
          radii: (groups + 1, n) bounds, as from `_bounds`; changed in place.
          k: as in `neighbours`.
        """
        if not self._features:
            return
        features = np.concatenate(self._features)
        groups = np.concatenate(self._groups)
        squares = np.concatenate(self._squares)
        order = np.lexsort((squares, features))
        features = features[order]
        groups = groups[order]
        squares = squares[order]
        for number, row in enumerate(radii):
            kept = groups != number - 1  # all, in row 0
            starts = np.searchsorted(features[kept], np.arange(len(row) + 1))
            has_enough = np.diff(starts) >= k
            row[has_enough] = squares[kept][starts[:-1][has_enough] + k - 1]


def _squared_distances(
    features: tf.Tensor, side: _Side, rows: np.ndarray, other: _Side, columns: np.ndarray
) -> np.ndarray:
    """(rows, columns) squared distances, 0 or more.

    Args:
      features: those of `rows`, which stay the same for many blocks of columns.
      side, rows: where they are from.
      other, columns: the other features.
    """
    products = tf.matmul(features, tf.constant(other.take(columns)), transpose_b=True)
    sizes = side.sizes[rows, None] + other.sizes[columns]
    return tf.maximum(sizes - 2 * products, 0).numpy()


def _pairs(
    distances: np.ndarray, mask: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields (rows, columns, distances) where the mask is set, not too many at a time."""
    places = np.flatnonzero(mask)
    for start in range(0, len(places), _PAIRS):
        chosen = places[start : start + _PAIRS]
        rows, columns = np.divmod(chosen, distances.shape[1])
        yield rows, columns, distances.ravel()[chosen]


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """The k smallest values of each row, or all where there are fewer, in any order."""
    return np.partition(values, k - 1, axis=1)[:, :k] if values.shape[1] > k else values
