"""Keras' optimizers with one TensorFlow operation for each variable that they move.

Keras builds an Adam step from about twenty operations per variable. On small networks, and on every
GPU, starting them takes longer than their arithmetic. The step, the variables and a checkpoint are
those of Keras; only the last bits of a result may differ.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class _FusedMoments:
    """Adam's step with `ResourceApplyAdam`, for subclasses of `keras.optimizers.Adam`."""

    iterations: Any
    beta_1: float
    beta_2: float
    epsilon: float
    _powers: tuple[tf.Tensor, tf.Tensor]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Moves the variables, as `keras.optimizers.Optimizer.apply`."""
        step = tf.cast(self.iterations + 1, tf.float32)
        self._powers = (tf.pow(self.beta_1, step), tf.pow(self.beta_2, step))
        super().apply(grads, trainable_variables)  # type: ignore[misc]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable of one device; `apply` calls it."""
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        momentum = self._momentums[index].value  # type: ignore[attr-defined]
        velocity = self._velocities[index].value  # type: ignore[attr-defined]
        dtype = variable.dtype
        first, second = self._powers
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.handle,
            v=velocity.handle,
            beta1_power=tf.cast(first, dtype),
            beta2_power=tf.cast(second, dtype),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.constant(self.beta_1, dtype),
            beta2=tf.constant(self.beta_2, dtype),
            epsilon=tf.constant(self.epsilon, dtype),
            grad=_dense(gradient, dtype),
        )


class FusedAdam(_FusedMoments, keras.optimizers.Adam):
    """`keras.optimizers.Adam` without `amsgrad`."""


class FusedAdamW(_FusedMoments, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` without `amsgrad`."""


class FusedSGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD`."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable of one device; `apply` calls it."""
        dtype = variable.dtype
        rate = tf.cast(learning_rate, dtype)
        gradient = _dense(gradient, dtype)
        if not self.momentum:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
            return
        accumulator = self.momentums[self._get_variable_index(variable)].value
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=accumulator.handle,
            lr=rate,
            grad=gradient,
            momentum=tf.constant(self.momentum, dtype),
            use_nesterov=self.nesterov,
        )


def _dense(gradient: Any, dtype: tf.DType) -> tf.Tensor:
    """A gradient as a tensor, also that of an embedding, which is given as slices."""
    return tf.cast(tf.convert_to_tensor(gradient), dtype)
