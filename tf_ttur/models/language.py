"""The residual networks of WGAN-GP for lines of characters (Gulrajani et al. 2017).

They are built as in the TTUR experiments. A line is a sequence of one-hot vectors. The generator
gives a distribution over the symbols for each position.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds, Uniform

# Gains of the initial weights.
_LINEAR = 2
_HE = 4

_BLOCKS = 5  # residual blocks
_KERNEL = 5  # characters that a convolution of a block sees
_SHARE = 0.3  # weight of a block's branch


class Generator(keras.Model):
    """Latents (n, latent_size) to probabilities (n, length, symbols).

    Args:
      length: characters of a line.
      symbols: size of the vocabulary.
      width: channels.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self, length: int, symbols: int, width: int = 512, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._start = (length, width)
        seeds = Seeds(seed)
        self.dense = keras.layers.Dense(
            length * width, kernel_initializer=Uniform(_LINEAR, seeds())
        )
        self.blocks = [Block(width, seeds) for _ in range(_BLOCKS)]
        self.convolution = _convolution(symbols, 1, seeds)

    def call(self, latents: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = tf.reshape(self.dense(latents), (-1, *self._start))
        for block in self.blocks:
            x = block(x)
        return tf.nn.softmax(tf.cast(self.convolution(x), tf.float32))


class Critic(keras.Model):
    """Distributions over symbols (n, length, symbols) to scores (n,), large for real lines.

    Args:
      width: channels.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(self, width: int = 512, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        seeds = Seeds(seed)
        self.convolution = _convolution(width, 1, seeds)
        self.blocks = [Block(width, seeds) for _ in range(_BLOCKS)]
        self.dense = keras.layers.Dense(1, kernel_initializer=Uniform(_LINEAR, seeds()))

    def call(self, lines: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = self.convolution(lines)
        for block in self.blocks:
            x = block(x)
        features = x.shape[1] * x.shape[2]
        return tf.cast(self.dense(tf.reshape(x, (-1, features)))[:, 0], tf.float32)


class Block(keras.layers.Layer):
    """Residual block without normalisation: (n, length, width) to the same shape.

    Args:
      width: channels.
      seeds: of the initial weights.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, width: int, seeds: Seeds, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.convolutions = [_convolution(width, _KERNEL, seeds) for _ in range(2)]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = x
        for convolution in self.convolutions:
            y = convolution(tf.nn.relu(y))
        return x + tf.cast(_SHARE, x.dtype) * y


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    length, symbols = shape
    return Generator(length, symbols, model.width, seed=seed, name=name)


def build_critic(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The critic of a config, a `models.Build`."""
    return Critic(model.width, seed=seed, name=name)


def _convolution(channels: int, kernel: int, seeds: Seeds) -> keras.layers.Layer:
    return keras.layers.Conv1D(
        channels, kernel, padding="same", kernel_initializer=Uniform(_HE, seeds())
    )
