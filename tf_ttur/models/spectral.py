"""Layers whose weights are divided by their spectral norm (Miyato et al. 2018)."""

from typing import Any

import keras
import tensorflow as tf


def normalize(kernel: tf.Tensor, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of the power method, and the kernel divided by the norm that follows from it.

    The gradient passes through the norm, with both singular vectors taken as constants (Miyato et
    al. 2018, eq. 12 and algorithm 1).

    Args:
      kernel: float32 (..., outputs), seen as a matrix of `outputs` columns.
      vector: float32 (outputs,), the estimate of its first right singular vector so far.

    Returns:
      (the normalised kernel, the next estimate).
    """
    matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
    constant = tf.stop_gradient(matrix)
    left = tf.math.l2_normalize(tf.linalg.matvec(constant, vector), epsilon=1e-12)
    right = tf.math.l2_normalize(tf.linalg.matvec(constant, left, transpose_a=True), epsilon=1e-12)
    norm = tf.reduce_sum(left * tf.linalg.matvec(matrix, right))
    return kernel / norm, right


class _Spectral(keras.layers.Layer):
    """A kernel and a bias; each call in training mode makes one step of the power method.

    Args:
      shape: of the kernel.
      initializer: of the kernel.
      seed: of the first estimate of its singular vector.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: keras.initializers.Initializer,
        seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        outputs = shape[-1]
        # Float32 also in a layer that computes in bfloat16: the norm is a quotient.
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=initializer, autocast=False
        )
        self.bias = self.add_weight(name="bias", shape=(outputs,), initializer="zeros")
        self.vector = self.add_weight(
            name="vector",
            shape=(outputs,),
            initializer=keras.initializers.RandomNormal(seed=seed),
            trainable=False,
            aggregation="only_first_replica",  # all replicas hold the same value
            autocast=False,
        )

    def _normalized(self, training: bool) -> tf.Tensor:
        kernel, vector = normalize(self.kernel.value, self.vector.value)
        if training:
            self.vector.assign(vector)
        return tf.cast(kernel, self.compute_dtype)


class SpectralConv2D(_Spectral):
    """A convolution with stride 1: (n, height, width, inputs) to (n, height, width, outputs).

    Args:
      inputs, outputs: channels.
      size: side of the kernel.
      initializer: of the kernel.
      seed: of the first estimate of its singular vector.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        initializer: keras.initializers.Initializer,
        seed: int,
    ) -> None:
        super().__init__((size, size, inputs, outputs), initializer, seed)

    def call(self, x: tf.Tensor, training: bool = True) -> tf.Tensor:
        return tf.nn.conv2d(x, self._normalized(training), 1, "SAME") + self.bias


class SpectralDense(_Spectral):
    """A dense layer: (n, inputs) to (n, outputs).

    Args:
      inputs, outputs: numbers of an example before and after it.
      initializer: of the kernel.
      seed: of the first estimate of its singular vector.
    """

    def __init__(
        self, inputs: int, outputs: int, initializer: keras.initializers.Initializer, seed: int
    ) -> None:
        super().__init__((inputs, outputs), initializer, seed)

    def call(self, x: tf.Tensor, training: bool = True) -> tf.Tensor:
        return tf.matmul(x, self._normalized(training)) + self.bias
