import numpy as np
import pytest
import sklearn.neighbors

from tf_ttur.metrics import uncertainty
from tf_ttur.metrics.neighbours import neighbours


def values(*sides, **options):
    return {name: value for name, (value, _) in neighbours(*sides, **options).items()}


def by_scikit_learn(real, generated, k):
    def balls(features):
        tree = sklearn.neighbors.NearestNeighbors(n_neighbors=k + 1).fit(features)
        return tree.kneighbors(features)[0][:, -1]  # itself is the first

    distances = sklearn.metrics.pairwise_distances(real, generated)
    in_real, in_generated = distances <= balls(real)[:, None], distances <= balls(generated)
    return {
        "precision": in_real.any(0).mean(),
        "recall": in_generated.any(1).mean(),
        "density": in_real.sum(0).mean() / k,
        "coverage": in_real.any(1).mean(),
    }


@pytest.mark.parametrize("shift, k", [(0.0, 5), (0.7, 3), (5.0, 5)])
def test_against_scikit_learn(shift, k):
    random = np.random.default_rng(0)
    real, generated = (
        random.standard_normal((1203, 8)) + 100,
        random.standard_normal((751, 8)) * 0.9 + 100 + shift,
    )
    found = neighbours(real, generated, k)
    assert {name: value for name, (value, _) in found.items()} == pytest.approx(
        by_scikit_learn(real, generated, k), abs=1e-12
    )
    groups = [uncertainty.group_numbers(0, len(side)) for side in (real, generated)]
    left_out = (
        [by_scikit_learn(real[groups[0] != g], generated, k) for g in range(10)],
        [by_scikit_learn(real, generated[groups[1] != g], k) for g in range(10)],
    )
    for name, (_, error) in found.items():
        variances = [
            0.9 * sum((each[name] - np.mean([one[name] for one in side])) ** 2 for each in side)
            for side in left_out
        ]
        assert error == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)


def test_the_error_is_no_smaller_than_the_spread():
    """Efron and Stein 1981: in the mean a jackknife's variance is not too small. What neighbours
    share makes it up to four times too large.
    """
    random = np.random.default_rng(4)
    found = [
        neighbours(random.standard_normal((200, 8)), 0.8 * random.standard_normal((300, 8)) + 0.2)
        for _ in range(60)
    ]
    for name in found[0]:
        value, error = np.array([each[name] for each in found]).T
        spread = value.std(ddof=1)  # known to a tenth of it
        assert 0.8 < np.sqrt(np.mean(error**2)) / spread < 2.4, name
        assert np.mean(np.abs(value - value.mean()) < 2.26 * error) >= 0.9, name


def test_toy_values():
    """On a line, with k = 1: real 0, 1, 10; generated 0.5, 1.5, 30."""
    found = values(np.array([[0.0], [1.0], [10.0]]), np.array([[0.5], [1.5], [30.0]]), k=1)
    # Real balls: [-1, 1], [0, 2], [1, 19]. Generated balls: [-0.5, 1.5], [0.5, 2.5], [1.5, 58.5].
    assert found == {
        "precision": 2 / 3,
        "recall": 1.0,
        "density": pytest.approx(4 / 3),
        "coverage": 1.0,
    }


def test_collapse_has_precision_and_no_recall():
    random = np.random.default_rng(1)
    real = random.standard_normal((500, 4))
    collapsed = real[:1] + 1e-3 * random.standard_normal((500, 4))
    found = values(real, collapsed)
    assert found["precision"] == 1 and found["recall"] < 0.05 and found["coverage"] < 0.1


def test_copies_are_at_distance_0():
    points = np.random.default_rng(3).standard_normal((50, 64)) * 10 + 5
    copies = np.repeat(points, 10, axis=0)
    found = values(copies, copies[::-1])
    assert found["precision"] == found["recall"] == found["coverage"] == 1


def test_equal_sides_and_too_few():
    features = np.random.default_rng(2).standard_normal((100, 3))
    found = values(features, features)
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    with pytest.raises(ValueError, match="more than k = 5"):
        neighbours(features[:5], features)
    assert all(np.isnan(error) for _, error in neighbours(features[:19], features).values())
