"""The residual networks of SNGAN for small images (Miyato et al. 2018, table 4).

The discriminator's weights are divided by their spectral norm. The generator changes the resolution
by a factor of two in each of three residual blocks.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds, Uniform
from tf_ttur.models.layers import BatchNorm, double, halve
from tf_ttur.models.spectral import SpectralConv2D, SpectralDense

# Gains of the initial weights.
_LINEAR = 2  # Glorot and Bengio 2010
_RESIDUAL = 4  # of the two convolutions of a block

_MOMENTUM = 0.9  # of the batch norm's moving averages


class Generator(keras.Model):
    """Latents (n, latent_size) to images (n, size, size, channels) in -1 ... 1.

    Args:
      size: side of the images in pixels, a multiple of 8.
      width: of the discriminator; every layer here has twice as many channels.
      channels: of the images.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self, size: int, width: int = 128, channels: int = 3, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        side = size // 8
        self._start = (side, side, 2 * width)
        self.dense = keras.layers.Dense(
            side * side * 2 * width, kernel_initializer=Uniform(_LINEAR, seeds())
        )
        self.blocks = [Up(2 * width, seeds) for _ in range(3)]
        self.norm = BatchNorm(_MOMENTUM)
        self.convolution = _convolution(channels, 3, _LINEAR, seeds)

    def call(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = tf.reshape(self.dense(latents), (-1, *self._start))
        for block in self.blocks:
            x = block(x, training=training)
        x = self.convolution(tf.nn.relu(self.norm(x, training=training)))
        return tf.cast(tf.tanh(x), tf.float32)


class Discriminator(keras.Model):
    """Images (n, size, size, channels) to logits (n,), large for real ones.

    Args:
      width: channels of every layer.
      channels: of the images.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(self, width: int = 128, channels: int = 3, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        self.blocks = [
            Down(channels, width, seeds, halves=True, is_first=True),
            Down(width, width, seeds, halves=True),
            Down(width, width, seeds),
            Down(width, width, seeds),
        ]
        self.dense = SpectralDense(width, 1, Uniform(_LINEAR, seeds()), seeds())

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = tf.cast(images, self.compute_dtype)
        for block in self.blocks:
            x = block(x, training=training)
        x = tf.reduce_sum(tf.nn.relu(x), (1, 2))
        return tf.cast(self.dense(x, training=training)[:, 0], tf.float32)


class Up(keras.layers.Layer):
    """Residual block that doubles the resolution: (n, h, w, channels) to (n, 2h, 2w, channels).

    Args:
      channels: before and after it.
      seeds: of the initial weights.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, channels: int, seeds: Seeds, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norms = [BatchNorm(_MOMENTUM), BatchNorm(_MOMENTUM)]
        self.first = _convolution(channels, 3, _RESIDUAL, seeds)
        self.second = _convolution(channels, 3, _RESIDUAL, seeds)
        self.shortcut = _convolution(channels, 1, _LINEAR, seeds)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        y = self.first(double(tf.nn.relu(self.norms[0](x, training=training))))
        y = self.second(tf.nn.relu(self.norms[1](y, training=training)))
        return self.shortcut(double(x)) + y


class Down(keras.layers.Layer):
    """Residual block of the discriminator: (n, h, w, inputs) to (n, h', w', outputs).

    Args:
      inputs, outputs: channels.
      seeds: of the initial weights.
      halves: whether it halves the resolution.
      is_first: whether it is the block of the image, which begins without a rectifier.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        seeds: Seeds,
        halves: bool = False,
        is_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._halves = halves
        self._is_first = is_first
        self.first = SpectralConv2D(inputs, outputs, 3, Uniform(_RESIDUAL, seeds()), seeds())
        self.second = SpectralConv2D(outputs, outputs, 3, Uniform(_RESIDUAL, seeds()), seeds())
        self.shortcut: SpectralConv2D | None = None
        if halves or inputs != outputs:
            self.shortcut = SpectralConv2D(inputs, outputs, 1, Uniform(_LINEAR, seeds()), seeds())

    def call(self, x: tf.Tensor, training: bool = True) -> tf.Tensor:
        y = self.first(x if self._is_first else tf.nn.relu(x), training=training)
        y = self.second(tf.nn.relu(y), training=training)
        if self.shortcut is not None:
            # A 1x1 convolution of means is the mean of 1x1 convolutions: four times cheaper.
            x = self.shortcut(halve(x) if self._halves else x, training=training)
        return x + (halve(y) if self._halves else y)


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    return Generator(shape[0], model.width, shape[-1], seed=seed, name=name)


def build_discriminator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The discriminator of a config, a `models.Build`."""
    return Discriminator(model.width, shape[-1], seed=seed, name=name)


def _convolution(channels: int, kernel: int, gain: float, seeds: Seeds) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        channels, kernel, padding="same", kernel_initializer=Uniform(gain, seeds())
    )
