"""The two networks that a config names, with their initial weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.registry import load
from tf_ttur.training import own_objects, randomness
from tf_ttur.training.randomness import Purpose


def build_generator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The generator.

    Args:
      config: the validated config.
      symbols: size of the vocabulary where it makes lines.
    """
    build = load(configs.architecture_of(config).generator)
    shape = example_shape(config, symbols)
    seed = randomness.integer(config.seed, Purpose.GENERATOR_WEIGHTS)
    word = config.model.architecture
    with own_objects.named(word, "its generator"), _precision(config.model.precision):
        generator = build(shape, config.model, config.latent.size, seed, "generator")
        latents = tf.zeros((1, config.latent.size))
        examples = generator(latents, training=False)  # creates the variables
    own_objects.check_output(f"the generator of {word}", examples, (1, *shape))
    return generator


def build_discriminator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The discriminator, or critic; arguments as of `build_generator`."""
    build = load(configs.architecture_of(config).discriminator)
    shape = example_shape(config, symbols)
    seed = randomness.integer(config.seed, Purpose.DISCRIMINATOR_WEIGHTS)
    word = config.model.architecture
    with own_objects.named(word, "its discriminator"), _precision(config.model.precision):
        discriminator = build(shape, config.model, config.latent.size, seed, "discriminator")
        examples = tf.zeros((2 * config.model.samples_per_score, *shape))
        outputs = discriminator(examples, training=True)  # creates the variables
    own_objects.check_output(f"the discriminator of {word}", outputs, (2,))
    return discriminator


def example_shape(config: ConfigDict, symbols: int = 0) -> tuple[int, ...]:
    """The shape of one example: (height, width, 3), or (length, symbols) for lines.

    Here `symbols` is the size of the vocabulary.
    """
    return configs.kind_of(config).shape(config.data, symbols)


@contextlib.contextmanager
def _precision(name: str) -> Iterator[None]:
    """Layers created in the block compute in this precision; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if name == "float32" else f"mixed_{name}")
    try:
        with keras_defaults():
            yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def keras_defaults() -> Iterator[None]:
    """Within the block Keras has its own defaults, whatever the user's keras.json says."""
    floatx = keras.config.floatx()
    epsilon = keras.config.epsilon()
    data_format = keras.config.image_data_format()
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_epsilon(epsilon)
        keras.config.set_image_data_format(data_format)
