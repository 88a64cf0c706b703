import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.models.dcgan import Discriminator, Generator


def parameters(network):
    return sum(int(tf.size(v)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    "size, of_generator, of_discriminator", [(64, 5_135_363, 4_316_545), (32, 4_514_819, 4_310_401)]
)
def test_parameters_are_those_of_the_paper(size, of_generator, of_discriminator):
    generator = Generator(size)
    discriminator = Discriminator()
    images = generator(tf.zeros((2, 100)))
    assert images.shape == (2, size, size, 3)
    assert discriminator(images).shape == (2,)
    assert parameters(generator) == of_generator
    assert parameters(discriminator) == of_discriminator


def test_initial_weights():
    generator = Generator(64)
    discriminator = Discriminator()
    discriminator(generator(tf.zeros((2, 100))))
    normal = (generator.dense, *generator.convolutions, discriminator.dense)
    kernels = [layer.kernel.numpy() for layer in normal]
    assert all(abs(kernel.std() / 0.02 - 1) < 0.05 for kernel in kernels)
    assert any(abs(kernel).max() > 0.05 for kernel in kernels)  # not truncated
    for convolution in discriminator.convolutions:
        # A normal distribution that is cut at two sigma and not scaled up again has 0.8796 of its
        # standard deviation.
        kernel = convolution.kernel.numpy()
        assert abs(kernel).max() <= 0.04
        assert abs(kernel.std() / (0.02 * 0.8796) - 1) < 0.05
    assert not any(layer.bias.numpy().any() for layer in (*normal, *discriminator.convolutions))


def test_seed_decides_the_weights():
    def first_kernel(seed):
        generator = Generator(32, width=4, seed=seed)
        generator(tf.zeros((1, 100)))
        return generator.convolutions[0].kernel.numpy()

    np.testing.assert_array_equal(first_kernel(1), first_kernel(1))
    assert abs(first_kernel(1) - first_kernel(2)).max() > 0.01


def test_output_stays_in_range():
    latents = 1e3 * tf.random.stateless_normal((4, 100), (0, 0))
    images = Generator(32, width=4)(latents, training=True)
    assert float(tf.reduce_max(abs(images))) <= 1


def test_the_discriminator_refuses_inference():
    with pytest.raises(ValueError, match="training mode only"):
        Discriminator(width=4)(tf.zeros((2, 32, 32, 3)), training=False)
