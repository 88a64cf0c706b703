"""How fast the network and the Fréchet distance are on this machine."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.precision import PRECISIONS, tensor_float_32


class DistanceSpeed(NamedTuple):
    """The time of one Fréchet distance.

    Attributes:
      seconds: of `frechet_distance`, the median of several calls.
      sqrtm_seconds: of one `scipy.linalg.sqrtm` of the product of both covariances, as other
        implementations compute it.
      relative_difference: of the two values.
    """

    seconds: float
    sqrtm_seconds: float
    relative_difference: float


def images_per_second(
    network: Callable[[np.ndarray], Any], batch_size: int, count: int = 3
) -> float:
    """The throughput of a network on random 32x32 images, resizing included.

    Args:
      network: as `inception.load` returns it.
      batch_size: images per call.
      count: calls that are timed, after a first one.
    """
    images = np.random.default_rng(0).integers(0, 256, (batch_size, 32, 32, 3), np.uint8)
    _wait(network(images))
    start = time.perf_counter()
    for _ in range(count):
        _wait(network(images))
    return count * len(images) / (time.perf_counter() - start)


def matrix_peaks(size: int = 2048, count: int = 5) -> dict[str, float]:
    """What the machine reaches in products of large matrices, its practical limit.

    Args:
      size: rows and columns of the matrices.
      count: products that are timed, of which the fastest counts.

    Returns:
      {"float32", "bfloat16", on a GPU also "tf32"}: floating-point operations per second. float32
      is the full one: TensorFlow would take TensorFloat-32, ten times as fast on some GPUs.
    """
    import tensorflow as tf

    normal = tf.random.stateless_normal((size, size), (0, 0))
    peaks = {}
    for precision in PRECISIONS:
        with tensor_float_32(False):
            peaks[precision] = _products_per_second(tf.cast(normal, precision), count)
    if tf.config.list_logical_devices("GPU"):
        with tensor_float_32(True):
            peaks["tf32"] = _products_per_second(normal, count)
    return {name: 2 * size**3 * rate for name, rate in peaks.items()}


def _products_per_second(factor: Any, count: int) -> float:
    import tensorflow as tf

    seconds = []
    for _ in range(count + 1):
        start = time.perf_counter()
        # One number comes back, so that the end is waited for on a GPU too.
        float(tf.matmul(factor, factor)[0, 0])
        seconds.append(time.perf_counter() - start)
    return 1 / min(seconds[1:])


def seconds_of_distance(dimension: int = 2048, count: int = 5) -> DistanceSpeed:
    """Times the distance of two random Gaussians, and the same with SciPy's matrix square root.

    Args:
      dimension: of the features.
      count: calls of `frechet_distance`.
    """
    import scipy.linalg

    random = np.random.default_rng(0)
    mean_1, covariance_1 = _random_moments(random, dimension)
    mean_2, covariance_2 = _random_moments(random, dimension)
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        value = frechet_distance(mean_1, covariance_1, mean_2, covariance_2)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    root = scipy.linalg.sqrtm(covariance_1 @ covariance_2)
    sqrtm_seconds = time.perf_counter() - start
    traces = np.trace(covariance_1) + np.trace(covariance_2) - 2 * np.trace(root).real
    expected = ((mean_1 - mean_2) ** 2).sum() + traces
    return DistanceSpeed(
        statistics.median(seconds), sqrtm_seconds, float(abs(value / expected - 1))
    )


def _random_moments(random: np.random.Generator, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """(mean (d,), covariance (d, d)), with a spectrum over four decades, as that of pool_3."""
    import scipy.linalg

    spectrum = np.logspace(0, -4, dimension)
    basis = scipy.linalg.qr(random.normal(size=(dimension, dimension)))[0]
    mean = random.normal(0, 0.1, dimension)
    return mean, (basis * spectrum) @ basis.T


def _wait(outputs: Any) -> None:
    """Waits until the features have been computed."""
    np.asarray(outputs[0])
