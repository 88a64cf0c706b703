"""The registry of architectures, and an architecture of the user's own."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.data import KINDS
from tf_ttur.errors import UserError
from tf_ttur.losses import LOSSES
from tf_ttur.models import ARCHITECTURES, Build
from tf_ttur.registry import load
from tf_ttur.training import networks

OWN = """
import keras

from tf_ttur.models import Architecture


def build_generator(shape, model, latent_size, seed, name):
    assert latent_size == 16
    glorot = keras.initializers.GlorotUniform(seed)
    height, width, channels = shape
    return keras.Sequential(
        [
            keras.layers.Dense(model.width),
            keras.layers.Dense(height * width * channels, "tanh", kernel_initializer=glorot),
            keras.layers.Reshape(shape),
        ],
        name=name,
    )


def build_discriminator(shape, model, latent_size, seed, name):
    glorot = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer=glorot),
            keras.layers.Reshape(()),
        ],
        name=name,
    )


TINY = Architecture(generator=build_generator, discriminator=build_discriminator)
NAMED = Architecture(
    generator="tf_ttur.models.dcgan:build_generator",
    discriminator="tf_ttur.models.dcgan:build_discriminator",
    outputs="errors",
)
"""


@pytest.fixture
def own(tmp_path):
    """A file with architectures of the user's own."""
    path = tmp_path / "my_networks.py"
    path.write_text(OWN, encoding="utf-8")
    return path


@pytest.fixture
def config(tiny, own):
    """A config with the tiny architecture of that file."""
    tiny.model.architecture = f"{own}:TINY"
    tiny.latent.size = 16
    return configs.validate(tiny)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_resolves(name):
    entry = ARCHITECTURES[name]
    assert entry.help
    assert entry.learns in KINDS
    assert entry.outputs in {loss.outputs for loss in LOSSES.values()}
    wanted = [*inspect.signature(Build.__call__).parameters][1:]  # without self
    for build in (load(entry.discriminator), load(entry.generator)):
        assert [*inspect.signature(build).parameters] == wanted


def test_an_architecture_of_the_users_own_is_built(config):
    generator = networks.build_generator(config)
    discriminator = networks.build_discriminator(config)
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    size = config.data.image_size
    images = generator(tf.zeros((3, 16)), training=False)
    assert images.shape == (3, size, size, 3)
    assert discriminator(images, training=True).shape == (3,)
    assert generator.layers[0].units == config.model.width


def test_its_weights_depend_on_the_seed_alone(config):
    def kernel():
        return networks.build_discriminator(config).trainable_variables[0].numpy()

    first = kernel()
    np.testing.assert_array_equal(kernel(), first)
    config.seed = 1
    assert abs(kernel() - first).max() > 0.01


def test_its_networks_may_be_named_and_its_outputs_are_checked(own):
    name = f"{own}:NAMED"
    configs.load("began_lsun", {"model.architecture": name})
    with pytest.raises(UserError) as error:
        configs.load("svhn", {"model.architecture": name})
    assert f"with config.model.architecture = {name!r}" in error.value.found
    assert "boundary_equilibrium with began" in error.value.expected


def test_an_unknown_name_lists_all_architectures():
    with pytest.raises(UserError) as error:
        ARCHITECTURES.find("wgan")
    assert error.value.found == "there is no architecture 'wgan'"
    assert error.value.expected.startswith(f"one of {', '.join(ARCHITECTURES)}, or MODULE:OBJECT")
    assert error.value.cure == "did you mean wgan_gp?"


def test_an_object_of_another_type_is_refused(tiny, own):
    tiny.model.architecture = f"{own}:build_generator"
    with pytest.raises(UserError) as error:
        configs.validate(tiny)
    found = f"{own}:build_generator is not a valid architecture (it is of type function, not "
    assert error.value.found == f"{found}tf_ttur.models.Architecture)"
    assert error.value.expected.startswith("one of dcgan, ")
    assert error.value.cure == "correct it"
