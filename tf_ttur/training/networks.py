"""The two networks that a config names, with their initial weights."""

import contextlib

import keras
import tensorflow as tf

from tf_ttur.models import began, dcgan, language, wgan_gp
from tf_ttur.training import randomness
from tf_ttur.training.randomness import Purpose


def build_generator(config, symbols=0):
    """The generator; `symbols` is the size of the vocabulary where it makes lines."""
    model, size = config.model, config.data.image_size
    common = {"seed": randomness.integer(config.seed, Purpose.GENERATOR_WEIGHTS), "name": "generator"}
    with _precision(model.precision):
        match model.architecture:
            case "dcgan":
                generator = dcgan.Generator(size, model.width, model.batch_norm_momentum, **common)
            case "wgan_gp":
                generator = wgan_gp.Generator(size, model.width, **common)
            case "language":
                generator = language.Generator(config.data.line_length, symbols, model.width, **common)
            case "began":
                generator = began.Generator(size, model.width, **common)
        generator(tf.zeros((1, config.latent.size)), training=False)  # makes the variables
    return generator


def build_discriminator(config, symbols=0):
    """The discriminator, or critic; `symbols` as in `build_generator`."""
    model, size = config.model, config.data.image_size
    common = {"seed": randomness.integer(config.seed, Purpose.DISCRIMINATOR_WEIGHTS), "name": "discriminator"}
    shape = (config.data.line_length, symbols) if model.architecture == "language" else (size, size, 3)
    with _precision(model.precision):
        match model.architecture:
            case "dcgan":
                discriminator = dcgan.Discriminator(model.width, **common)
            case "wgan_gp":
                discriminator = wgan_gp.Critic(model.width, model.samples_per_score, **common)
            case "language":
                discriminator = language.Critic(model.width, **common)
            case "began":
                discriminator = began.Discriminator(size, model.width, config.latent.size, **common)
        discriminator(tf.zeros((2 * model.samples_per_score, *shape)))  # makes the variables
    return discriminator


@contextlib.contextmanager
def _precision(name):
    """Layers made in the block compute in "float32" or "bfloat16"; their weights are float32 in both cases."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if name == "float32" else f"mixed_{name}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
