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
    """The group of each of `count` features, found by sending them one at a time."""
    sample, found = GroupedMoments(1, groups), []
    for _ in range(count):
        before = [group.count for group in sample.groups]
        sample.update(np.zeros((1, 1)))
        found.append(int(np.argmax(np.array([group.count for group in sample.groups]) - before)))
    return np.array(found)


def test_groups_do_not_depend_on_the_batches():
    features, group = np.random.default_rng(0).standard_normal((103, 4)), numbers(103, 5)
    assert all(
        sorted(block) == list(range(5)) for block in group[:100].reshape(-1, 5)
    )  # one of every five in each
    assert len({tuple(block) for block in group[:100].reshape(-1, 5)}) > 5  # in changing orders
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


def test_classes_that_take_turns_do_no_harm():
    """Ten classes in turn, as of a class-conditional generator: as if shuffled."""
    random = np.random.default_rng(6)
    centres = 3 * random.standard_normal((10, DIMENSION))
    features = centres[np.arange(1000) % 10] + random.standard_normal((1000, DIMENSION))
    in_turn, shuffled = (
        frechet(grouped(x), gaussian(2)) for x in (features, random.permutation(features))
    )
    assert 0.5 < in_turn.standard_error / shuffled.standard_error < 2
    assert abs(in_turn.corrected - shuffled.corrected) < 4 * shuffled.standard_error


def test_against_the_jackknife_written_out():
    random = np.random.default_rng(1)
    x, y = random.standard_normal((60, DIMENSION)), random.standard_normal((80, DIMENSION)) + 0.3
    found = frechet(grouped(x), grouped(y))
    value = frechet_distance(*pair(x), *pair(y))
    groups = numbers(60), numbers(80)
    left = [
        np.array([frechet_distance(*pair(x[groups[0] != g]), *pair(y)) for g in range(10)]),
        np.array([frechet_distance(*pair(x), *pair(y[groups[1] != g])) for g in range(10)]),
    ]
    assert found.value == pytest.approx(value, rel=1e-10)
    halves = [
        np.mean(
            [frechet_distance(*pair(x[half]), *pair(y)) for half in (groups[0] < 5, groups[0] >= 5)]
        ),
        np.mean(
            [frechet_distance(*pair(x), *pair(y[half])) for half in (groups[1] < 5, groups[1] >= 5)]
        ),
    ]
    # limit + a / n + b / n^2 through n, 0.9 n and n / 2.
    biases = [
        value
        - np.linalg.solve([[1, 1, 1], [1, 1 / 0.9, 1 / 0.81], [1, 2, 4]], [value, v.mean(), h])[0]
        for v, h in zip(left, halves)
    ]
    assert found.corrected == pytest.approx(value - sum(biases), rel=1e-9)
    assert found.standard_error == pytest.approx(
        np.sqrt(sum(0.9 * np.sum((v - v.mean()) ** 2) for v in left)), rel=1e-9
    )


def test_exact_sides_have_no_error():
    a, b = gaussian(1), gaussian(2)
    found = frechet(a, b)
    assert found.standard_error == 0 and found.value == found.corrected == frechet_distance(*a, *b)


@pytest.mark.parametrize("both", [False, True])
def test_coverage_and_bias_where_the_distance_is_known(both):
    """Of 300 samples, the intervals around the corrected value hold the true distance in 95 % (+- 4
    standard errors), and most of the bias is gone.
    """
    random = np.random.default_rng(3)
    first, second, repetitions = gaussian(1), gaussian(2), 300
    truth, hits, values, corrected, errors = frechet_distance(*first, *second), 0, [], [], []
    for _ in range(repetitions):
        source = grouped(draw(random, *first, 120))
        reference = grouped(draw(random, *second, 150)) if both else second
        found = frechet(source, reference)
        low, high = found.interval(found.corrected)
        hits += low <= truth <= high
        values.append(found.value)
        corrected.append(found.corrected)
        errors.append(found.standard_error)
    assert abs(hits / repetitions - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / repetitions)
    # Neither too narrow nor too wide: the error is that of both values. (A std of 300 has a
    # relative error of 4 %.)
    for spread in (np.std(corrected), np.std(values)):
        assert 0.84 < np.mean(errors) / spread < 1.2
    around_value = [
        abs(value - np.mean(values)) <= 2.262 * error for value, error in zip(values, errors)
    ]  # t with 9 degrees of freedom
    assert abs(np.mean(around_value) - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / repetitions)
    error = np.std(corrected) / np.sqrt(repetitions)
    assert np.mean(values) - truth > 4 * error  # there is a bias to correct
    assert abs(np.mean(corrected) - truth) < 4 * error


def test_coverage_of_a_difference():
    """Two samples of one distribution: the interval holds 0 in 95 %. One that is farther away: it
    does not.
    """
    random, repetitions, reference = np.random.default_rng(4), 300, gaussian(2)
    hits = 0
    for _ in range(repetitions):
        sides = [grouped(draw(random, *gaussian(1), count)) for count in (100, 140)]
        found = difference(*sides, reference)
        low, high = found.interval(found.corrected)
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
    """The covariances are singular, the bias is large, and the interval is still that of the value."""
    random, reference, found = np.random.default_rng(7), (np.zeros(48), np.eye(48)), []
    for _ in range(100):
        found.append(frechet(grouped(random.standard_normal((40, 48))), reference))
    values, errors = np.array([[estimate.value, estimate.standard_error] for estimate in found]).T
    assert np.mean(abs(values - values.mean()) <= 2.262 * errors) > 0.95 - 4 * np.sqrt(
        0.95 * 0.05 / 100
    )
    assert 0.7 < np.mean(errors) / values.std() < 2


def test_coverage_of_an_interval_from_parts():
    """Of the mean of ten parts, such as those of the Inception Score, or of blocks of KID."""
    parts = np.random.default_rng(8).standard_exponential((4000, 10, 30)).mean(2)
    means, errors = parts.mean(1), parts.std(1, ddof=1) / np.sqrt(10)
    ends = np.array([interval(mean, error, 10) for mean, error in zip(means, errors)])
    assert abs(np.mean((ends[:, 0] <= 1) & (1 <= ends[:, 1])) - 0.95) < 0.015


def test_a_shared_reference_cancels_in_a_difference():
    random = np.random.default_rng(5)
    features = draw(random, *gaussian(1), 100)
    found = difference(pair(features), pair(features), grouped(draw(random, *gaussian(2), 60)))
    assert found.value == 0 and found.standard_error < 1e-12


def test_moments_of_nothing():
    sample = GroupedMoments(3)
    sample.update(np.zeros((0, 3)))
    assert isinstance(sample.groups[0], Moments) and sample.total().count == 0
