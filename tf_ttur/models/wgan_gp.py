"""The residual networks of WGAN-GP for images (Gulrajani et al. 2017).

They are built as in the TTUR experiments. Four residual blocks change the resolution by a factor of
two each. The generator normalises by the statistics of the batch, in training and for samples. The
critic normalises each image by itself.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ttur.models.initializers import Seeds, Uniform
from tf_ttur.models.layers import BatchNorm, LayerNorm, double, halve

# Gains of the initial weights.
_LINEAR = 2
_HE = 4


class Generator(keras.Model):
    """Latents (n, latent_size) to images (n, size, size, channels) in -1 ... 1.

    An image depends on all latents of its batch, through the statistics of the batch. Draw samples
    in batches of the size that the protocol names (1000 for the FID).

    Args:
      size: side of the images in pixels, a multiple of 16.
      width: channels of the last hidden layer; the first has 8 times as many.
      seed: of the initial weights.
      channels: of the images.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self, size: int, width: int = 64, seed: int = 0, channels: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        side = size // 16
        self._start = (side, side, 8 * width)
        seeds = Seeds(seed)
        self.dense = keras.layers.Dense(
            side * side * 8 * width, kernel_initializer=Uniform(_LINEAR, seeds())
        )
        self.blocks = [
            Up(8 * width, 8 * width, seeds),
            Up(8 * width, 4 * width, seeds),
            Up(4 * width, 2 * width, seeds),
            Up(2 * width, width, seeds),
        ]
        self.norm = BatchNorm()
        self.convolution = _convolution(channels, 3, _HE, seeds)

    def call(self, latents: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = tf.reshape(self.dense(latents), (-1, *self._start))
        for block in self.blocks:
            x = block(x)
        images = tf.tanh(self.convolution(tf.nn.relu(self.norm(x, training=True))))
        return tf.cast(images, tf.float32)


class Critic(keras.Model):
    """Images (n, size, size, channels) to scores (n / samples_per_score,), large for real ones.

    Args:
      width: channels of the first layer; the last has 8 times as many.
      samples_per_score: neighbours in the batch that are scored together. The published code, when
        it runs at 32x32, reshapes the last maps for 64x64 images, and so scores four images at a
        time.
      seed: of the initial weights.
      **kwargs: of `keras.Model`.
    """

    def __init__(
        self, width: int = 64, samples_per_score: int = 1, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._samples_per_score = samples_per_score
        seeds = Seeds(seed)
        self.convolution = _convolution(width, 3, _LINEAR, seeds)
        self.blocks = [
            Down(width, 2 * width, seeds),
            Down(2 * width, 4 * width, seeds),
            Down(4 * width, 8 * width, seeds),
            Down(8 * width, 8 * width, seeds),
        ]
        self.dense = keras.layers.Dense(1, kernel_initializer=Uniform(_LINEAR, seeds()))

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        x = self.convolution(images)
        for block in self.blocks:
            x = block(x)
        features = self._samples_per_score * x.shape[1] * x.shape[2] * x.shape[3]
        return tf.cast(self.dense(tf.reshape(x, (-1, features)))[:, 0], tf.float32)


class Up(keras.layers.Layer):
    """Residual block that doubles the resolution: (n, h, w, inputs) to (n, 2h, 2w, outputs).

    Args:
      inputs, outputs: channels.
      seeds: of the initial weights.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, inputs: int, outputs: int, seeds: Seeds, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norms = [BatchNorm(), BatchNorm()]
        self.shortcut = _convolution(outputs, 1, _LINEAR, seeds)
        self.first = _convolution(outputs, 3, _HE, seeds, use_bias=False)
        self.second = _convolution(outputs, 3, _HE, seeds)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = self.first(double(tf.nn.relu(self.norms[0](x, training=True))))
        y = self.second(tf.nn.relu(self.norms[1](y, training=True)))
        return self.shortcut(double(x)) + y


class Down(keras.layers.Layer):
    """Residual block that halves the resolution: (n, h, w, inputs) to (n, h/2, w/2, outputs).

    Args:
      inputs, outputs: channels.
      seeds: of the initial weights.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, inputs: int, outputs: int, seeds: Seeds, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norms = [LayerNorm(), LayerNorm()]
        self.shortcut = _convolution(outputs, 1, _LINEAR, seeds)
        self.first = _convolution(inputs, 3, _HE, seeds, use_bias=False)
        self.second = _convolution(outputs, 3, _HE, seeds)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = self.first(tf.nn.relu(self.norms[0](x)))
        y = halve(self.second(tf.nn.relu(self.norms[1](y))))
        return self.shortcut(halve(x)) + y


def build_generator(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The generator of a config, a `models.Build`."""
    return Generator(shape[0], model.width, seed=seed, channels=shape[-1], name=name)


def build_critic(
    shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
) -> keras.Model:
    """The critic of a config, a `models.Build`."""
    return Critic(model.width, model.samples_per_score, seed=seed, name=name)


def _convolution(
    channels: int, kernel: int, gain: float, seeds: Seeds, use_bias: bool = True
) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        channels,
        kernel,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=Uniform(gain, seeds()),
    )
