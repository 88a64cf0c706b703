"""Moments on a device, of which a logical CPU is one, against NumPy's."""

import types

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.client import device_lib

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.io import sharing
from tf_ttur.metrics import batch_size, extraction
from tf_ttur.metrics.device_moments import DeviceMoments
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.pixels import PixelPooling
from tf_ttur.metrics.uncertainty import GroupedMoments

# Means of 1,000 deviations: what float32 sums would lose.
FEATURES = np.random.default_rng(0).normal(1e3, 1, (257, 12)).astype(np.float32)
_CENTRED = FEATURES.astype(np.longdouble) - FEATURES.astype(np.longdouble).mean(0)
EXACT = (_CENTRED.T @ _CENTRED / 256).astype(np.float64)


@pytest.mark.parametrize("size", [1, 10, 257])
def test_the_error_bound_is_that_of_float64(size):
    moments = DeviceMoments(12)
    for start in range(0, 257, size):
        moments.update(tf.constant(FEATURES[start : start + size]))
    moments.update(tf.zeros((0, 12)))
    assert moments.count == 257
    np.testing.assert_allclose(moments.mean, FEATURES.astype(float).mean(0), rtol=1e-14)
    found = moments.on_host().covariance
    assert np.abs(found - EXACT).max() <= 1e-10 * np.abs(EXACT).max()


def test_groups_on_a_device_are_those_of_the_host():
    host = GroupedMoments(12)
    device = GroupedMoments(12, make=DeviceMoments)
    for start in range(0, 257, 50):
        host.update(FEATURES[start : start + 50])
        device.update(tf.constant(FEATURES[start : start + 50]))
    for ours, theirs in zip(device.groups, host.groups, strict=True):
        assert ours.count == theirs.count
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-14)
        np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=1e-10, atol=1e-10)


def test_a_pass_on_a_device_resumes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction.Extraction, "EVERY_SECONDS", 0)
    images = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), np.uint8)
    batches = [images[start : start + 7] for start in range(0, 70, 7)]

    def run(batches, path=None):
        begun = extraction.Extraction(192, path, make=DeviceMoments)
        return begun, extraction.compute(batches, PixelPooling(), {}, "images", begun)

    path = tmp_path / "partial"
    run(batches[:6], path)
    resumed, _ = run(batches[6:], path)
    whole, statistics = run(batches)
    np.testing.assert_array_equal(resumed.moments.scatter, whole.moments.scatter)
    host = extraction.compute(batches, PixelPooling(), {}, "images", extraction.Extraction(192))
    np.testing.assert_allclose(statistics.sigma, host.sigma, rtol=1e-9, atol=1e-15)


def test_the_batch_size_fits_into_the_memory():
    network = Inception(graph_bytes())
    assert network.bytes_per_image > 0
    assert batch_size.feature_batch_size(0, network) == batch_size.DEFAULT  # no GPU here
    assert batch_size.feature_batch_size(30, network) == 30
    assert [batch_size.fitting(free, 10) for free in (5, 20, 999, 10_000, 10**9)] == [
        *(1, 1, 32, 256, 512)
    ]


def test_processes_share_the_memory_of_a_gpu(monkeypatch):
    gpu = types.SimpleNamespace(name="GPU:0", memory_limit=1000)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [gpu])
    monkeypatch.setattr(device_lib, "list_local_devices", lambda: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", lambda name: {"current": 100})
    assert batch_size.free_bytes() == 900
    monkeypatch.setenv(sharing.PROCESSES_PER_GPU, "3")
    assert batch_size.free_bytes() == 233
    monkeypatch.setenv(sharing.PROCESSES_PER_GPU, "none")
    with pytest.raises(UserError, match="PROCESSES_PER_GPU=none"):
        batch_size.free_bytes()


def test_the_memory_of_an_image_is_the_most_that_is_held_at_once():
    from tf_ttur.metrics.inception.graph import _peak, _Step

    # a -> b -> d, a -> c -> d: b, c and a are held together, before d takes their place.
    steps = [
        _Step(name, lambda: None, inputs)
        for name, inputs in [("a", ["in"]), ("b", ["a"]), ("c", ["a"]), ("d", ["b", "c"])]
    ]
    assert _peak(steps, {"a": 5, "b": 7, "c": 11, "d": 1}) == 23
