"""Precision and recall as the evaluator of guided-diffusion computes them.

The ball of a feature reaches to its 3rd nearest neighbour on its own side. Precision is the share
of the samples' features that lie in a ball of the reference, recall the reverse. What differs from
`neighbours` decides on ties:

- Squared distances are those of float16 numbers, in float16, unless one of a block of 10,000 x
  10,000 is not finite; then the block is computed in float32. Near 300, where those of pool_3 lie,
  float16 has steps of 0.25.
- A feature counts among its own neighbours, at whatever distance rounding leaves.
- The border belongs to a ball.

As on a GPU, sums are made in float32 and then rounded to float16.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

NEAREST = 3
BLOCK = 10_000
_ROWS = 1000  # of a block that are computed at a time


def precision_recall(
    reference: np.ndarray, samples: np.ndarray, nearest: int = NEAREST, block: int = BLOCK
) -> tuple[float, float]:
    """Both shares.

    Args:
      reference, samples: (n, d) and (m, d) float32 features, n and m above `nearest`.
      nearest: which neighbour sets the radius.
      block: rows and columns of a block.
    """
    reference_radii = _radii(reference, nearest, block)
    sample_radii = _radii(samples, nearest, block)
    reference_inside = np.zeros(len(reference), bool)
    sample_inside = np.zeros(len(samples), bool)
    for rows, columns, distances in _distances(reference, samples, block):
        sample_inside[columns] |= (distances <= reference_radii[rows, None]).any(axis=0)
        reference_inside[rows] |= (distances <= sample_radii[columns]).any(axis=1)
    return float(sample_inside.mean()), float(reference_inside.mean())


def _radii(features: np.ndarray, nearest: int, block: int) -> np.ndarray:
    """(n,) float32: the squared distances to the neighbours, among which is the feature itself."""
    smallest = np.full((len(features), nearest + 1), np.inf, np.float32)
    for rows, _, distances in _distances(features, features, block):
        both = np.concatenate([smallest[rows], distances], axis=1)
        smallest[rows] = np.partition(both, nearest, axis=1)[:, : nearest + 1]
    return smallest.max(axis=1)


def _distances(
    first: np.ndarray, second: np.ndarray, block: int
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yields (rows, columns, squared distances), float32, of parts of all pairs."""
    for row in range(0, len(first), block):
        for column in range(0, len(second), block):
            columns = slice(column, column + block)
            ends = range(row, min(row + block, len(first)), _ROWS)
            parts = [slice(start, min(start + _ROWS, row + block)) for start in ends]
            distances = [_in_float16(first[rows], second[columns]).numpy() for rows in parts]
            if not all(np.isfinite(part).all() for part in distances):
                distances = [_in_float32(first[rows], second[columns]).numpy() for rows in parts]
            for rows, part in zip(parts, distances, strict=True):
                yield rows, columns, part.astype(np.float32)


def _in_float16(first: np.ndarray, second: np.ndarray) -> tf.Tensor:
    rows = tf.cast(first, tf.float16)
    columns = tf.cast(second, tf.float16)
    products = tf.matmul(tf.cast(rows, tf.float32), tf.cast(columns, tf.float32), transpose_b=True)
    return _squares(_norms(rows), tf.cast(products, tf.float16), _norms(columns))


def _in_float32(first: np.ndarray, second: np.ndarray) -> tf.Tensor:
    rows = tf.cast(first, tf.float32)
    columns = tf.cast(second, tf.float32)
    return _squares(_norms(rows), tf.matmul(rows, columns, transpose_b=True), _norms(columns))


def _norms(features: tf.Tensor) -> tf.Tensor:
    """(n,) of the type of the features, in which each square is rounded."""
    squares = tf.cast(tf.square(features), tf.float32)
    return tf.cast(tf.reduce_sum(squares, 1), features.dtype)


def _squares(rows: tf.Tensor, products: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Squared distances from norms and products of one type, in this order of operations."""
    zero = tf.constant(0, products.dtype)
    return tf.maximum(rows[:, None] - 2 * products + columns, zero)
