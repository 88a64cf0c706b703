"""What a user's own networks, losses and optimizers must be is checked before the first update."""

import pytest

from tf_ttur.errors import UserError
from tf_ttur.training.state import State

FILE = """
import keras
import tensorflow as tf

from tf_ttur.losses import LossPair
from tf_ttur.models import Architecture


def generator(shape, model, latent_size, seed, name):
    return keras.Sequential([keras.layers.Dense(32 * 32 * 3), keras.layers.Reshape(shape)])


def flat_generator(shape, model, latent_size, seed, name):
    return keras.Sequential([keras.layers.Dense(7)])


def discriminator(shape, model, latent_size, seed, name):
    return keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dense(1), keras.layers.Reshape(())]
    )


def wide_discriminator(shape, model, latent_size, seed, name):
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])


def narrow(width):
    return None


GOOD = Architecture(generator=generator, discriminator=discriminator)
FLAT = Architecture(generator=flat_generator, discriminator=discriminator)
WIDE = Architecture(generator=generator, discriminator=wide_discriminator)
NONE = Architecture(generator=generator, discriminator=None)
NARROW = Architecture(generator=narrow, discriminator=discriminator)
PAIR = LossPair(lambda real, fake: fake - real, lambda fake: -fake, None)
SCALAR = LossPair(lambda real, fake: tf.reduce_mean(fake - real), lambda fake: -fake, None)
BROKEN = LossPair(lambda real: real, lambda fake: -fake, None)


def optimizer(rate, player, name):
    return keras.optimizers.RMSprop(rate)


def nothing(rate, player, name):
    return None


def schedule(rate, steps, player):
    return 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_what_fits_is_taken(tiny, file):
    tiny.model.architecture = f"{file}:GOOD"
    tiny.loss = f"{file}:PAIR"
    tiny.generator.optimizer = f"{file}:optimizer"
    state = State(tiny)
    assert type(state.generator_optimizer).__name__ == "RMSprop"
    assert len(state.generator.trainable_variables) == 2


@pytest.mark.parametrize(
    "key, name, message",
    [
        ("model.architecture", "FLAT", r"generator of .*:FLAT gives float32 \(2, 7\)\n.*32, 32, 3"),
        (
            "model.architecture",
            "WIDE",
            r"discriminator of .*:WIDE gives float32 \(2, 3\) for 2 examples\n.*\(2,\)",
        ),
        ("model.architecture", "NONE", "NONE: its discriminator cannot be used"),
        ("model.architecture", "NARROW", r"NARROW: its generator cannot be used \(TypeError"),
        ("loss", "SCALAR", r"discriminator's loss of .*:SCALAR gives float32 \(\)"),
        ("loss", "BROKEN", "BROKEN: its discriminator's loss cannot be used"),
        ("generator.optimizer", "nothing", "the optimizer cannot be used.*gives NoneType"),
        ("generator.schedule", "schedule", "does not inherit from tf_ttur.optimizers.schedules"),
    ],
)
def test_what_does_not_fit_is_named(tiny, file, key, name, message):
    tiny.update_from_flattened_dict({key: f"{file}:{name}"})
    with pytest.raises(UserError, match=message):
        State(tiny)
