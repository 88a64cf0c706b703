import math

import numpy as np
import pytest
import tensorflow as tf

from tests.models.channels_first import convolve
from tests.models.test_dcgan import parameters
from tests.models.test_wgan_gp import shaken
from tf_ttur.models.began import Discriminator, Generator


def test_parameters_are_those_of_the_paper():
    generator = Generator(64)
    discriminator = Discriminator(64)
    images = generator(tf.zeros((2, 64)))
    assert images.shape == (2, 64, 64, 3)
    assert discriminator(images).shape == (2,)
    assert parameters(generator) == 1_716_611
    assert parameters(discriminator) == 13_405_379


@pytest.mark.parametrize("size", [32, 128])
def test_other_sizes(size):
    images = Generator(size, width=2)(tf.zeros((2, 64)))
    reconstructions = Discriminator(size, width=2).reconstruct(images)
    assert images.shape == reconstructions.shape == (2, size, size, 3)


def test_output_is_the_error_of_the_reconstruction():
    discriminator = Discriminator(32, width=4)
    images = tf.random.stateless_uniform((3, 32, 32, 3), (0, 0), -1, 1)
    expected = abs(discriminator.reconstruct(images) - images).numpy().mean((1, 2, 3))
    np.testing.assert_allclose(discriminator(images), expected, rtol=1e-6)


def test_decoder_and_generator_are_alike():
    generator = Generator(32, width=4)
    discriminator = Discriminator(32, width=4)
    discriminator(generator(tf.zeros((1, 64))))
    shapes = [variable.shape for variable in generator.decoder.variables]
    assert [variable.shape for variable in discriminator.decoder.variables] == shapes


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def layers(network):
    """Yields the (kernel, bias) of each layer."""
    weights = network.get_weights()
    return iter(list(zip(weights[::2], weights[1::2], strict=True)))


def decode(layers, codes, width, stages):
    """The decoder as its authors describe it, channels first, in NumPy."""
    kernel, bias = next(layers)
    x = (codes @ kernel + bias).reshape(-1, 8, 8, width).transpose(0, 3, 1, 2)
    for stage in range(stages):
        if stage > 0:
            x = np.kron(x, np.ones((2, 2)))  # nearest neighbour
        x = elu(convolve(x, *next(layers)))
        x = elu(convolve(x, *next(layers)))
    return convolve(x, *next(layers))


def reconstruct(layers, images, width, stages):
    """The auto-encoder as its authors describe it, channels first, in NumPy."""
    x = elu(convolve(images, *next(layers)))
    for stage in range(1, stages + 1):
        x = elu(convolve(x, *next(layers)))
        x = elu(convolve(x, *next(layers)))
        assert x.shape[1] == stage * width
        if stage < stages:
            # TensorFlow pads an even side at its end alone.
            x = elu(convolve(x, *next(layers))[:, :, 1::2, 1::2])
    kernel, bias = next(layers)
    codes = x.transpose(0, 2, 3, 1).reshape(len(x), -1) @ kernel + bias
    return decode(layers, codes, width, stages)


def test_generator_is_the_one_described_channels_first():
    model = Generator(32, width=4)
    latents = np.random.default_rng(1).uniform(-1, 1, (3, 64)).astype(np.float32)
    model(latents)
    weights = layers(shaken(model))
    expected = decode(weights, latents, width=4, stages=3)
    assert next(weights, None) is None
    assert abs(expected).max() > 1.5  # nothing limits the images
    np.testing.assert_allclose(
        np.moveaxis(model(latents).numpy(), 3, 1), expected, atol=1e-5 * abs(expected).max()
    )


def test_discriminator_is_the_one_described_channels_first():
    model = Discriminator(32, width=4)
    images = np.random.default_rng(1).uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    model(images)
    weights = layers(shaken(model))
    expected = reconstruct(weights, np.moveaxis(images, 3, 1), width=4, stages=3)
    assert next(weights, None) is None
    assert abs(expected).max() > 1.5
    np.testing.assert_allclose(
        np.moveaxis(model.reconstruct(images).numpy(), 3, 1),
        expected,
        atol=1e-5 * abs(expected).max(),
    )


def test_initial_weights():
    """They are the defaults of TensorFlow 1's layers.

    Kernels are uniform, with the variance of Glorot and Bengio 2010; biases are 0.
    """
    generator = Generator(64, width=32)
    discriminator = Discriminator(64, width=32, seed=1)
    discriminator(generator(tf.zeros((1, 64))))
    kernels = [
        kernel
        for network in (generator, discriminator)
        for kernel, bias in layers(network)
        if not bias.any()
    ]
    assert len(kernels) == (1 + 2 * 4 + 1) + (1 + 2 * 4 + 3 + 1) + (1 + 2 * 4 + 1)
    for kernel in kernels:
        fans = math.prod(kernel.shape[:-2]) * (kernel.shape[-2] + kernel.shape[-1])
        assert kernel.std() == pytest.approx(math.sqrt(2 / fans), rel=0.05)
        assert 0.98 < abs(kernel).max() / math.sqrt(6 / fans) <= 1
    assert len({kernel.flat[0] for kernel in kernels}) == len(kernels)  # no two have the same seed
