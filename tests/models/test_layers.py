import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.models import fused
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


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("bfloat16", 3e-2)])
def test_fused_batch_norm_and_its_two_gradients(dtype, tolerance):
    """Beside the formula in float64, in which TensorFlow finds both gradients by itself."""
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape) for shape in ((4, 3, 3, 5), (5,), (5,), (4, 3, 3, 5))]

    def formula(x, gamma, beta):
        mean = tf.reduce_mean(x, (0, 1, 2))
        variance = tf.reduce_mean(tf.square(x - mean), (0, 1, 2))
        return gamma * (x - mean) / tf.sqrt(variance + 1e-5) + beta, mean, variance

    @tf.function
    def results(normalise, x, gamma, beta, direction):
        arguments = [x, gamma, beta]
        with tf.GradientTape() as outer:
            outer.watch(arguments)
            with tf.GradientTape() as inner:
                inner.watch(arguments)
                outputs, mean, variance = normalise(*arguments)
                loss = tf.reduce_sum(tf.cast(outputs, direction.dtype) ** 2 * direction)
            first = inner.gradient(loss, arguments)
            squares = [tf.reduce_sum(tf.square(tf.cast(g, direction.dtype))) for g in first]
            total = tf.add_n(squares)
        return [outputs, mean, variance, *first, *outer.gradient(total, arguments)]

    expected = results(formula, *(tf.constant(array, tf.float64) for array in arrays))
    x, *others = (tf.constant(array, tf.float32) for array in arrays)
    found = results(
        lambda *arguments: fused.batch_norm(*arguments, 1e-5), tf.cast(x, dtype), *others
    )
    for mine, reference in zip(found, expected, strict=True):
        size = float(tf.reduce_max(tf.abs(reference)))
        np.testing.assert_allclose(tf.cast(mine, tf.float64), reference, atol=tolerance * size)
