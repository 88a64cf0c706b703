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
    """The distance by its definition, with SciPy's matrix square root of the product."""
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return ((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * root.real)


def by_fifty_digits(mu1, sigma1, mu2, sigma2):
    """The distance by its definition, with 50 digits, of exactly these numbers.

    The covariances may be singular.
    """
    with mpmath.workdps(50):
        delta = mpmath.matrix(mu1) - mpmath.matrix(mu2)
        sigma1 = mpmath.matrix(sigma1)
        sigma2 = mpmath.matrix(sigma2)
        eigenvalues, vectors = mpmath.eigsy(sigma1)
        roots = [mpmath.sqrt(max(value, 0)) for value in eigenvalues]
        root = vectors * mpmath.diag(roots) * vectors.T
        eigenvalues = mpmath.eigsy(root * sigma2 * root, eigvals_only=True)
        trace_of_root = sum(mpmath.sqrt(max(value, 0)) for value in eigenvalues)
        traces = sum(sigma1[i, i] + sigma2[i, i] for i in range(len(delta)))
        return float((delta.T * delta)[0] + traces - 2 * trace_of_root)


def covariance(random, condition, dimension=10):
    """A covariance of this condition, with eigenvalues from 1 down."""
    basis = scipy.stats.special_ortho_group.rvs(dimension, random_state=random)
    sigma = (basis * np.geomspace(1, 1 / condition, dimension)) @ basis.T
    return (sigma + sigma.T) / 2


def integers(random, rank, dimension=10):
    """A covariance of exactly this rank: its numbers are integers, without rounding."""
    factor = random.integers(-5, 6, (dimension, rank)).astype(np.float64)
    return factor @ factor.T


@pytest.fixture
def photographs(shared):
    """(2500, 2048) features of photographs by the original network."""
    with np.load(shared / "data/flowers/pool3_official.npz", allow_pickle=False) as features:
        return features["pool3"].astype(np.float64)


def test_golden_values():
    distance = frechet_distance([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16]))
    assert distance == pytest.approx(13, abs=1e-12)
    assert frechet_distance([0.0], [[1.0]], [3.0], [[1.0]]) == pytest.approx(9, abs=1e-12)
    random = np.random.RandomState(0)
    x = random.randn(500, 8)
    y = random.randn(400, 8) * (np.arange(1, 9) / 4) + 0.3
    assert frechet_distance(*moments(x), *moments(y)) == pytest.approx(3.46834615213474, rel=1e-12)


def test_scale_and_symmetry():
    random = np.random.default_rng(1)
    first = moments(random.normal(size=(300, 6)))
    second = moments(random.normal(1, 2, (300, 6)))
    distance = frechet_distance(*first, *second)
    assert frechet_distance(*second, *first) == pytest.approx(distance, rel=1e-12)
    scaled = [(3 * mu, 9 * sigma) for mu, sigma in (first, second)]
    assert frechet_distance(*scaled[0], *scaled[1]) == pytest.approx(9 * distance, rel=1e-12)


def test_agrees_with_the_matrix_root():
    random = np.random.default_rng(2)
    mix = random.normal(size=(100, 100))
    first = moments(random.normal(size=(1000, 100)))
    second = moments(random.normal(size=(1000, 100)) @ mix)
    expected = by_matrix_root(*first, *second)
    assert frechet_distance(*first, *second) == pytest.approx(expected, rel=1e-9)


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
    assert explanation.path == path
    assert explanation.value == frechet_distance(*moments)
    if kind is integers:
        assert explanation.ranks == [first, second]
        singular = [condition is None for condition in explanation.conditions]
        assert singular == [first < 10, second < 10]
    else:
        assert explanation.ranks == [10, 10]
        assert explanation.conditions == pytest.approx([first, second], rel=1e-2)


@pytest.mark.parametrize("rank", [0, 1, 30, 64])
def test_distance_to_itself_is_zero(rank):
    sigma = integers(np.random.default_rng(3), rank, 64)
    assert frechet_distance(np.ones(64), sigma, np.ones(64), sigma) <= 1e-8 * np.trace(sigma)


@pytest.mark.parametrize("exponent", [0, 2, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20])
def test_the_root_of_a_covariance_with_itself_is_its_trace(exponent):
    """This holds for all conditions, across the limit between both paths.

    The distance would not show it, as it is never below 0.
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
    first = np.diag([4.0, 9.0, 0, 0])
    second = np.diag([0, 1.0, 16.0, 0])
    rotation = scipy.stats.special_ortho_group.rvs(4, random_state=0)
    zero = np.zeros(4)
    distance = frechet_distance(
        zero, rotation @ first @ rotation.T, zero, rotation @ second @ rotation.T
    )
    # 2^2 + (3 - 1)^2 + 4^2. A rounding error of the covariances (1e-15) moves the root by its root.
    assert distance == pytest.approx(4 + 4 + 16, rel=1e-7)


@pytest.mark.slow
def test_real_features_against_the_matrix_root(photographs):
    # 2,500 photographs and a resample of them with noise: both covariances have full rank, which
    # the matrix root needs.
    random = np.random.default_rng(6)
    resample = 1.1 * photographs[random.integers(0, len(photographs), 10_000)]
    resample += random.normal(0, 0.05, (10_000, 2048))
    first = moments(photographs)
    second = moments(resample)
    explanation = explain(*first, *second)
    assert explanation.path == CHOLESKY
    assert explanation.ranks == [2048, 2048]
    expected = by_matrix_root(*first, *second)
    assert explanation.value == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(*second, *first) == pytest.approx(expected, rel=1e-6)
    assert trace_of_root(first[1], first[1]) == pytest.approx(np.trace(first[1]), rel=1e-9)


def test_real_features_fewer_than_dimensions(photographs):
    # Each half has fewer photographs than features, so both covariances are singular.
    middle = len(photographs) // 2
    halves = [photographs[:middle], photographs[middle:]]
    first, second = map(moments, halves)
    explanation = explain(*first, *second)
    # Oracle: the same nuclear norm straight from the centred data, without any covariance.
    centred = [(half - half.mean(0)) / np.sqrt(len(half) - 1) for half in halves]
    overlap = scipy.linalg.svdvals(centred[0] @ centred[1].T).sum()
    mean_term = ((first[0] - second[0]) ** 2).sum()
    expected = mean_term + np.trace(first[1]) + np.trace(second[1]) - 2 * overlap
    assert explanation.value == pytest.approx(expected, rel=1e-8)
    assert explanation.path == FACTORS
    assert explanation.conditions == [None, None]
    assert explanation.ranks == [np.linalg.matrix_rank(features) for features in centred]
    assert trace_of_root(first[1], first[1]) == pytest.approx(np.trace(first[1]), rel=1e-9)


def test_explanation():
    explanation = explain([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16]))
    assert explanation.value == pytest.approx(13)
    assert explanation.mean_term == 5
    assert explanation.traces == [5, 25]
    assert explanation.trace_of_root == pytest.approx(11)
    assert explanation.path == CHOLESKY
    assert explanation.dimension == 2
    assert explanation.ranks == [2, 2]
    assert explanation.conditions == [4, pytest.approx(16 / 9)]
    lines = str(explanation).splitlines()
    assert lines[0] == "distance = 5 (means) + 5 + 25 (traces) - 2 * 11 (trace of the root)"
    assert lines[1].startswith(f"Method for the root: {CHOLESKY}, as rounding moves the distance ")
    assert lines[2] == (
        "Ranks of the covariances: 2 and 2 of 2. Condition numbers: 4.0e+00 and 1.8e+00."
    )


def test_explanation_of_singular_covariances():
    singular = explain([0, 0], np.diag([1, 0]), [0, 0], np.diag([1, 4]))
    content = json.loads(json.dumps(dataclasses.asdict(singular), allow_nan=False))
    assert content["conditions"] == [None, 4]
    assert str(singular).splitlines()[1:] == [
        f"Method for the root: {FACTORS}, as the first covariance is singular.",
        "Ranks of the covariances: 1 and 2 of 2. Condition numbers: infinite and 4.0e+00.",
    ]
    both = explain([0, 0], np.diag([1, 0]), [0, 0], np.diag([1, 0]))
    assert str(both).endswith("Condition numbers: infinite, as both are singular.")
    assert "singular" in explain([0, 0], np.diag([1, 4]), [0, 0], np.diag([1, 0])).reason
    # Each eigenvalue is above rounding error, but that is not enough for the sum of their roots.
    sigma = np.diag([1] + [1e-7] * 8)
    assert "could move" in explain([0] * 9, sigma, [0] * 9, sigma).reason


def test_wrong_input():
    eye = np.eye(2)
    with pytest.raises(ValueError, match="shapes"):
        frechet_distance(np.zeros(3), eye, np.zeros(2), eye)
    with pytest.raises(ValueError, match="2 and of 1"):
        frechet_distance(np.zeros(2), eye, np.zeros(1), np.eye(1))
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(np.zeros(2), eye * np.nan, np.zeros(2), eye)


def test_the_root_is_a_metric():
    """It is the Wasserstein distance of Gaussians.

    It is zero for equal moments only, it is symmetric, and it obeys the triangle inequality.
    """
    random = np.random.default_rng(8)
    points = []
    for _ in range(12):
        factor = random.standard_normal((5, 5)) * random.uniform(0.1, 2)
        points.append((random.standard_normal(5), factor @ factor.T))
    roots = np.array([[np.sqrt(frechet_distance(*a, *b)) for b in points] for a in points])
    np.testing.assert_allclose(roots, roots.T, rtol=1e-9, atol=1e-6)
    assert (np.diagonal(roots) < 1e-6).all()
    assert (roots + np.eye(12) > 0.1).all()
    assert (roots[:, None, :] <= roots[:, :, None] + roots[None, :, :] + 1e-9).all()


def test_the_bias_falls_as_one_over_n():
    """The mean distance of n samples from their own distribution, times n, is nearly constant."""
    random = np.random.default_rng(9)
    products = []
    for n in (50, 200, 800):
        samples = random.standard_normal((300, n, 4))
        distances = [frechet_distance(*moments(x), np.zeros(4), np.eye(4)) for x in samples]
        products.append(n * np.mean(distances))
    np.testing.assert_allclose(products, products[-1], rtol=0.15)
