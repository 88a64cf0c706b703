import numpy as np
import pytest
import scipy.spatial
import sklearn.neighbors

from tf_ttur.metrics import neighbours as module
from tf_ttur.metrics import uncertainty
from tf_ttur.metrics.neighbours import neighbours


def by_definition(real, generated, k):
    """The four measures from exact differences: equal features are at equal distances."""
    cdist = scipy.spatial.distance.cdist
    radii = [np.sort(cdist(side, side), axis=1)[:, k] for side in (real, generated)]
    distances = cdist(real, generated)
    in_real = distances <= radii[0][:, None]
    return {
        "precision": in_real.any(0).mean(),
        "recall": (distances <= radii[1]).any(1).mean(),
        "density": in_real.sum(0).mean() / k,
        "coverage": in_real.any(1).mean(),
    }


def values(*sides, **options):
    return {name: value for name, (value, _) in neighbours(*sides, **options).items()}


def by_scikit_learn(real, generated, k):
    def radii(features):
        tree = sklearn.neighbors.NearestNeighbors(n_neighbors=k + 1).fit(features)
        return tree.kneighbors(features)[0][:, -1]  # the first neighbour is the feature itself

    distances = sklearn.metrics.pairwise_distances(real, generated)
    in_real = distances <= radii(real)[:, None]
    in_generated = distances <= radii(generated)
    return {
        "precision": in_real.any(0).mean(),
        "recall": in_generated.any(1).mean(),
        "density": in_real.sum(0).mean() / k,
        "coverage": in_real.any(1).mean(),
    }


@pytest.mark.parametrize("shift, k", [(0.0, 5), (0.7, 3), (5.0, 5)])
def test_against_scikit_learn(shift, k):
    random = np.random.default_rng(0)
    real = random.standard_normal((1203, 8)) + 100
    generated = random.standard_normal((751, 8)) * 0.9 + 100 + shift
    results = neighbours(real, generated, k)
    expected = by_scikit_learn(real, generated, k)
    assert {name: value for name, (value, _) in results.items()} == pytest.approx(
        expected, abs=1e-12
    )
    real_group = uncertainty.group_numbers(0, len(real))
    generated_group = uncertainty.group_numbers(0, len(generated))
    without_real = [by_scikit_learn(real[real_group != g], generated, k) for g in range(10)]
    without_generated = [
        by_scikit_learn(real, generated[generated_group != g], k) for g in range(10)
    ]
    for name, (_, error) in results.items():
        variance = 0
        for side in (without_real, without_generated):
            without_one = np.array([measures[name] for measures in side])
            variance += 0.9 * np.sum((without_one - without_one.mean()) ** 2)
        assert error == pytest.approx(np.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_blocks_in_float32_give_the_same(monkeypatch, dtype):
    """Many features are compared in float32, in blocks, with a share of them as bounds.

    Of some 9,000 pairs of neighbours, one or two may be so near the edge that rounding decides.
    """
    random = np.random.default_rng(5)
    real = (random.standard_normal((903, 16)) + 10).astype(dtype)
    generated = (random.standard_normal((1100, 16)) * 0.9 + 10.1).astype(dtype)
    generated[:200] = real[:200]  # ties: these are at distances that others have within their side
    expected = by_definition(real.astype(np.float64), generated.astype(np.float64), 5)
    in_one_block = neighbours(real, generated)
    assert values(real, generated) == pytest.approx(expected, abs=1e-12)
    monkeypatch.setattr(module, "_MOST_IN_FLOAT64", 0)
    monkeypatch.setattr(module, "_BLOCK", 128)
    monkeypatch.setattr(module, "_PAIRS", 100)
    results = neighbours(real, generated)
    for name, result in results.items():
        assert result == pytest.approx(in_one_block[name], rel=5e-4, abs=1e-12), name


def test_the_error_is_no_smaller_than_the_spread():
    """The mean variance of a jackknife is not too small (Efron and Stein 1981).

    Features share neighbours, which makes it up to four times too large here.
    """
    random = np.random.default_rng(4)
    results = [
        neighbours(random.standard_normal((200, 8)), 0.8 * random.standard_normal((300, 8)) + 0.2)
        for _ in range(60)
    ]
    for name in results[0]:
        value, error = np.array([result[name] for result in results]).T
        spread = value.std(ddof=1)  # has a relative error of a tenth
        assert 0.8 < np.sqrt(np.mean(error**2)) / spread < 2.4, name
        assert np.mean(np.abs(value - value.mean()) < 2.26 * error) >= 0.9, name


def test_toy_values():
    """On a line, with k = 1: real 0, 1, 10; generated 0.5, 1.5, 30."""
    measures = values(np.array([[0.0], [1.0], [10.0]]), np.array([[0.5], [1.5], [30.0]]), k=1)
    # Real balls: [-1, 1], [0, 2], [1, 19]. Generated balls: [-0.5, 1.5], [0.5, 2.5], [1.5, 58.5].
    assert measures == {
        "precision": 2 / 3,
        "recall": 1.0,
        "density": pytest.approx(4 / 3),
        "coverage": 1.0,
    }


def test_collapse_has_precision_and_no_recall():
    random = np.random.default_rng(1)
    real = random.standard_normal((500, 4))
    collapsed = real[:1] + 1e-3 * random.standard_normal((500, 4))
    measures = values(real, collapsed)
    assert measures["precision"] == 1
    assert measures["recall"] < 0.05
    assert measures["coverage"] < 0.1


@pytest.mark.parametrize("most", [0, 5000])
def test_copies_are_at_distance_0(monkeypatch, most):
    monkeypatch.setattr(module, "_MOST_IN_FLOAT64", most)
    monkeypatch.setattr(module, "_BLOCK", 64)
    points = np.random.default_rng(3).standard_normal((50, 64)) * 10 + 5
    copies = np.repeat(points, 10, axis=0)
    measures = values(copies, copies[::-1])
    assert measures["precision"] == measures["recall"] == measures["coverage"] == 1
    one_image = np.repeat(points[:1], 500, axis=0)
    measures = values(copies, one_image)
    assert measures["precision"] == 1
    assert measures["recall"] == measures["coverage"] == 10 / 500


def test_equal_sides_and_too_few():
    features = np.random.default_rng(2).standard_normal((100, 3))
    measures = values(features, features)
    assert measures["precision"] == measures["recall"] == measures["coverage"] == 1
    with pytest.raises(ValueError, match="more than k = 5"):
        neighbours(features[:5], features)
    assert all(np.isnan(error) for _, error in neighbours(features[:19], features).values())
