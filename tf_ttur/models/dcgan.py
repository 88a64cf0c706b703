"""The DCGAN of Radford et al. 2016 as the TTUR experiments use it.

It has 5x5 kernels and four strided layers.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds
from tf_ttur.models.layers import BatchNorm

_STDDEV = 0.02  # of all initial kernels


class Generator(keras.Model):
    """Latents (n, latent_size) to images (n, size, size, channels) in -1 ... 1.

    Args:
      size: side of the images in pixels, a multiple of 16.
      width: channels of the last hidden layer; the first has 8 times as many.
      momentum: of the batch norm's moving averages.
      seed: of the initial weights.
      channels: of the images.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self,
        size: int,
        width: int = 64,
        momentum: float = 0.9,
        seed: int = 0,
        channels: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        side = size // 16
        self._start = (side, side, 8 * width)
        seeds = Seeds(seed)
        outputs = (4 * width, 2 * width, width, channels)
        self.dense = keras.layers.Dense(side * side * 8 * width, kernel_initializer=_normal(seeds))
        self.convolutions = [
            keras.layers.Conv2DTranspose(count, 5, 2, "same", kernel_initializer=_normal(seeds))
            for count in outputs
        ]
        self.norms = [BatchNorm(momentum) for _ in outputs]

    def call(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = tf.reshape(self.dense(latents), (-1, *self._start))
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = convolution(tf.nn.relu(norm(x, training=training)))
        return tf.cast(tf.tanh(x), tf.float32)


class Discriminator(keras.Model):
    """Images (n, size, size, channels) to logits (n,), large for real ones.

    It runs in training mode only, as in the original.

    Args:
      width: channels of the first layer; the last has 8 times as many.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(self, width: int = 64, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        channels = (width, 2 * width, 4 * width, 8 * width)
        self.convolutions = [
            keras.layers.Conv2D(count, 5, 2, "same", kernel_initializer=_truncated(seeds))
            for count in channels
        ]
        self.norms = [None] + [BatchNorm() for _ in channels[1:]]
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(1, kernel_initializer=_normal(seeds))

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = images
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = convolution(x)
            if norm is not None:
                x = norm(x, training=training)
            x = tf.nn.leaky_relu(x, 0.2)
        return tf.cast(self.dense(self.flatten(x))[:, 0], tf.float32)


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    momentum = model.batch_norm_momentum
    return Generator(shape[0], model.width, momentum, seed=seed, channels=shape[-1], name=name)


def build_discriminator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The discriminator of a config, a `models.Build`."""
    return Discriminator(model.width, seed=seed, name=name)


def _normal(seeds: Seeds) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0, _STDDEV, seeds())


def _truncated(seeds: Seeds) -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(0, _STDDEV, seeds())
