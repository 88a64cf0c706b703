import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.metrics import extraction, ngrams
from tf_ttur.metrics.evaluators import FrechetEvaluator, NgramEvaluator
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.pixels import PixelPooling


@pytest.mark.parametrize("quantisation, whole", [("float", np.positive), ("truncate", np.floor)])
def test_distance_of_generated_images(quantisation, whole):
    generated = np.random.default_rng(0).uniform(-1, 1, (600, 16, 16, 3)).astype(np.float32)
    real = np.random.default_rng(1).integers(0, 256, (400, 16, 16, 3), np.uint8)
    reference = extraction.compute([real], PixelPooling(), {}, "real")
    evaluator = FrechetEvaluator(PixelPooling(), reference, 450, 200, 64, quantisation)
    calls = []

    def generate(number, count):
        calls.append((number, count))
        return tf.constant(generated[200 * number :][:count])

    [(name, value)] = evaluator.run(generate)
    assert name == evaluator.name == "frechet_pixels"
    assert calls == [(0, 200), (1, 200), (2, 200)]  # whole batches, of which the last is cut
    pixels = whole((generated[:450] + 1) * np.float32(127.5)).astype(np.float64)
    features = pixels.reshape(450, 8, 2, 8, 2, 3).mean((2, 4)).reshape(450, -1) / 255
    assert value == pytest.approx(
        frechet_distance(
            features.mean(0), np.cov(features, rowvar=False), reference.mu, reference.sigma
        ),
        rel=1e-5,
    )


def test_divergence_of_generated_lines():
    random = np.random.default_rng(0)
    real = random.integers(0, 5, (1000, 8))
    generated = random.integers(0, 5, (60, 8)) % 4
    reference = ngrams.Reference.of(real, 5)
    evaluator = NgramEvaluator(reference, real, 45, 20)
    calls = []

    def generate(number, count):
        calls.append((number, count))
        logits = (
            random.normal(size=(count, 8, 5)) + 50 * np.eye(5)[generated[20 * number :][:count]]
        )
        return tf.nn.softmax(tf.constant(logits, tf.float32))

    values = dict(evaluator.run(generate))
    assert calls == [(0, 20), (1, 20), (2, 20)]
    assert [*values] == [f"jsd_{n}" for n in range(1, 7)] and evaluator.name in values
    assert [*values.values()] == [reference.divergence(generated[:45], n) for n in range(1, 7)]
    floor = evaluator.provenance["floor"]
    assert [*floor] == [*values] and all(floor[name] < values[name] for name in ("jsd_1", "jsd_2"))
    assert evaluator.provenance["reference"] == {
        "identity": None,
        "num_lines": 1000,
        "length": 8,
        "num_symbols": 5,
    }
