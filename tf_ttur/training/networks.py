"""The two networks that a config names, with their initial weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.models import NETWORKS
from tf_ttur.registry import load
from tf_ttur.training import own_objects, randomness
from tf_ttur.training.randomness import Purpose


def build_generator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The generator.

    Args:
      config: the validated config.
      symbols: size of the vocabulary where it makes lines.

    Raises:
      UserError: it is not what a generator must be (`models.Generator`).
    """
    shape = example_shape(config, symbols)
    seed = randomness.integer(config.seed, Purpose.GENERATOR_WEIGHTS)
    word = config.model.generator or config.model.architecture
    with own_objects.named(word, "its generator"), _building(config, seed):
        generator = _build(config, "generator", shape, seed)
        what = f"the generator of {word}"
        check_generator(what, generator, config.latent.size, shape, registry.is_object(word))
    return generator


def build_discriminator(config: ConfigDict, symbols: int = 0) -> keras.Model:
    """The discriminator, or critic; arguments and errors as of `build_generator`."""
    shape = example_shape(config, symbols)
    seed = randomness.integer(config.seed, Purpose.DISCRIMINATOR_WEIGHTS)
    word = config.model.discriminator or config.model.architecture
    must_give_logits = configs.architecture_of(config).outputs == "logits"
    with own_objects.named(word, "its discriminator"), _building(config, seed):
        discriminator = _build(config, "discriminator", shape, seed)
        what = f"the discriminator of {word}"
        check_discriminator(
            what,
            discriminator,
            shape,
            config.model.samples_per_score,
            must_give_logits and registry.is_object(word),
        )
    return discriminator


def _build(config: ConfigDict, player: str, shape: tuple[int, ...], seed: int) -> keras.Model:
    """A network with its initial weights; most have no variables yet."""
    arguments = (shape, config.model, config.latent.size, seed, player)
    word = config.model[player]
    if not word:
        build = load(getattr(configs.architecture_of(config), player))
        return build(*arguments)
    return own_objects.build_network(NETWORKS.find(word), arguments)


def check_generator(
    what: str,
    generator: keras.Model,
    latent_size: int,
    shape: tuple[int, ...],
    refuses_sigmoid: bool = True,
    key: str = "config.latent.size",
) -> None:
    """Calls a generator once, which creates its variables, and looks at what it gives.

    Args:
      what: names it in messages.
      generator: the network.
      latent_size: numbers in one latent.
      shape: of one real example.
      refuses_sigmoid: whether images in 0 ... 1 are looked for.
      key: what the user sets to choose `latent_size`.

    Raises:
      UserError: it does not take such latents, does not give such examples, or ends with a sigmoid.
    """
    own_objects.check_latents(what, generator, latent_size, key)
    examples = generator(tf.zeros((2, latent_size)), training=False)
    own_objects.check_examples(what, examples, (2, *shape))
    makes_images = len(shape) == 3
    if refuses_sigmoid and makes_images and own_objects.is_sigmoid(generator, (latent_size,)):
        raise UserError(
            f"{what} ends with a sigmoid: its values are in 0 ... 1",
            "images in -1 ... 1, as the real ones are",
            'end with activation="tanh"',
        )


def warn_of_no_negative(config: ConfigDict, generator: keras.Model) -> None:
    """Warns if a new generator of the user's own cannot give the dark half of the real images."""
    is_own = registry.is_object(config.model.generator or config.model.architecture)
    if is_own and len(example_shape(config)) == 3:
        warn_if_never_negative("the generator", generator, config.latent.size)


def warn_if_never_negative(what: str, generator: keras.Model, latent_size: int) -> None:
    """Warns if no value of a new generator's images is below 0.

    Args:
      what: names it.
      generator: a network of images, with its initial weights.
      latent_size: numbers in one latent.
    """
    if own_objects.is_never_negative(generator, (latent_size,)):
        console.say(
            f"warning: {what} gives no value below 0, and images are in -1 ... 1:"
            ' it should probably end with activation="tanh"'
        )


def check_discriminator(
    what: str,
    discriminator: keras.Model,
    shape: tuple[int, ...],
    samples_per_score: int = 1,
    refuses_sigmoid: bool = True,
) -> None:
    """Calls a discriminator once, which creates its variables, and looks at what it gives.

    Args:
      what: names it in messages.
      discriminator: the network.
      shape: of one example.
      samples_per_score: how many examples it scores together.
      refuses_sigmoid: whether probabilities are looked for.

    Raises:
      UserError: it does not take such examples, does not give one number per example, or gives
        probabilities.
    """
    own_objects.check_inputs(what, discriminator, shape)
    outputs = discriminator(tf.zeros((2 * samples_per_score, *shape)), training=True)
    own_objects.check_scores(what, outputs, 2)
    if refuses_sigmoid and own_objects.is_sigmoid(discriminator, shape):
        raise UserError(
            f"{what} ends with a sigmoid: it gives probabilities",
            "logits, any real numbers: the losses apply the sigmoid themselves",
            "leave the last activation out",
        )


def example_shape(config: ConfigDict, symbols: int = 0) -> tuple[int, ...]:
    """The shape of one example: (height, width, channels), or (length, symbols) for lines.

    Here `symbols` is the size of the vocabulary.
    """
    return configs.kind_of(config).shape(config.data, symbols)


@contextlib.contextmanager
def _building(config: ConfigDict, seed: int) -> Iterator[None]:
    """For layers that are created in the block.

    They compute in the config's precision; their weights stay float32. Initializers and layers that
    are given no seed follow `seed`.
    """
    name = config.model.precision
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
    try:
        with keras_defaults(), randomness.seeded(seed):
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
