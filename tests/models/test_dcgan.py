import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.models.dcgan import Discriminator, Generator


def parameters(network):
    return sum(int(tf.size(v)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    "size, generator, discriminator", [(64, 5_135_363, 4_316_545), (32, 4_514_819, 4_310_401)]
)
def test_parameters_are_those_of_the_paper(size, generator, discriminator):
    g, d = Generator(size), Discriminator()
    images = g(tf.zeros((2, 100)))
    assert images.shape == (2, size, size, 3)
    assert d(images).shape == (2,)
    assert (parameters(g), parameters(d)) == (generator, discriminator)


def test_initial_weights():
    g, d = Generator(64), Discriminator()
    d(g(tf.zeros((2, 100))))
    kernels = [c.kernel.numpy() for c in (g.dense, *g.convolutions, d.dense)]
    assert all(abs(k.std() / 0.02 - 1) < 0.05 for k in kernels)
    assert any(abs(k).max() > 0.05 for k in kernels)  # not truncated
    for convolution in d.convolutions:
        # A normal cut at two sigma and not scaled up again has 0.8796 of its standard deviation.
        kernel = convolution.kernel.numpy()
        assert abs(kernel).max() <= 0.04 and abs(kernel.std() / (0.02 * 0.8796) - 1) < 0.05
    assert not any(
        layer.bias.numpy().any() for layer in (g.dense, *g.convolutions, *d.convolutions, d.dense)
    )


def test_seed_decides_the_weights():
    def first_kernel(seed):
        g = Generator(32, width=4, seed=seed)
        g(tf.zeros((1, 100)))
        return g.convolutions[0].kernel.numpy()

    np.testing.assert_array_equal(first_kernel(1), first_kernel(1))
    assert abs(first_kernel(1) - first_kernel(2)).max() > 0.01


def test_output_stays_in_range():
    images = Generator(32, width=4)(
        1e3 * tf.random.stateless_normal((4, 100), (0, 0)), training=True
    )
    assert float(tf.reduce_max(abs(images))) <= 1


def test_the_discriminator_refuses_inference():
    with pytest.raises(ValueError, match="training mode only"):
        Discriminator(width=4)(tf.zeros((2, 32, 32, 3)), training=False)
