import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.metrics import statistics
from tf_ttur.metrics.evaluators import FrechetEvaluator, quantise
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.pixels import PixelPooling


def test_quantisation():
    images = tf.constant([-1.0, 0.001, 1.0])
    np.testing.assert_allclose(quantise(images, "float"), [0, 127.6275, 255], rtol=1e-6)
    np.testing.assert_array_equal(quantise(images, "truncate"), [0, 127, 255])
    np.testing.assert_array_equal(quantise(images, "round"), [0, 128, 255])
    with pytest.raises(ValueError):
        quantise(images, "up")


def test_distance_of_generated_images():
    generated = np.random.default_rng(0).uniform(-1, 1, (450, 16, 16, 3)).astype(np.float32)
    real = np.random.default_rng(1).integers(0, 256, (400, 16, 16, 3), np.uint8)
    reference = statistics.compute([real], PixelPooling(), {}, "real")
    evaluator = FrechetEvaluator(PixelPooling(), reference, 450, 200, 64, "float")
    calls = []

    def generate(number, count):
        calls.append((number, count))
        return tf.constant(generated[200 * number :][:count])

    [(name, value)] = evaluator.run(generate)
    assert name == evaluator.name == "frechet_pixels"
    assert calls == [(0, 200), (1, 200), (2, 50)]
    features = (generated.reshape(450, 8, 2, 8, 2, 3).mean((2, 4)).reshape(450, -1).astype(np.float64) + 1) / 2
    assert value == pytest.approx(frechet_distance(features.mean(0), np.cov(features, rowvar=False), reference.mu, reference.sigma), rel=1e-5)
