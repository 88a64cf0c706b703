import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_dcgan import parameters
from tf_ttur.models.began import Discriminator, Generator


def test_parameters_are_those_of_the_paper():
    g, d = Generator(64), Discriminator(64)
    images = g(tf.zeros((2, 64)))
    assert images.shape == (2, 64, 64, 3)
    assert d(images).shape == (2,)
    assert (parameters(g), parameters(d)) == (1_716_611, 13_405_379)


@pytest.mark.parametrize("size", [32, 128])
def test_other_sizes(size):
    images = Generator(size, width=2)(tf.zeros((2, 64)))
    assert images.shape == Discriminator(size, width=2).reconstruct(images).shape == (2, size, size, 3)


def test_output_is_the_error_of_the_reconstruction():
    discriminator = Discriminator(32, width=4)
    images = tf.random.stateless_uniform((3, 32, 32, 3), (0, 0), -1, 1)
    expected = abs(discriminator.reconstruct(images) - images).numpy().mean((1, 2, 3))
    np.testing.assert_allclose(discriminator(images), expected, rtol=1e-6)


def test_decoder_and_generator_are_alike():
    g, d = Generator(32, width=4), Discriminator(32, width=4)
    d(g(tf.zeros((1, 64))))
    assert [v.shape for v in d.decoder.variables] == [v.shape for v in g.decoder.variables]
