import dataclasses
import json

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from tf_ttur.metrics.frechet import CHOLESKY, FACTORS, explain, frechet_distance, trace_of_root


def moments(features):
    return features.mean(0), np.cov(features, rowvar=False)


def by_matrix_root(mu1, sigma1, mu2, sigma2):
    """The definition, with SciPy's matrix square root of the product."""
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return ((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * root.real)


def by_fifty_digits(mu1, sigma1, mu2, sigma2):
    """The definition for the very numbers given, singular or not, with 50 digits."""
    with mpmath.workdps(50):
        delta = mpmath.matrix(mu1) - mpmath.matrix(mu2)
        sigma1, sigma2 = mpmath.matrix(sigma1), mpmath.matrix(sigma2)
        eigenvalues, vectors = mpmath.eigsy(sigma1)
        root = (
            vectors * mpmath.diag([mpmath.sqrt(max(value, 0)) for value in eigenvalues]) * vectors.T
        )
        eigenvalues = mpmath.eigsy(root * sigma2 * root, eigvals_only=True)
        traces = sum(sigma1[i, i] + sigma2[i, i] for i in range(len(delta)))
        return float(
            (delta.T * delta)[0]
            + traces
            - 2 * sum(mpmath.sqrt(max(value, 0)) for value in eigenvalues)
        )


def covariance(random, condition, dimension=10):
    """Of this condition, with eigenvalues from 1 down."""
    basis = scipy.stats.special_ortho_group.rvs(dimension, random_state=random)
    sigma = (basis * np.geomspace(1, 1 / condition, dimension)) @ basis.T
    return (sigma + sigma.T) / 2


def integers(random, rank, dimension=10):
    """A covariance of this rank in exact arithmetic, without rounding."""
    factor = random.integers(-5, 6, (dimension, rank)).astype(np.float64)
    return factor @ factor.T


@pytest.fixture
def photographs(shared):
    """(2500, 2048) features of photographs, of the original network."""
    return np.load(shared / "data/flowers/pool3_official.npz", allow_pickle=False)["pool3"].astype(
        np.float64
    )


def test_golden_values():
    assert frechet_distance([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16])) == pytest.approx(
        13, abs=1e-12
    )
    assert frechet_distance([0.0], [[1.0]], [3.0], [[1.0]]) == pytest.approx(9, abs=1e-12)
    random = np.random.RandomState(0)
    x = random.randn(500, 8)
    y = random.randn(400, 8) * (np.arange(1, 9) / 4) + 0.3
    assert frechet_distance(*moments(x), *moments(y)) == pytest.approx(3.46834615213474, rel=1e-12)


def test_scale_and_symmetry():
    random = np.random.default_rng(1)
    first, second = moments(random.normal(size=(300, 6))), moments(random.normal(1, 2, (300, 6)))
    distance = frechet_distance(*first, *second)
    assert frechet_distance(*second, *first) == pytest.approx(distance, rel=1e-12)
    scaled = [(3 * mu, 9 * sigma) for mu, sigma in (first, second)]
    assert frechet_distance(*scaled[0], *scaled[1]) == pytest.approx(9 * distance, rel=1e-12)


def test_agrees_with_the_matrix_root():
    random = np.random.default_rng(2)
    mix = random.normal(size=(100, 100))
    first, second = (
        moments(random.normal(size=(1000, 100))),
        moments(random.normal(size=(1000, 100)) @ mix),
    )
    assert frechet_distance(*first, *second) == pytest.approx(
        by_matrix_root(*first, *second), rel=1e-9
    )


@pytest.mark.parametrize(
    "kind, first, second, path",
    [
        (covariance, 1e3, 1e1, CHOLESKY),
        (covariance, 1e6, 1e6, CHOLESKY),
        (covariance, 1e10, 1e2, CHOLESKY),
        (covariance, 1e12, 1e12, FACTORS),
        (integers, 4, 7, FACTORS),
        (integers, 3, 3, FACTORS),
        (integers, 10, 4, FACTORS),
        (integers, 0, 10, FACTORS),
    ],
)
def test_agrees_with_fifty_digits(kind, first, second, path):
    random = np.random.default_rng(4)
    moments = (
        random.normal(size=10),
        kind(random, first),
        random.normal(size=10),
        kind(random, second),
    )
    expected = by_fifty_digits(*moments)
    assert frechet_distance(*moments) == pytest.approx(expected, rel=1e-11)
    explanation = explain(*moments)
    assert (explanation.path, explanation.value) == (path, frechet_distance(*moments))
    if kind is integers:
        assert explanation.ranks == [first, second]
        assert [condition is None for condition in explanation.conditions] == [
            first < 10,
            second < 10,
        ]
    else:
        assert explanation.ranks == [10, 10]
        assert explanation.conditions == pytest.approx([first, second], rel=1e-2)


@pytest.mark.parametrize("rank", [0, 1, 30, 64])
def test_distance_to_itself_is_zero(rank):
    sigma = integers(np.random.default_rng(3), rank, 64)
    assert frechet_distance(np.ones(64), sigma, np.ones(64), sigma) <= 1e-8 * np.trace(sigma)


@pytest.mark.parametrize("exponent", [0, 2, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20])
def test_the_root_of_a_covariance_with_itself_is_its_trace(exponent):
    """Whatever its condition, across the limit between both paths. Not by the distance, which is
    never below 0.
    """
    random = np.random.default_rng(5)
    basis = scipy.stats.special_ortho_group.rvs(40, random_state=random)
    for spectrum in (
        np.geomspace(1, 10**-exponent, 40),
        np.repeat([1, 10**-exponent], [1, 39]),
        np.repeat([1, 10**-exponent], [20, 20]),
    ):
        sigma = (basis * spectrum) @ basis.T
        sigma = (sigma + sigma.T) / 2
        assert 2 * trace_of_root(sigma, sigma) == pytest.approx(2 * np.trace(sigma), rel=1e-8)


def test_collapsed_samples():
    sigma = np.diag([1.0, 2.0, 3.0])
    assert frechet_distance(np.zeros(3), np.zeros((3, 3)), np.ones(3), sigma) == pytest.approx(9)


def test_rank_deficient_covariances_give_the_true_distance():
    # Gaussians in two-dimensional subspaces that share one axis: the distance is that of diagonal
    # matrices.
    first, second = np.diag([4.0, 9.0, 0, 0]), np.diag([0, 1.0, 16.0, 0])
    rotation = scipy.stats.special_ortho_group.rvs(4, random_state=0)
    zero = np.zeros(4)
    distance = frechet_distance(
        zero, rotation @ first @ rotation.T, zero, rotation @ second @ rotation.T
    )
    # 2^2 + (3 - 1)^2 + 4^2. Rounding of the covariances (1e-15) moves the root by the root of that.
    assert distance == pytest.approx(4 + 4 + 16, rel=1e-7)


def test_real_features_against_the_matrix_root(photographs):
    # 2,500 photographs and a resample of them with noise: both covariances are of full rank, as the
    # matrix root needs it.
    random = np.random.default_rng(6)
    resample = 1.1 * photographs[random.integers(0, len(photographs), 10_000)] + random.normal(
        0, 0.05, (10_000, 2048)
    )
    first, second = moments(photographs), moments(resample)
    explanation = explain(*first, *second)
    assert (explanation.path, explanation.ranks) == (CHOLESKY, [2048, 2048])
    expected = by_matrix_root(*first, *second)
    assert explanation.value == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(*second, *first) == pytest.approx(expected, rel=1e-6)
    assert trace_of_root(first[1], first[1]) == pytest.approx(np.trace(first[1]), rel=1e-9)


def test_real_features_fewer_than_dimensions(photographs):
    # In halves both covariances are singular.
    half = len(photographs) // 2
    first, second = moments(photographs[:half]), moments(photographs[half:])
    explanation = explain(*first, *second)
    # Oracle: the same nuclear norm straight from the centred data, without any covariance.
    centred = [
        (f - f.mean(0)) / np.sqrt(len(f) - 1) for f in (photographs[:half], photographs[half:])
    ]
    overlap = scipy.linalg.svdvals(centred[0] @ centred[1].T).sum()
    expected = (
        ((first[0] - second[0]) ** 2).sum() + np.trace(first[1]) + np.trace(second[1]) - 2 * overlap
    )
    assert explanation.value == pytest.approx(expected, rel=1e-8)
    assert explanation.path == FACTORS and explanation.conditions == [None, None]
    assert explanation.ranks == [np.linalg.matrix_rank(f) for f in centred]
    assert trace_of_root(first[1], first[1]) == pytest.approx(np.trace(first[1]), rel=1e-9)


def test_explanation():
    found = explain([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16]))
    assert (found.value, found.mean_term, found.traces, found.trace_of_root) == (
        pytest.approx(13),
        5,
        [5, 25],
        pytest.approx(11),
    )
    assert (found.path, found.dimension, found.ranks, found.conditions) == (
        CHOLESKY,
        2,
        [2, 2],
        [4, pytest.approx(16 / 9)],
    )
    lines = str(found).splitlines()
    assert lines[0] == "distance = 5 (means) + 5 + 25 (traces) - 2 * 11 (trace of the root)"
    assert lines[1].startswith(f"root by {CHOLESKY}: rounding moves the distance by at most ")
    assert lines[2] == "covariances of rank 2 and 2 of 2, condition 4.0e+00 and 1.8e+00"
    singular = explain([0, 0], np.diag([1, 0]), [0, 0], np.diag([1, 4]))
    assert json.loads(json.dumps(dataclasses.asdict(singular), allow_nan=False))["conditions"] == [
        None,
        4,
    ]
    assert str(singular).splitlines()[1:] == [
        f"root by {FACTORS}: the first covariance has no Cholesky factor",
        "covariances of rank 1 and 2 of 2, condition infinite and 4.0e+00",
    ]
    assert "singular" in explain([0, 0], np.diag([1, 4]), [0, 0], np.diag([1, 0])).reason
    # Each eigenvalue is above rounding error, but for the sum of their roots that is not enough.
    assert (
        "could move"
        in explain([0] * 9, np.diag([1] + [1e-7] * 8), [0] * 9, np.diag([1] + [1e-7] * 8)).reason
    )


def test_wrong_input():
    eye = np.eye(2)
    with pytest.raises(ValueError, match="shapes"):
        frechet_distance(np.zeros(3), eye, np.zeros(2), eye)
    with pytest.raises(ValueError, match="2 and of 1"):
        frechet_distance(np.zeros(2), eye, np.zeros(1), np.eye(1))
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(np.zeros(2), eye * np.nan, np.zeros(2), eye)


def test_the_root_is_a_metric():
    """Zero for equal moments alone, symmetric, and no way round is shorter (it is the Wasserstein
    distance of Gaussians).
    """
    random = np.random.default_rng(8)
    points = []
    for _ in range(12):
        factor = random.standard_normal((5, 5)) * random.uniform(0.1, 2)
        points.append((random.standard_normal(5), factor @ factor.T))
    roots = np.array([[np.sqrt(frechet_distance(*a, *b)) for b in points] for a in points])
    np.testing.assert_allclose(roots, roots.T, rtol=1e-9, atol=1e-6)
    assert (np.diagonal(roots) < 1e-6).all() and (roots + np.eye(12) > 0.1).all()
    assert (roots[:, None, :] <= roots[:, :, None] + roots[None, :, :] + 1e-9).all()


def test_the_bias_falls_as_one_over_n():
    """Of samples of one distribution against it: the mean distance times n is nearly constant."""
    random = np.random.default_rng(9)
    means = [
        np.mean(
            [
                frechet_distance(x.mean(0), np.cov(x, rowvar=False), np.zeros(4), np.eye(4))
                for x in random.standard_normal((300, n, 4))
            ]
        )
        for n in (50, 200, 800)
    ]
    np.testing.assert_allclose(np.array(means) * (50, 200, 800), means[-1] * 800, rtol=0.15)
