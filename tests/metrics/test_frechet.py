import numpy as np
import pytest
import scipy.linalg

from tf_ttur.metrics.frechet import frechet_distance


def moments(features):
    return features.mean(0), np.cov(features, rowvar=False)


def by_matrix_root(mu1, sigma1, mu2, sigma2):
    """The definition, with SciPy's matrix square root of the product."""
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return ((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * root.real)


def test_golden_values():
    assert frechet_distance([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16])) == pytest.approx(13, abs=1e-12)
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
    first, second = moments(random.normal(size=(1000, 100))), moments(random.normal(size=(1000, 100)) @ mix)
    assert frechet_distance(*first, *second) == pytest.approx(by_matrix_root(*first, *second), rel=1e-9)


@pytest.mark.parametrize("rank", [0, 1, 30, 64])
def test_distance_to_itself_is_zero(rank):
    factor = np.random.default_rng(3).normal(size=(64, rank))
    sigma = factor @ factor.T
    assert frechet_distance(np.ones(64), sigma, np.ones(64), sigma) <= 1e-8 * max(np.trace(sigma), 1)


def test_collapsed_samples():
    sigma = np.diag([1.0, 2.0, 3.0])
    assert frechet_distance(np.zeros(3), np.zeros((3, 3)), np.ones(3), sigma) == pytest.approx(9)


def test_rank_deficient_covariances_give_the_true_distance():
    # Gaussians in two-dimensional subspaces that share one axis: the distance is that of diagonal matrices.
    first, second = np.diag([4.0, 9.0, 0, 0]), np.diag([0, 1.0, 16.0, 0])
    rotation = scipy.stats.special_ortho_group.rvs(4, random_state=0)
    zero = np.zeros(4)
    distance = frechet_distance(zero, rotation @ first @ rotation.T, zero, rotation @ second @ rotation.T)
    # 2^2 + (3 - 1)^2 + 4^2. Rounding of the covariances (1e-15) moves the root by the root of that.
    assert distance == pytest.approx(4 + 4 + 16, rel=1e-7)


def test_real_features_at_full_size(shared):
    features = np.load(shared / "data/flowers/pool3_official.npz", allow_pickle=False)
    features = next(features[name] for name in features.files if features[name].ndim == 2 and features[name].shape[1] == 2048).astype(np.float64)
    # 2,500 photographs in halves: both covariances are singular, as with too few samples.
    half = len(features) // 2
    first, second = moments(features[:half]), moments(features[half:])
    distance = frechet_distance(*first, *second)
    # Oracle: the same nuclear norm straight from the centred data, without any covariance.
    centred = [(f - f.mean(0)) / np.sqrt(len(f) - 1) for f in (features[:half], features[half:])]
    overlap = scipy.linalg.svdvals(centred[0] @ centred[1].T).sum()
    expected = ((first[0] - second[0]) ** 2).sum() + np.trace(first[1]) + np.trace(second[1]) - 2 * overlap
    assert distance == pytest.approx(expected, rel=1e-8)


def test_wrong_input():
    eye = np.eye(2)
    with pytest.raises(ValueError, match="shapes"):
        frechet_distance(np.zeros(3), eye, np.zeros(2), eye)
    with pytest.raises(ValueError, match="2 and of 1"):
        frechet_distance(np.zeros(2), eye, np.zeros(1), np.eye(1))
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(np.zeros(2), eye * np.nan, np.zeros(2), eye)


def test_the_root_is_a_metric():
    """Zero for equal moments alone, symmetric, and no way round is shorter (it is the Wasserstein distance of Gaussians)."""
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
    means = [np.mean([frechet_distance(x.mean(0), np.cov(x, rowvar=False), np.zeros(4), np.eye(4)) for x in random.standard_normal((300, n, 4))]) for n in (50, 200, 800)]
    np.testing.assert_allclose(np.array(means) * (50, 200, 800), means[-1] * 800, rtol=0.15)
