import math

import numpy as np
import pytest
import tensorflow as tf

from tests.models import channels_first
from tests.models.test_dcgan import parameters
from tf_ttur.models import layers
from tf_ttur.models.wgan_gp import Critic, Generator


@pytest.mark.parametrize(
    "size, of_generator, of_critic", [(64, 8_540_483, 7_491_841), (32, 2_005_155, 1_874_049)]
)
def test_parameters_are_those_of_the_paper(size, of_generator, of_critic):
    generator = Generator(size, size)
    critic = Critic(size)
    images = generator(tf.zeros((2, 128)))
    assert images.shape == (2, size, size, 3)
    assert critic(images).shape == (2,)
    assert parameters(generator) == of_generator
    assert parameters(critic) == of_critic


def test_parameters_of_the_packed_critic():
    critic = Critic(32, samples_per_score=4)
    assert critic(tf.zeros((8, 32, 32, 3))).shape == (2,)
    assert parameters(critic) == 1_877_121


def shaken(model, seed=0):
    """The model with noise on all weights, so that no scale, offset or bias is neutral."""
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(variable + random.normal(0, 0.2, variable.shape).astype(np.float32))
    return model


def test_generator_is_the_one_described_channels_first():
    model = Generator(32, width=2)
    latents = np.random.default_rng(1).normal(size=(6, 16)).astype(np.float32)
    model(latents)
    expected = channels_first.generator(shaken(model), latents, 16, 2)
    np.testing.assert_allclose(np.moveaxis(model(latents).numpy(), 3, 1), expected, atol=2e-4)


@pytest.mark.parametrize("samples_per_score", [1, 4])
def test_critic_is_the_one_described_channels_first(samples_per_score):
    model = Critic(2, samples_per_score)
    images = np.random.default_rng(1).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
    model(images)
    expected = channels_first.critic(shaken(model), np.moveaxis(images, 3, 1), samples_per_score)
    np.testing.assert_allclose(model(images), expected, rtol=1e-3, atol=1e-4)


def test_enlarging_is_the_published_depth_to_space():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    enlarged = channels_first.enlarge(np.moveaxis(x, 3, 1))
    np.testing.assert_array_equal(np.moveaxis(layers.double(x).numpy(), 3, 1), enlarged)


def test_initial_weights():
    model = Critic(64)
    model(tf.zeros((1, 64, 64, 3)))
    block = model.blocks[1]
    generator = Generator(64)
    generator(tf.zeros((1, 128)))
    up = generator.blocks[1]
    # (layer, gain, fan in plus fan out)
    for layer, gain, fans in (
        (model.convolution, 2, 9 * (3 + 64)),
        (block.first, 4, 9 * (128 + 128)),
        (block.second, 4, 9 * (128 + 256)),
        (block.shortcut, 2, 128 + 256),
        (model.dense, 2, 8192 + 1),
        (generator.dense, 2, 128 + 8192),
        (up.first, 4, 9 * (512 + 256)),
        (up.second, 4, 9 * (256 + 256)),
        (up.shortcut, 2, 512 + 256),
        (generator.convolution, 4, 9 * (64 + 3)),
    ):
        kernel = layer.kernel.numpy()
        assert kernel.std() == pytest.approx(math.sqrt(gain / fans), rel=0.05)
        assert abs(kernel).max() <= math.sqrt(3 * gain / fans)
    assert block.first.bias is None
    assert not block.second.bias.numpy().any()
    assert up.first.bias is None
    assert not up.second.bias.numpy().any()


def test_samples_use_the_statistics_of_their_batch():
    model = Generator(32, width=2)
    latents = tf.random.stateless_normal((8, 128), (0, 0))
    np.testing.assert_array_equal(model(latents, training=False), model(latents, training=True))
    assert abs(model(latents)[:4] - model(latents[:4])).numpy().max() > 1e-3


def test_the_critic_treats_each_image_by_itself():
    model = Critic(2)
    images = tf.random.stateless_uniform((6, 32, 32, 3), (0, 0), -1, 1)
    np.testing.assert_allclose(model(images)[:2], model(images[:2]), rtol=1e-4, atol=1e-6)
