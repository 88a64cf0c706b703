"""Layers that the networks share."""

import keras
import tensorflow as tf


class BatchNorm(keras.layers.Layer):
    """Batch norm over all replicas (Ioffe and Szegedy 2015), with the constants of the original
    TTUR code.

    Normalises the last axis by the mean and the biased variance over all other axes of the *global*
    batch: the moments are averaged over the replicas, so that how the batch is divided does not
    change the result.

    Args:
      momentum: of the moving averages for inference; None keeps none, for a network that is only
        run in training mode.
      epsilon: added to the variance.
    """

    def __init__(self, momentum=None, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, input_shape):
        self.gamma, self.beta = _scale_and_offset(self, input_shape)
        if self.momentum is not None:
            # All replicas have the same. Averages of many small steps need float32 (autocast would
            # round them).
            moving = dict(
                shape=input_shape[-1:],
                trainable=False,
                aggregation="only_first_replica",
                autocast=False,
            )
            self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **moving)
            self.moving_variance = self.add_weight(
                name="moving_variance", initializer="ones", **moving
            )

    def call(self, inputs, training):
        if training:
            axes = list(range(inputs.shape.rank - 1))
            statistics = tf.cast(inputs, tf.float32)
            moments = tf.stack(
                [tf.reduce_mean(statistics, axes), tf.reduce_mean(tf.square(statistics), axes)]
            )
            replica = tf.distribute.get_replica_context()
            if replica is not None and replica.num_replicas_in_sync > 1:
                moments = replica.all_reduce(tf.distribute.ReduceOp.MEAN, moments)
            mean, variance = moments[0], tf.nn.relu(moments[1] - tf.square(moments[0]))
            if self.momentum is not None:
                self.moving_mean.assign(mean + self.momentum * (self.moving_mean - mean))
                self.moving_variance.assign(
                    variance + self.momentum * (self.moving_variance - variance)
                )
        elif self.momentum is None:
            raise ValueError(f"{self.name} keeps no moving averages and runs in training mode only")
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * tf.cast(scale, inputs.dtype) + tf.cast(
            self.beta - mean * scale, inputs.dtype
        )


class LayerNorm(keras.layers.Layer):
    """Layer norm (Ba et al. 2016) over all axes but the first, with one scale and one offset a
    channel.

    Args:
      epsilon: added to the variance.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.gamma, self.beta = _scale_and_offset(self, input_shape)

    def call(self, inputs):
        axes = list(range(1, inputs.shape.rank))
        mean, variance = tf.nn.moments(tf.cast(inputs, tf.float32), axes, keepdims=True)
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * tf.cast(scale, inputs.dtype) + tf.cast(
            self.beta - mean * scale, inputs.dtype
        )


def _scale_and_offset(layer, input_shape):
    """gamma and beta of the last axis, which stay float32 in a layer that computes in bfloat16."""
    shape = input_shape[-1:]
    return (
        layer.add_weight(name="gamma", shape=shape, initializer="ones", autocast=False),
        layer.add_weight(name="beta", shape=shape, initializer="zeros", autocast=False),
    )
