"""Batch norm in TensorFlow's fused operation."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

_IS_USED = contextvars.ContextVar("_IS_USED", default=True)


def is_used() -> bool:
    """Whether networks that are called here may use the fused operation."""
    return _IS_USED.get()


@contextlib.contextmanager
def not_used() -> Iterator[None]:
    """Within the block networks compute batch norm in operations with all derivatives.

    The third derivative of the fused operation lacks a term in TensorFlow 2.21. The Hessian of a
    gradient penalty needs it; first and second derivatives, and so all updates, do not.
    """
    token = _IS_USED.set(False)
    try:
        yield
    finally:
        _IS_USED.reset(token)


class Normalised(NamedTuple):
    """What `batch_norm` returns.

    Attributes:
      outputs: of the inputs' shape and dtype.
      mean, variance: of the batch, float32 (channels,); the variance is the biased one. They are
        for moving averages: no gradient passes through them.
    """

    outputs: tf.Tensor
    mean: tf.Tensor
    variance: tf.Tensor


def batch_norm(inputs: tf.Tensor, gamma: Any, beta: Any, epsilon: float) -> Normalised:
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, over all axes but the last.

    Args:
      inputs: (n, h, w, channels), float32, bfloat16 or float16.
      gamma, beta: (channels,) float32.
      epsilon: added to the variance.
    """
    none = tf.zeros((0,))
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs, scale=gamma, offset=beta, mean=none, variance=none, epsilon=epsilon
    )
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)  # of values per channel
    biased = tf.stop_gradient(variance) * ((count - 1) / count)
    return Normalised(outputs, tf.stop_gradient(mean), biased)
