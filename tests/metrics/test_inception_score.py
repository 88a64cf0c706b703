import numpy as np
import pytest
import scipy.stats

from tf_ttur.metrics.inception_score import InceptionScore


def score(logits, splits, batch_size=7):
    meter = InceptionScore(len(logits), splits)
    for start in range(0, len(logits), batch_size):
        meter.update(logits[start : start + batch_size])
    return meter.scores


def test_against_the_definition():
    """The score of a split is exp of the mean Kullback-Leibler divergence, as in the original code.

    The splits hold the images in their order.
    """
    logits = np.random.default_rng(0).normal(0, 3, (103, 12))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = []
    for number in range(10):
        split = p[number * 103 // 10 : (number + 1) * 103 // 10]
        divergences = [scipy.stats.entropy(row, split.mean(0)) for row in split]
        expected.append(np.exp(np.mean(divergences)))
    np.testing.assert_allclose(score(logits, 10), expected, rtol=1e-12)
    np.testing.assert_allclose(score(logits, 10, batch_size=103), expected, rtol=1e-12)


def test_bounds():
    """The lowest score is 1, the highest is the number of classes.

    All images look the same; or each prediction is certain and the classes are equally frequent.
    """
    np.testing.assert_allclose(score(np.tile([1.0, 2.0, 3.0], (20, 1)), 2), 1, rtol=1e-12)
    np.testing.assert_allclose(score(1e4 * np.tile(np.eye(5), (8, 1)), 2), 5, rtol=1e-12)


def test_counts_are_kept():
    with pytest.raises(ValueError, match="splits"):
        InceptionScore(5, 10)
    meter = InceptionScore(10, 2)
    meter.update(np.zeros((9, 3), np.float32))
    with pytest.raises(ValueError, match="9 images"):
        _ = meter.scores
    with pytest.raises(ValueError, match="more than"):
        meter.update(np.zeros((2, 3)))
