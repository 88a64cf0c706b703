import numpy as np
import tensorflow as tf

from tf_ttur.models.layers import BatchNorm, double


def test_training_mode_normalises_by_the_biased_variance():
    x = np.random.default_rng(0).normal(3, 2, (6, 4, 4, 5)).astype(np.float32)
    y = BatchNorm()(tf.constant(x), training=True).numpy()
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(y, expected, atol=2e-5)


def test_inference_uses_the_moving_averages():
    layer = BatchNorm(momentum=0.9)
    x = np.random.default_rng(0).normal(3, 2, (64, 5)).astype(np.float32)
    layer(tf.constant(x), training=True)
    mean = 0.1 * x.mean(0)
    variance = 0.9 + 0.1 * x.var(0)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=1e-4)
    y = layer(tf.constant(x), training=False).numpy()
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-5), rtol=1e-3, atol=1e-4)


def test_double_repeats_pixels_and_keeps_the_static_shape():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    expected = x.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(double(tf.constant(x)).numpy(), expected)
    function = tf.function(double, input_signature=[tf.TensorSpec((None, 3, 4, 5))])
    assert function.get_concrete_function().output_shapes == (None, 6, 8, 5)
