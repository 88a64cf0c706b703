"""The order of examples: a pure function of (seed, epoch), without a buffer and without state."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def batch_indices(
    seed: np.ndarray,
    first: int,
    stride: int,
    batch_size: int,
    num_examples: int,
    wanted: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tf.data.Dataset:
    """A `tf.data.Dataset` without end of int64 (batch_size,) indices of examples.

    Batch number n holds the positions n * batch_size and following of its epoch, and each epoch has
    its own order. The examples that do not fill the last `stride` batches of an epoch are left out
    of it. So every batch is a function of its number, and no state needs saving.

    Args:
      seed: (2,) int32 seed of the order.
      first: number of the first batch.
      stride: batches that make one update (the number of replicas times the discriminator's steps).
      batch_size: examples of one batch.
      num_examples: how many there are, at least batch_size * stride.
      wanted: function of the number of a batch, a scalar int64 tensor, that gives a bool tensor;
        others are left out.
    """
    per_epoch = num_examples // (batch_size * stride) * stride
    last = tf.constant(num_examples - 1, tf.int64)

    def indices(number: tf.Tensor) -> tf.Tensor:
        epoch = number // per_epoch
        start = number % per_epoch * batch_size
        positions = start + tf.range(batch_size, dtype=tf.int64)
        epoch_seed = tf.random.fold_in(seed, tf.cast(epoch, tf.int32))
        return tf.random.experimental.index_shuffle(positions, epoch_seed, last)

    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    if wanted is not None:
        numbers = numbers.filter(wanted)
    return numbers.map(indices)
