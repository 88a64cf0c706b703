"""The two networks that a config names, with their initial weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.data import KINDS
from tf_ttur.models import ARCHITECTURES
from tf_ttur.registry import load
from tf_ttur.training import randomness
from tf_ttur.training.randomness import Purpose


def build_generator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The generator.

    Args:
      config: the validated config.
      symbols: size of the vocabulary where it makes lines.
    """
    architecture = ARCHITECTURES.find(config.model.architecture)
    seed = randomness.integer(config.seed, Purpose.GENERATOR_WEIGHTS)
    build = load(architecture.generator)
    with _precision(config.model.precision):
        shape = example_shape(config, symbols)
        generator = build(shape, config.model, config.latent.size, seed, "generator")
        generator(tf.zeros((1, config.latent.size)), training=False)  # makes the variables
    return generator


def build_discriminator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The discriminator, or critic; arguments as of `build_generator`."""
    architecture = ARCHITECTURES.find(config.model.architecture)
    seed = randomness.integer(config.seed, Purpose.DISCRIMINATOR_WEIGHTS)
    build = load(architecture.discriminator)
    with _precision(config.model.precision):
        shape = example_shape(config, symbols)
        discriminator = build(shape, config.model, config.latent.size, seed, "discriminator")
        discriminator(
            tf.zeros((2 * config.model.samples_per_score, *shape)), training=True
        )  # makes the variables
    return discriminator


def example_shape(config: ConfigDict, symbols: int = 0) -> tuple[int, ...]:
    """The shape of one example: (height, width, 3), or (length, symbols) where `symbols` is the
    size of the vocabulary.
    """
    kind = KINDS[ARCHITECTURES.find(config.model.architecture).learns]
    return kind.shape(config.data, symbols)


@contextlib.contextmanager
def _precision(name: str) -> Iterator[None]:
    """Layers made in the block compute in this precision; their weights are float32 in any case."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if name == "float32" else f"mixed_{name}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
