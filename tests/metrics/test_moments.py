import numpy as np
import pytest

from tf_ttur.metrics.moments import Moments

FEATURES = np.random.default_rng(0).normal(1e3, 1, (257, 12))
_CENTRED = FEATURES.astype(np.longdouble) - FEATURES.astype(np.longdouble).mean(0)
EXACT = (_CENTRED.T @ _CENTRED / 256).astype(np.float64)


def stream(features, batch_size):
    moments = Moments(features.shape[1])
    for start in range(0, len(features), batch_size):
        moments.update(features[start : start + batch_size])
    return moments


@pytest.mark.parametrize("batch_size", [1, 10, 256, 257, 1000])
def test_every_example_counts(batch_size):
    moments = stream(FEATURES, batch_size)
    assert moments.count == 257
    np.testing.assert_allclose(moments.mean, FEATURES.mean(0), rtol=1e-14)
    assert np.abs(moments.covariance - EXACT).max() <= 1e-10 * np.abs(EXACT).max()


def test_merge():
    total = Moments(12)
    for features in (FEATURES[200:], FEATURES[:1], FEATURES[1:200]):
        total.merge(stream(features, 7))
    total.merge(Moments(12))
    assert np.abs(total.covariance - EXACT).max() <= 1e-10 * np.abs(EXACT).max()


def test_wrong_use():
    with pytest.raises(ValueError, match="at least 2"):
        _ = stream(FEATURES[:1], 1).covariance
    with pytest.raises(ValueError, match="shape"):
        Moments(3).update(FEATURES)
