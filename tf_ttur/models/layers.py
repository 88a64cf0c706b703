"""Layers that the networks share."""

import keras
import tensorflow as tf


class BatchNorm(keras.layers.Layer):
    """Batch norm over all replicas (Ioffe and Szegedy 2015), with the constants of the original TTUR code.

    Normalises the last axis by the mean and the biased variance over all other axes of the *global* batch: the moments
    are averaged over the replicas, so that how the batch is divided does not change the result.

    Args:
      momentum: of the moving averages for inference; None keeps none, for a network that is only run in training mode.
      epsilon: added to the variance.
    """

    def __init__(self, momentum=None, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        if self.momentum is not None:
            moving = dict(shape=shape, trainable=False, aggregation="only_first_replica")  # all replicas have the same
            self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **moving)
            self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **moving)

    def call(self, inputs, training):
        if training:
            axes = list(range(inputs.shape.rank - 1))
            statistics = tf.cast(inputs, tf.float32)
            moments = tf.stack([tf.reduce_mean(statistics, axes), tf.reduce_mean(tf.square(statistics), axes)])
            replica = tf.distribute.get_replica_context()
            if replica is not None and replica.num_replicas_in_sync > 1:
                moments = replica.all_reduce(tf.distribute.ReduceOp.MEAN, moments)
            mean, variance = moments[0], tf.nn.relu(moments[1] - tf.square(moments[0]))
            if self.momentum is not None:
                self.moving_mean.assign(mean + self.momentum * (self.moving_mean - mean))
                self.moving_variance.assign(variance + self.momentum * (self.moving_variance - variance))
        elif self.momentum is None:
            raise ValueError(f"{self.name} keeps no moving averages and runs in training mode only")
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * tf.cast(scale, inputs.dtype) + tf.cast(self.beta - mean * scale, inputs.dtype)
