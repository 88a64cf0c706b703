"""Every random number of a run as a pure function of (run seed, purpose, update, step, replica).

Numbers are drawn for the global batch and each replica takes its share, so the number of replicas
does not change them.
"""

import contextlib
import enum
import random
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf


class Purpose(enum.IntEnum):
    """What random numbers are for. A value that has been used keeps its meaning."""

    GENERATOR_WEIGHTS = 1
    DISCRIMINATOR_WEIGHTS = 2
    DATA_ORDER = 3
    LATENTS = 4
    GRADIENT_PENALTY = 5
    EVALUATION = 6
    SAMPLE_GRID = 7
    DIAGNOSIS = 8
    AUGMENTATION = 9


def key(seed: int, purpose: Purpose, *counters: int | tf.Tensor) -> tf.Tensor:
    """(2,) int32 seed for `tf.random.stateless_*`; the counters are integers or integer tensors."""
    # Random operations read their seed on the host. A seed on a GPU would make each of them wait.
    with tf.device("CPU:0"):
        result = tf.constant([seed, purpose], tf.int32)
        for counter in counters:
            result = tf.random.fold_in(result, tf.cast(counter, tf.int32))
        return result


def integer(seed: int, purpose: Purpose) -> int:
    """A Python int in 0 ... 2^31 - 1, for libraries that need one."""
    return int(tf.random.stateless_uniform((), key(seed, purpose), 0, 2**31 - 1, tf.int32))


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds Python's and NumPy's global generators within the block, and restores them after it.

    Keras draws the seeds of initializers and layers that are given none from Python's.
    """
    of_python = random.getstate()
    of_numpy = np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


def latents(distribution: str, shape: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """float32 latents of the given shape: "uniform" in -1 ... 1 or standard "normal"."""
    if distribution == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return tf.random.stateless_normal(shape, seed)


def share_of_replica(values: tf.Tensor) -> tf.Tensor:
    """The part of a global batch that belongs to the replica in whose context this is called."""
    replica = tf.distribute.get_replica_context()
    shares = tf.reshape(values, (replica.num_replicas_in_sync, -1, *values.shape[1:]))
    return shares[replica.replica_id_in_sync_group]
