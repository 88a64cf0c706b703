"""That speeds are measured on what they are said to be; no test decides how fast anything is."""

import numpy as np

from tf_ttur.metrics import speed


def test_every_timed_image_goes_through_the_network_once_after_a_first_batch():
    batches = []

    def network(images):
        batches.append(images)
        return np.zeros((len(images), 5)), None

    assert speed.images_per_second(network, batch_size=7, count=3) > 0
    assert [(batch.shape, batch.dtype) for batch in batches] == [((7, 32, 32, 3), np.uint8)] * 4


def test_the_peak_is_that_of_each_precision():
    peaks = speed.matrix_peaks(size=64, count=1)
    assert sorted(peaks) == ["bfloat16", "float32"]
    assert min(peaks.values()) > 1e6


def test_both_ways_to_the_distance_give_the_same_value():
    measured = speed.seconds_of_distance(dimension=20, count=2)
    assert measured.seconds > 0
    assert measured.sqrtm_seconds > 0
    assert measured.relative_difference < 1e-8
