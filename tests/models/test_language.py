import math

import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_dcgan import parameters
from tf_ttur.models.initializers import Seeds
from tf_ttur.models.language import Block, Critic, Generator


def test_parameters_are_those_of_the_paper():
    generator = Generator(32, 100)
    critic = Critic()
    lines = generator(tf.zeros((2, 128)))
    assert lines.shape == (2, 32, 100)
    assert critic(lines).shape == (2,)
    assert parameters(generator) == 15_277_156
    assert parameters(critic) == 13_180_417


def test_output_is_a_distribution_at_each_position():
    lines = Generator(8, 5, width=4)(tf.random.stateless_normal((3, 16), (0, 0))).numpy()
    assert (lines >= 0).all()
    np.testing.assert_allclose(lines.sum(-1), 1, rtol=1e-6)


def test_block_against_its_formula():
    block = Block(3, Seeds(0))
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    block(x)
    for convolution in block.convolutions:
        convolution.bias.assign([0.1, -0.2, 0.3])

    def convolve(x, layer):
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, ((0, 0), (2, 2), (0, 0))), 5, axis=1
        )
        return np.einsum("nlci,ico->nlo", windows, layer.kernel.numpy()) + layer.bias.numpy()

    branch = convolve(np.maximum(x, 0), block.convolutions[0])
    branch = convolve(np.maximum(branch, 0), block.convolutions[1])
    np.testing.assert_allclose(block(x), x + 0.3 * branch, atol=1e-5)


def test_initial_weights():
    critic = Critic(64)
    critic(tf.zeros((1, 8, 10)))
    generator = Generator(8, 10, 64)
    generator(tf.zeros((1, 128)))
    # (layer, gain, fan in plus fan out)
    of_critic = (
        (critic.convolution, 4, 10 + 64),
        (critic.blocks[0].convolutions[0], 4, 5 * 128),
        (critic.dense, 2, 8 * 64 + 1),
    )
    of_generator = (
        (generator.dense, 2, 128 + 8 * 64),
        (generator.blocks[4].convolutions[1], 4, 5 * 128),
        (generator.convolution, 4, 64 + 10),
    )
    for layer, gain, fans in (*of_critic, *of_generator):
        assert layer.kernel.numpy().std() == pytest.approx(math.sqrt(gain / fans), rel=0.1)
        assert not layer.bias.numpy().any()
