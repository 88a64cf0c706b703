"""The networks of BEGAN (Berthelot et al. 2017).

The generator is a decoder, the discriminator an auto-encoder.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds
from tf_ttur.models.layers import double


class Generator(keras.Model):
    """Latents (n, latent_size) to images (n, size, size, channels) of any value.

    Real images lie in -1 ... 1; nothing limits the generated ones.

    Args:
      size: side of the images in pixels, 8 times a power of two.
      width: channels of every hidden layer.
      seed: of the initial weights.
      channels: of the images.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self, size: int, width: int = 128, seed: int = 0, channels: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.decoder = Decoder(size, width, Seeds(seed), channels)

    def call(self, latents: tf.Tensor, training: bool = True) -> tf.Tensor:
        return tf.cast(self.decoder(latents), tf.float32)


class Discriminator(keras.Model):
    """Images (n, size, size, channels) to the mean absolute errors of their reconstruction, (n,).

    The errors are small for real images.

    Args:
      size: side of the images in pixels, 8 times a power of two.
      width: channels of the first stage; stage k has k times as many.
      code_size: of the code between encoder and decoder.
      seed: of the initial weights.
      channels: of the images.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self,
        size: int,
        width: int = 128,
        code_size: int = 64,
        seed: int = 0,
        channels: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        stages = _num_stages(size)
        self.convolutions = [_convolution(width, seeds)]
        for stage in range(1, stages + 1):
            self.convolutions.append(_convolution(stage * width, seeds))
            self.convolutions.append(_convolution(stage * width, seeds))
            if stage < stages:
                self.convolutions.append(_convolution(stage * width, seeds, stride=2))
        self.flatten = keras.layers.Flatten()
        self.dense = _dense(code_size, seeds)
        self.decoder = Decoder(size, width, seeds, channels)

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        errors = tf.abs(self.reconstruct(images) - tf.cast(images, tf.float32))
        return tf.reduce_mean(errors, axis=(1, 2, 3))

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """The auto-encoder's output, of the images' shape, float32."""
        x = images
        for convolution in self.convolutions:
            x = tf.nn.elu(convolution(x))
        return tf.cast(self.decoder(self.dense(self.flatten(x))), tf.float32)


class Decoder(keras.layers.Layer):
    """Codes (n, code_size) to images (n, size, size, channels).

    There are two convolutions per stage; each stage has twice the resolution of the one before.

    Args:
      size: side of the images in pixels, 8 times a power of two.
      width: channels of every hidden layer.
      seeds: of the initial weights.
      channels: of the images.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self, size: int, width: int, seeds: Seeds, channels: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._width = width
        self.dense = _dense(8 * 8 * width, seeds)
        self.stages = [
            [_convolution(width, seeds), _convolution(width, seeds)]
            for _ in range(_num_stages(size))
        ]
        self.last = _convolution(channels, seeds)

    def call(self, codes: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(self.dense(codes), (-1, 8, 8, self._width))
        for number, convolutions in enumerate(self.stages):
            if number:
                x = double(x)
            for convolution in convolutions:
                x = tf.nn.elu(convolution(x))
        return self.last(x)


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    return Generator(shape[0], model.width, seed=seed, channels=shape[-1], name=name)


def build_discriminator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The discriminator of a config, a `models.Build`."""
    width = model.width
    return Discriminator(shape[0], width, latent_size, seed=seed, channels=shape[-1], name=name)


def _num_stages(size: int) -> int:
    """The number of stages from 8x8 to the full size."""
    return (size // 8).bit_length()


def _convolution(channels: int, seeds: Seeds, stride: int = 1) -> keras.layers.Layer:
    # Glorot's uniform weights were the default of the original's layers.
    return keras.layers.Conv2D(
        channels, 3, stride, "same", kernel_initializer=keras.initializers.GlorotUniform(seeds())
    )


def _dense(units: int, seeds: Seeds) -> keras.layers.Layer:
    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seeds()))
