import numpy as np
import tensorflow as tf

from tf_ttur.models.layers import BatchNorm


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
