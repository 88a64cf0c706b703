import numpy as np
import pytest

from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.uncertainty import GroupedMoments, difference, frechet, interval

DIMENSION = 6


def grouped(features, groups=10, batch_size=37):
    sample = GroupedMoments(features.shape[1], groups)
    for start in range(0, len(features), batch_size):
        sample.update(features[start : start + batch_size])
    return sample


def pair(features):
    return features.mean(0), np.cov(features, rowvar=False)


def gaussian(seed):
    random = np.random.default_rng(seed)
    factor = random.standard_normal((DIMENSION, DIMENSION)) / 2
    return random.standard_normal(DIMENSION) / 2, factor @ factor.T + np.eye(DIMENSION) / 4


def draw(random, mean, covariance, count):
    return mean + random.standard_normal((count, DIMENSION)) @ np.linalg.cholesky(covariance).T


def numbers(count, groups=10):
    """(count,) groups of the first features, found by adding them one at a time."""
    sample = GroupedMoments(1, groups)
    chosen = []
    for _ in range(count):
        before = [group.count for group in sample.groups]
        sample.update(np.zeros((1, 1)))
        after = [group.count for group in sample.groups]
        chosen.append(np.argmax(np.subtract(after, before)))
    return np.array(chosen)


def test_groups_do_not_depend_on_the_batches():
    features = np.random.default_rng(0).standard_normal((103, 4))
    group = numbers(103, 5)
    blocks = group[:100].reshape(-1, 5)
    assert all(sorted(block) == [0, 1, 2, 3, 4] for block in blocks)
    assert len({tuple(block) for block in blocks}) > 5  # the order changes
    for batch_size in (1, 37, 200):
        sample = grouped(features, 5, batch_size)
        for number, moments in enumerate(sample.groups):
            np.testing.assert_allclose(moments.mean, features[group == number].mean(0), rtol=1e-12)
        total = sample.total()
        np.testing.assert_allclose(total.covariance, np.cov(features, rowvar=False), rtol=1e-12)
        for number, rest in enumerate(sample.without_one()):
            np.testing.assert_allclose(
                rest.covariance, np.cov(features[group != number], rowvar=False), rtol=1e-12
            )


def test_classes_that_alternate_do_no_harm():
    """Ten classes in turn, as from a class-conditional generator, act as if they were shuffled."""
    random = np.random.default_rng(6)
    centres = 3 * random.standard_normal((10, DIMENSION))
    features = centres[np.arange(1000) % 10] + random.standard_normal((1000, DIMENSION))
    in_turn = frechet(grouped(features), gaussian(2))
    shuffled = frechet(grouped(random.permutation(features)), gaussian(2))
    assert 0.5 < in_turn.standard_error / shuffled.standard_error < 2
    assert abs(in_turn.corrected - shuffled.corrected) < 4 * shuffled.standard_error


def test_against_the_jackknife_written_out():
    random = np.random.default_rng(1)
    x = random.standard_normal((60, DIMENSION))
    y = random.standard_normal((80, DIMENSION)) + 0.3
    estimate = frechet(grouped(x), grouped(y))
    value = frechet_distance(*pair(x), *pair(y))
    assert estimate.value == pytest.approx(value, rel=1e-10)

    bias = 0
    variance = 0
    for features, distance in (
        (x, lambda subset: frechet_distance(*pair(subset), *pair(y))),
        (y, lambda subset: frechet_distance(*pair(x), *pair(subset))),
    ):
        group = numbers(len(features))
        without_one = np.array([distance(features[group != number]) for number in range(10)])
        halves = np.mean([distance(features[group < 5]), distance(features[group >= 5])])
        # limit + a / n + b / n^2 through n, 0.9 n and n / 2.
        powers = [[1, 1, 1], [1, 1 / 0.9, 1 / 0.81], [1, 2, 4]]
        limit, _, _ = np.linalg.solve(powers, [value, without_one.mean(), halves])
        bias += value - limit
        variance += 0.9 * np.sum((without_one - without_one.mean()) ** 2)
    assert estimate.corrected == pytest.approx(value - bias, rel=1e-9)
    assert estimate.standard_error == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_exact_sides_have_no_error():
    first = gaussian(1)
    second = gaussian(2)
    estimate = frechet(first, second)
    assert estimate.standard_error == 0
    assert estimate.value == estimate.corrected == frechet_distance(*first, *second)


@pytest.mark.parametrize("both", [False, True])
def test_coverage_and_bias_where_the_distance_is_known(both):
    """95 % of the intervals around the corrected value hold the true distance.

    This is checked with 300 samples, within 4 standard errors. Most of the bias is gone.
    """
    random = np.random.default_rng(3)
    repetitions = 300
    first = gaussian(1)
    second = gaussian(2)
    truth = frechet_distance(*first, *second)
    hits = 0
    estimates = []
    for _ in range(repetitions):
        source = grouped(draw(random, *first, 120))
        reference = grouped(draw(random, *second, 150)) if both else second
        estimate = frechet(source, reference)
        low, high = estimate.interval(estimate.corrected)
        hits += low <= truth <= high
        estimates.append(estimate)
    assert abs(hits / repetitions - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / repetitions)
    values = np.array([estimate.value for estimate in estimates])
    corrected = np.array([estimate.corrected for estimate in estimates])
    errors = np.array([estimate.standard_error for estimate in estimates])
    # Neither too narrow nor too wide: the error is that of both values. (A standard deviation from
    # 300 values has a relative error of 4 %.)
    for spread in (np.std(corrected), np.std(values)):
        assert 0.84 < np.mean(errors) / spread < 1.2
    around_value = abs(values - values.mean()) <= 2.262 * errors  # t with 9 degrees of freedom
    assert abs(np.mean(around_value) - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / repetitions)
    error = np.std(corrected) / np.sqrt(repetitions)
    assert np.mean(values) - truth > 4 * error  # there is a bias to correct
    assert abs(np.mean(corrected) - truth) < 4 * error


def test_coverage_of_a_difference():
    """95 % of the intervals of two samples of one distribution hold 0.

    The interval of a sample that is farther away does not.
    """
    random = np.random.default_rng(4)
    repetitions = 300
    reference = gaussian(2)
    hits = 0
    for _ in range(repetitions):
        sides = [grouped(draw(random, *gaussian(1), count)) for count in (100, 140)]
        estimate = difference(*sides, reference)
        low, high = estimate.interval(estimate.corrected)
        hits += low <= 0 <= high
    assert abs(hits / repetitions - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / repetitions)
    mean, covariance = gaussian(1)
    far = difference(
        grouped(draw(random, mean + 2, covariance, 200)),
        grouped(draw(random, mean, covariance, 200)),
        grouped(draw(random, *reference, 200)),
    )
    assert far.interval(far.corrected)[0] > 0


def test_coverage_with_fewer_images_than_features():
    """The interval around the value holds, although the covariances are singular.

    The bias of the value is large.
    """
    random = np.random.default_rng(7)
    reference = (np.zeros(48), np.eye(48))
    estimates = [frechet(grouped(random.standard_normal((40, 48))), reference) for _ in range(100)]
    values = np.array([estimate.value for estimate in estimates])
    errors = np.array([estimate.standard_error for estimate in estimates])
    around_value = abs(values - values.mean()) <= 2.262 * errors
    assert np.mean(around_value) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 100)
    assert 0.7 < np.mean(errors) / values.std() < 2


def test_coverage_of_an_interval_from_parts():
    """The mean of ten parts, such as the splits of the Inception Score or the blocks of KID."""
    parts = np.random.default_rng(8).standard_exponential((4000, 10, 30)).mean(2)
    errors = parts.std(1, ddof=1) / np.sqrt(10)
    hits = []
    for mean, error in zip(parts.mean(1), errors, strict=True):
        low, high = interval(mean, error, 10)
        hits.append(low <= 1 <= high)
    assert abs(np.mean(hits) - 0.95) < 0.015


def test_a_shared_reference_cancels_in_a_difference():
    random = np.random.default_rng(5)
    features = draw(random, *gaussian(1), 100)
    reference = grouped(draw(random, *gaussian(2), 60))
    estimate = difference(pair(features), pair(features), reference)
    assert estimate.value == 0
    assert estimate.standard_error < 1e-12


def test_moments_of_nothing():
    sample = GroupedMoments(3)
    sample.update(np.zeros((0, 3)))
    assert isinstance(sample.groups[0], Moments)
    assert sample.total().count == 0
