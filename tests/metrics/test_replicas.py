import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.inception.replicas import Replicated


@pytest.mark.parametrize("count", [1, 2, 7])
def test_two_devices_give_the_features_of_one(count):
    network = Inception(graph_bytes())
    images = np.random.default_rng(0).integers(0, 256, (count, 40, 40, 3), np.uint8)
    both = Replicated(network, ["CPU:0", "CPU:1"])
    for one, two in zip(network(images), both(images), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)
    for name in ("network", "metric", "digest", "precision", "dimension"):
        assert getattr(both, name) == getattr(network, name)
