"""Measures, data and the saddle point, beside the numbers of the original code."""

import numpy as np
import pytest
import tensorflow as tf

from tests.original import numbers
from tf_ttur.data import text
from tf_ttur.data.disturbances import DISTURBANCES, original_swirl_radius
from tf_ttur.metrics import inception
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.metrics.ngrams import Reference
from tf_ttur.theory import saddle


@pytest.mark.parametrize(
    "kind, tolerance", [("full_rank", 1e-10), ("singular", 1e-6), ("shifted", 1e-10)]
)
def test_frechet_distance(kind, tolerance):
    arrays = numbers.below(numbers.read("frechet"), f"{kind}/")
    found = frechet_distance(
        arrays["mean_1"], arrays["covariance_1"], arrays["mean_2"], arrays["covariance_2"]
    )
    assert found == pytest.approx(float(arrays["distance"]), rel=tolerance)


@pytest.mark.parametrize("count, ending", [(200, ""), (197, "_of_197")])
def test_inception_score(count, ending):
    arrays = numbers.read("inception_score")
    score = InceptionScore(count)
    for first in range(0, count, 64):
        score.update(arrays["logits"][first : min(first + 64, count)])
    assert score.scores.mean() == pytest.approx(float(arrays[f"mean{ending}"]), rel=1e-6)
    assert score.scores.std() == pytest.approx(float(arrays[f"std{ending}"]), rel=1e-5)


def test_divergence_of_ngrams():
    arrays = numbers.read("ngrams")
    reference = Reference.of(arrays["reference"], 12)
    for lines, name in (
        (arrays["sample"], "divergence"),
        (arrays["reference"][:40], "divergence_of_first_40"),
    ):
        found = [reference.divergence(lines, n) for n in range(1, 7)]
        np.testing.assert_allclose(found, arrays[name], rtol=0, atol=1e-12)


class Draws:
    """Stands for a generator of random numbers: gives stored ones in their order."""

    def __init__(self, draws):
        self._draws = iter(draws)

    def _next(self, *_):
        return next(self._draws)

    random = _next
    choice = _next
    standard_normal = _next


def test_saddle_point(monkeypatch):
    arrays = numbers.read("saddle")
    for rates, path, objectives, norms in zip(
        arrays["rates"], arrays["paths"], arrays["objectives"], arrays["norms"], strict=True
    ):
        draws = Draws(arrays["noise"][:, :, None])
        monkeypatch.setattr(np.random, "default_rng", lambda _, draws=draws: draws)
        found = saddle.simulate(saddle.Rates(*rates), runs=1, steps=len(arrays["noise"]))
        np.testing.assert_allclose(found[..., 0], path, rtol=0, atol=1e-13)
        objective = saddle.objective(found[1:, 0, 0], found[1:, 1, 0])
        np.testing.assert_allclose(objective, objectives, rtol=1e-13)
        np.testing.assert_allclose(saddle.norms(found)[1:, 0], norms, rtol=1e-13)
    # The settings of the paper are those of the notebook.
    assert [tuple(rates) for rates in saddle.SETTINGS.values()] == [
        tuple(rates) for rates in arrays["rates"]
    ]


def draws_of(name, arrays, level):
    """The random draws of the original as those of the product, and the stored result."""
    size = arrays["image"].shape[0]
    if name.startswith("swirl"):
        return [-1 if name == "swirl_left" else 1]
    if name == "rectangles":
        side = int(DISTURBANCES[name].alphas[level] * size)
        return [(arrays["rectangle_corners"][level - 1] + 0.5) / (size - side + 1)]
    if name == "salt_and_pepper":
        # In the original a low number is white, in the product a high one.
        return [[arrays["salt_and_pepper_hit"], 1 - arrays["salt_and_pepper_colour"]]]
    return []


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize(
    "name", ["blur", "swirl_left", "swirl_right", "rectangles", "salt_and_pepper"]
)
def test_disturbances(name, level):
    arrays = numbers.read("disturbances")
    image = arrays["image"].astype(np.float32) / 127.5 - 1
    kind = DISTURBANCES[name.partition("_")[0] if name.startswith("swirl") else name]
    draws = Draws(draws_of(name, arrays, level))
    radius = original_swirl_radius(len(image))
    [found] = kind.apply(image[None], kind.alphas[level], [draws], radius)
    np.testing.assert_allclose(found, arrays[name][level - 1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("most, ending", [(2048, ""), (12, "_of_12")])
def test_lines_and_vocabulary(most, ending, tmp_path):
    arrays = numbers.read("text")
    (tmp_path / "news.en-00001-of-00100").write_bytes(arrays["text"].tobytes())
    lines = text.Lines(tmp_path, max_symbols=most)
    codes = arrays[f"lines{ending}"]
    # Ties in frequency stand in another order there, so sets and decoded lines are compared. 0
    # stands for "unk".
    expected = [["unk" if point == 0 else chr(point) for point in line] for line in codes]
    found = [[lines.vocabulary[code] for code in line] for line in lines.codes]
    assert found == expected
    symbols = ["unk" if point == 0 else chr(point) for point in arrays[f"vocabulary{ending}"]]
    assert lines.vocabulary[0] == symbols[0] == "unk"
    assert set(lines.vocabulary) == set(symbols) and len(lines.vocabulary) == len(symbols)


def altered_graph(content, scale):
    """The graph of 2015 with other batch norms, as README.md in this folder says."""
    graph = tf.compat.v1.GraphDef.FromString(content)
    nodes = {node.name: node for node in graph.node}
    unit = 0
    for node in graph.node:
        if node.op != "BatchNormWithGlobalNormalization":
            continue
        random = np.random.RandomState(1000 + unit)
        unit += 1
        mean, variance, beta, gamma = (nodes[name].attr["value"].tensor for name in node.input[1:5])
        count = tf.make_ndarray(mean).size
        shift = random.uniform(-0.1, 0.1, count)
        _replace(mean, tf.make_ndarray(mean) + shift)
        _replace(variance, random.uniform(0.5, 2.0, count))
        _replace(beta, tf.make_ndarray(beta) + random.uniform(-0.1, 0.1, count))
        _replace(gamma, random.uniform(0.7, 1.4, count))
        node.attr["scale_after_normalization"].b = scale
    assert unit == 94
    return graph.SerializeToString()


def _replace(tensor, values):
    shape = tf.make_ndarray(tensor).shape
    tensor.CopyFrom(tf.make_tensor_proto(values.astype(np.float32).reshape(shape)))


@pytest.mark.parametrize("scale", [False, True])
def test_inception(shared, scale):
    """Both readings of the batch norms' scale, with constants that make them differ."""
    content = (shared / "inception" / inception.GRAPH_FILE).read_bytes()
    arrays = numbers.read("inception")
    pool_3, logits = inception.Inception(altered_graph(content, scale))(arrays["images"])
    ending = "with_scale" if scale else "without_scale"
    for found, name in ((pool_3, "pool_3"), (logits, "logits")):
        expected = arrays[f"{name}_{ending}"]
        errors = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert errors.max() < 1e-5, name
