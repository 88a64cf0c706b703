"""The DCGAN of Radford et al. 2016 as the TTUR experiments use it (5x5 kernels, four strided
layers).
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds
from tf_ttur.models.layers import BatchNorm

_NORMAL = keras.initializers.RandomNormal
_TRUNCATED = keras.initializers.TruncatedNormal


class Generator(keras.Model):
    """Latents (n, latent_size) to images (n, size, size, 3) in -1 ... 1.

    Args:
      size: side of the images in pixels, a multiple of 16.
      width: channels of the last hidden layer; the first has 8 times as many.
      momentum: of the batch norm's moving averages.
      seed: of the initial weights.
    """

    def __init__(self, size, width=64, momentum=0.9, seed=0, **kwargs):
        super().__init__(**kwargs)
        self._start = (size // 16, size // 16, 8 * width)
        seeds = Seeds(seed)
        channels = (4 * width, 2 * width, width, 3)
        self.dense = keras.layers.Dense(
            self._start[0] * self._start[1] * self._start[2],
            kernel_initializer=_NORMAL(0, 0.02, seeds()),
        )
        self.convolutions = [
            keras.layers.Conv2DTranspose(
                c, 5, 2, "same", kernel_initializer=_NORMAL(0, 0.02, seeds())
            )
            for c in channels
        ]
        self.norms = [BatchNorm(momentum) for _ in channels]

    def call(self, latents, training=False):
        x = tf.reshape(self.dense(latents), (-1, *self._start))
        for norm, convolution in zip(self.norms, self.convolutions):
            x = convolution(tf.nn.relu(norm(x, training=training)))
        return tf.cast(tf.tanh(x), tf.float32)


class Discriminator(keras.Model):
    """Images (n, size, size, 3) to logits (n,): large for real ones. Runs in training mode only, as
    in the original.

    Args:
      width: channels of the first layer; the last has 8 times as many.
      seed: of the initial weights.
    """

    def __init__(self, width=64, seed=0, **kwargs):
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        channels = (width, 2 * width, 4 * width, 8 * width)
        self.convolutions = [
            keras.layers.Conv2D(c, 5, 2, "same", kernel_initializer=_TRUNCATED(0, 0.02, seeds()))
            for c in channels
        ]
        self.norms = [None] + [BatchNorm() for _ in channels[1:]]
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(1, kernel_initializer=_NORMAL(0, 0.02, seeds()))

    def call(self, images, training=True):
        x = images
        for norm, convolution in zip(self.norms, self.convolutions):
            x = convolution(x)
            x = tf.nn.leaky_relu(x if norm is None else norm(x, training=training), 0.2)
        return tf.cast(self.dense(self.flatten(x))[:, 0], tf.float32)


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    return Generator(shape[0], model.width, model.batch_norm_momentum, seed=seed, name=name)


def build_discriminator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The discriminator of a config, a `models.Build`."""
    return Discriminator(model.width, seed=seed, name=name)
