"""Layers that the networks share."""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models import fused


class BatchNorm(keras.layers.Layer):
    """Batch norm over all replicas (Ioffe and Szegedy 2015).

    The constants are those of the original TTUR code. The layer normalises the last axis by the
    mean and the biased variance over all other axes of the *global* batch. The moments are averaged
    over the replicas, so the result does not depend on how the batch is divided.

    Args:
      momentum: of the moving averages for inference; None keeps none, for a network that is only
        run in training mode.
      epsilon: added to the variance.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, momentum: float | None = None, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.gamma, self.beta = _scale_and_offset(self, input_shape)
        if self.momentum is not None:
            self.moving_mean = self._moving_average("moving_mean", "zeros", input_shape)
            self.moving_variance = self._moving_average("moving_variance", "ones", input_shape)

    def call(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        if not training:
            return self._normalise_by_averages(inputs)
        if fused.is_used() and inputs.shape.rank == 4 and _replicas() == 1:
            outputs, mean, variance = fused.batch_norm(inputs, self.gamma, self.beta, self.epsilon)
        else:
            mean, variance = self._moments(inputs)
            scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
            outputs = _transform(inputs, mean, scale, self.beta)
        if self.momentum is not None:
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        return outputs

    def _normalise_by_averages(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.momentum is None:
            raise ValueError(f"{self.name} keeps no moving averages and runs in training mode only")
        scale = self.gamma * tf.math.rsqrt(self.moving_variance + self.epsilon)
        return _transform(inputs, self.moving_mean, scale, self.beta)

    def _moving_average(
        self, name: str, initializer: str, input_shape: tuple[int | None, ...]
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            initializer=initializer,
            shape=input_shape[-1:],
            trainable=False,
            aggregation="only_first_replica",  # all replicas hold the same value
            autocast=False,  # averages of many small steps need float32
        )

    def _moments(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and variance of the global batch, float32."""
        axes = list(range(inputs.shape.rank - 1))
        values = tf.cast(inputs, tf.float32)
        moments = tf.stack([tf.reduce_mean(values, axes), tf.reduce_mean(tf.square(values), axes)])
        if _replicas() > 1:
            replica = tf.distribute.get_replica_context()
            moments = replica.all_reduce(tf.distribute.ReduceOp.MEAN, moments)
        return moments[0], tf.nn.relu(moments[1] - tf.square(moments[0]))

    def _move(self, average: keras.Variable, value: tf.Tensor) -> None:
        average.assign(value + self.momentum * (average - value))


class LayerNorm(keras.layers.Layer):
    """Layer norm (Ba et al. 2016) over all axes but the first.

    There is one scale and one offset per channel.

    Args:
      epsilon: added to the variance.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.gamma, self.beta = _scale_and_offset(self, input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        axes = list(range(1, inputs.shape.rank))
        # As the original: the mean is held fixed inside the variance, so the gradient penalty, a
        # second derivative, lacks a term that other formulas have. `tf.nn.moments` did the same up
        # to TensorFlow 2.21; that of 2.22 does not.
        values = tf.cast(inputs, tf.float32)
        mean = tf.reduce_mean(values, axes, keepdims=True)
        differences = tf.math.squared_difference(values, tf.stop_gradient(mean))
        variance = tf.reduce_mean(differences, axes, keepdims=True)
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return _transform(inputs, mean, scale, self.beta)


def double(x: tf.Tensor) -> tf.Tensor:
    """Repeats each pixel in both directions: (n, h, w, channels) to (n, 2h, 2w, channels).

    `tf.repeat` gives the same values, but loses the static shape, without which TFLite cannot
    convert the next convolution.
    """
    _, height, width, channels = x.shape
    rows = tf.reshape(x, (-1, height, 1, width * channels))
    x = tf.reshape(tf.tile(rows, (1, 1, 2, 1)), (-1, 2 * height * width, 1, channels))
    return tf.reshape(tf.tile(x, (1, 1, 2, 1)), (-1, 2 * height, 2 * width, channels))


def halve(x: tf.Tensor) -> tf.Tensor:
    """The means of squares of four pixels: (n, 2h, 2w, channels) to (n, h, w, channels)."""
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def _replicas() -> int:
    """How many replicas compute together here; 1 outside of a distribution strategy."""
    replica = tf.distribute.get_replica_context()
    return 1 if replica is None else replica.num_replicas_in_sync


def _scale_and_offset(
    layer: keras.layers.Layer, input_shape: tuple[int | None, ...]
) -> tuple[keras.Variable, keras.Variable]:
    """gamma and beta of the last axis, which stay float32 in a layer that computes in bfloat16."""
    shape = input_shape[-1:]
    gamma = layer.add_weight(name="gamma", shape=shape, initializer="ones", autocast=False)
    beta = layer.add_weight(name="beta", shape=shape, initializer="zeros", autocast=False)
    return gamma, beta


def _transform(inputs: tf.Tensor, mean: tf.Tensor, scale: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """scale (inputs - mean) + beta, in the inputs' precision.

    The order of the operations decides the last bits of the gradients, and so those of a run.
    """
    return inputs * tf.cast(scale, inputs.dtype) + tf.cast(beta - mean * scale, inputs.dtype)
