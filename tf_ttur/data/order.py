"""The order of examples: a pure function of (seed, epoch), without a buffer and without state."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_COINS = 2**31 - 1  # apart from the epochs, which are folded into the same seed


def batch_indices(
    seed: np.ndarray,
    first: int,
    stride: int,
    batch_size: int,
    num_examples: int,
    wanted: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tf.data.Dataset:
    """An endless `tf.data.Dataset` of int64 (batch_size,) indices of examples.

    Each epoch has its own order. Within an epoch, batch number n takes `batch_size` consecutive
    positions of that order, from n * batch_size on. An epoch has a multiple of `stride` batches;
    the examples left over are not used in that epoch. Every batch is a function of its number, so
    no state needs to be saved.

    Args:
      seed: (2,) int32 seed of the order.
      first: number of the first batch.
      stride: batches per update (the number of replicas times the discriminator's steps).
      batch_size: examples per batch.
      num_examples: number of all examples, at least batch_size * stride.
      wanted: function of a batch's number, a scalar int64 tensor, that returns a scalar bool
        tensor. Batches for which it is False are left out. None keeps all batches.
    """
    return batch_numbers(first, wanted).map(
        lambda number: indices_of_batch(seed, number, stride, batch_size, num_examples)
    )


def indices_of_batch(
    seed: np.ndarray, number: tf.Tensor, stride: int, batch_size: int, num_examples: int
) -> tf.Tensor:
    """The indices of the examples of one batch, int64 (batch_size,), as in `batch_indices`.

    Args:
      seed, stride, batch_size, num_examples: as in `batch_indices`.
      number: scalar int64, of the batch.
    """
    per_epoch = num_examples // (batch_size * stride) * stride
    epoch = number // per_epoch
    start = number % per_epoch * batch_size
    positions = start + tf.range(batch_size, dtype=tf.int64)
    epoch_seed = tf.random.fold_in(seed, tf.cast(epoch, tf.int32))
    last = tf.constant(num_examples - 1, tf.int64)
    return tf.random.experimental.index_shuffle(positions, epoch_seed, last)


def batch_numbers(
    first: int, wanted: Callable[[tf.Tensor], tf.Tensor] | None = None
) -> tf.data.Dataset:
    """The numbers of batches, int64 without an end; arguments as of `batch_indices`."""
    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    return numbers if wanted is None else numbers.filter(wanted)


def coins(seed: np.ndarray, number: tf.Tensor, stride: int, batch_size: int) -> tf.Tensor:
    """One fair coin for each example of a batch.

    It is a function of the seed, the update and the example's place among all examples of the
    update, and so does not depend on how these are divided among replicas.

    Args:
      seed, stride, batch_size: as in `batch_indices`.
      number: scalar int64, of the batch.

    Returns:
      bool (batch_size,).
    """
    update_seed = tf.random.fold_in(
        tf.random.fold_in(seed, _COINS), tf.cast(number // stride, tf.int32)
    )
    start = number % stride * batch_size
    all_of_update = tf.random.stateless_uniform((stride * batch_size,), update_seed)
    return all_of_update[start : start + batch_size] < 0.5


def indices_as_given(first: int, batch_size: int, num_examples: int) -> tf.data.Dataset:
    """The indices of batches that take the examples in their order, again and again.

    Batch number n takes the positions from n * batch_size on, of all passes in a row. No example is
    left out at the end of a pass.

    Args:
      first, batch_size, num_examples: as in `batch_indices`.
    """
    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)

    def indices(number: tf.Tensor) -> tf.Tensor:
        return (number * batch_size + tf.range(batch_size, dtype=tf.int64)) % num_examples

    return numbers.map(indices)
