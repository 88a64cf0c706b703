"""Leaves the process of a training as it was found."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

# `tf.config.experimental` can only switch the determinism of operations on.
from tensorflow.python.framework import config as tf_config

from tf_ttur.metrics.precision import tensor_float_32


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Within the block all operations compute exactly.

    TensorFloat-32 is off, so that a GPU computes the same numbers as a CPU; the features of the FID
    need that. On a CPU all operations are deterministic, so that a resumed run ends like an
    uninterrupted one. On a GPU, TF_DETERMINISTIC_OPS=1 does the same and makes updates slower.
    """
    was_deterministic = tf_config.is_op_determinism_enabled()
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
    try:
        with tensor_float_32(False):
            yield
    finally:
        if not was_deterministic:
            tf_config.disable_op_determinism()


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """`exact`; and afterwards the random state and the settings of Keras are as before.

    The random states are those of Python, and the global one of NumPy. Everything here draws from
    TensorFlow without its global state.
    """
    of_python = random.getstate()
    of_numpy = np.random.get_state()
    policy = keras.config.dtype_policy()
    try:
        with exact():
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        keras.config.set_dtype_policy(policy)
