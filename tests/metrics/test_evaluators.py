import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.metrics import extraction, measures, ngrams, statistics
from tf_ttur.metrics.evaluators import ImageEvaluator, NgramEvaluator
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.kernel_distance import kernel_distance
from tf_ttur.metrics.measures.comparison import Side
from tf_ttur.metrics.neighbours import neighbours
from tf_ttur.metrics.pixels import PixelPooling


@pytest.mark.parametrize("quantisation, whole", [("float", np.positive), ("truncate", np.floor)])
def test_distance_of_generated_images(quantisation, whole):
    generated = np.random.default_rng(0).uniform(-1, 1, (600, 16, 16, 3)).astype(np.float32)
    real = np.random.default_rng(1).integers(0, 256, (400, 16, 16, 3), np.uint8)
    reference = extraction.compute([real], PixelPooling(), {}, "real")
    evaluator = ImageEvaluator(PixelPooling(), reference, 450, 200, 64, quantisation)
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


def test_all_measures_in_one_pass():
    random = np.random.default_rng(0)
    generated = random.uniform(-1, 1, (300, 16, 16, 3)).astype(np.float32)
    real = random.integers(0, 256, (200, 16, 16, 3)).astype(np.uint8)
    network = PixelPooling()
    names = ["kid:degree=2", "fid", "prdc"]
    collectors = measures.collectors_of(measures.find(names).values(), False, False)
    reference = Side("real", network.dimension, 200, collectors)
    reference.statistics = extraction.compute(
        [real], network, {}, "real", observers=[reference.observe]
    )
    evaluator = ImageEvaluator(network, reference, 300, 100, 64, "round", names, seed=1)
    calls = []

    def generate(number, count):
        calls.append(number)
        return tf.constant(generated[100 * number :][:count])

    values = dict(evaluator.run(generate))
    assert calls == [0, 1, 2]
    assert evaluator.name == "kid_degree_2_pixels"
    assert evaluator.names == tuple(values)
    levels = np.round((generated + 1) * 127.5)
    first, second = (network(images)[0].numpy() for images in (levels, real))
    assert values == pytest.approx(
        {
            "kid_degree_2_pixels": kernel_distance(first, second, seed=1, degree=2)[0],
            "frechet_pixels": statistics.distance(
                extraction.compute([levels], network, {}, "generated"), reference.statistics
            ),
            **{f"{name}_pixels": value for name, (value, _) in neighbours(second, first).items()},
        },
        rel=1e-4,
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
