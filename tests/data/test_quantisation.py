import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.data.quantisation import quantise, to_uint8


def test_ways():
    images = tf.constant([-1.5, -1, 0.001, 1, 1.5])
    np.testing.assert_allclose(quantise(images, "float"), [0, 0, 127.6275, 255, 255], rtol=1e-6)
    np.testing.assert_array_equal(quantise(images, "truncate"), [0, 0, 127, 255, 255])
    np.testing.assert_array_equal(quantise(images, "round"), [0, 0, 128, 255, 255])
    with pytest.raises(ValueError, match="up"):
        quantise(images, "up")


def test_to_uint8():
    made = to_uint8(tf.constant([-1.5, -1, 0, 0.999, 1, 2.0]))
    assert made.dtype == tf.uint8
    np.testing.assert_array_equal(made, [0, 0, 128, 255, 255, 255])
