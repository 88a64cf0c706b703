"""Batch norm in TensorFlow's fused operations, with gradients of first and second order."""

import contextlib
from typing import Any, NamedTuple

import tensorflow as tf


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
    count = _count(inputs)
    biased = tf.stop_gradient(variance) * ((count - 1) / count)
    return Normalised(outputs, tf.stop_gradient(mean), biased)


def _gradient_of_gradient(operation: tf.Operation, *upstream: tf.Tensor) -> list[Any]:
    """The gradient of `FusedBatchNormGradV3`, for the gradient penalties."""
    outer, x, gamma = operation.inputs[:3]
    if not operation.get_attr("is_training") or operation.get_attr("data_format") != b"NHWC":
        raise LookupError("there is a second gradient of batch norm in training and NHWC only")
    with tf.GradientTape() as tape:
        tape.watch((outer, x, gamma))
        formula = _gradient_by_formula(outer, x, gamma, operation.get_attr("epsilon"))
    gradients = tape.gradient(formula, (outer, x, gamma), output_gradients=upstream[:3])
    return [*gradients, None, None, None]


def _gradient_by_formula(
    upstream: tf.Tensor, x: tf.Tensor, gamma: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """As `FusedBatchNormGradV3`, in operations that have gradients."""
    axes = list(range(x.shape.rank - 1))
    values = tf.cast(x, tf.float32)
    outer = tf.cast(upstream, tf.float32)
    mean, variance = tf.nn.moments(values, axes)
    scale = tf.math.rsqrt(variance + epsilon)
    normalised = (values - mean) * scale
    of_gamma = tf.reduce_sum(outer * normalised, axes)
    of_beta = tf.reduce_sum(outer, axes)
    of_x = gamma * scale * (outer - (of_beta + normalised * of_gamma) / _count(x))
    return tf.cast(of_x, x.dtype), of_gamma, of_beta


def _count(x: tf.Tensor) -> tf.Tensor:
    """How many values each channel has."""
    return tf.cast(tf.size(x) // x.shape[-1], tf.float32)


# TensorFlow 2.21 has no such gradient. A later version that has one refuses this registration.
with contextlib.suppress(KeyError):
    tf.RegisterGradient("FusedBatchNormGradV3")(_gradient_of_gradient)
