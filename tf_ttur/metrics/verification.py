"""Checks that this installation's FID is the official one.

They compare with known values, and with the same graph run in the official way.
"""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, statistics
from tf_ttur.metrics.frechet import frechet_distance, trace_of_root
from tf_ttur.metrics.moments import Moments

# TensorFlow's bilinear resizing of 2015: no half-pixel shift, corners not aligned.
_RESIZED_ROWS = (
    ([0, 10], [0, 5, 10, 10]),
    ([0, 10], [0, 4, 8, 10, 10]),
    ([0, 10, 20, 30], [0, 40 / 3, 80 / 3]),
)

# A distance below this is one of the same images, up to how they were decoded.
_SAME_IMAGES = 1.0


@dataclasses.dataclass(frozen=True)
class Check:
    """One line of the table: what was found, what was expected, and whether it holds."""

    name: str
    found: str
    expected: str
    holds: bool


def checks(content: bytes, name: str) -> Iterator[Check]:
    """Yields every `Check` of a frozen graph and of the arithmetic around it.

    Args:
      content: the bytes of the graph.
      name: how messages call it.

    Raises:
      UserError: it is no such graph.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)  # as inception.load
    network = inception.Inception(content, name=name)
    yield _identity(content, network)
    yield from _resizing()
    yield from _features(content, network)
    yield from _distances()
    yield _moments()


def against_official(own: str | pathlib.Path, official: str | pathlib.Path) -> Check:
    """Compares statistics of your own with the official file of the same data set.

    Users who recomputed those of CIFAR-10 report distances of 12 to 15. Files that were compressed
    as JPEGs on one side move a distance by as much. So a large value speaks of other images, or of
    images that were stored in another way, and not of the network, which has checks of its own.

    Args:
      own: a statistics file that `tf-ttur stats` made of all images of the data set.
      official: a statistics file that TTUR published.

    Raises:
      UserError: a file cannot be read, or they are of different networks or image sizes.
    """
    value = statistics.distance(statistics.load(own), statistics.load(official))
    return Check(
        f"distance of {own} to the official {official}",
        f"{value:.4g}",
        f"at most {_SAME_IMAGES:g} for the same images; users report 12 to 15 for CIFAR-10, which "
        "fits images that were compressed as JPEGs",
        value <= _SAME_IMAGES,
    )


def run_by_session(content: bytes, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs a frozen graph by a TensorFlow 1 session, the official way.

    The graph's batch norm runs in such a session only, and only because its file says that it is of
    2015.

    Args:
      content: the bytes of the graph.
      images: (n, height, width, 3) in 0 ... 255.

    Returns:
      (pool_3, logits), (n, d) and (n, classes); the logits are computed one image at a time.
    """
    graph = tf.Graph()
    with graph.as_default():
        definition = tf.compat.v1.GraphDef()
        definition.ParseFromString(content)
        feed = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
        tf.import_graph_def(definition, name="net", input_map={"ExpandDims:0": feed})
        with tf.compat.v1.Session(graph=graph) as session:
            images = np.asarray(images, np.float32)
            pool_3 = session.run("net/pool_3:0", {feed: images})[:, 0, 0]
            logits = [
                session.run("net/softmax/logits/MatMul:0", {feed: image[None]}) for image in images
            ]
    return pool_3, np.concatenate(logits)


def read(path: str | pathlib.Path | None = None) -> tuple[bytes, str]:
    """(bytes, name) of the graph that `inception.load` would take; never downloads.

    Raises:
      UserError: there is none on this machine, or it is a TF-Hub module.
    """
    place = inception.locate(path)
    if place is None or str(place).startswith("hub:"):
        raise UserError(
            f"no frozen graph here ({place or 'nothing found'})",
            inception.GRAPH_FILE,
            "name it by --inception PATH or TF_TTUR_INCEPTION",
        )
    return inception.read_graph(place), str(place)


def _error(name: str, error: float, bound: float) -> Check:
    return Check(name, f"{error:.2g}", f"at most {bound:g}", bool(error <= bound))


def _identity(content: bytes, network: inception.Inception) -> Check:
    size, digest = inception.ORIGINAL
    return Check(
        "network",
        f"{network.network}, {len(content):,} bytes, git-blob SHA-1 {network.digest}",
        f"original, {size:,} bytes, {digest}",
        network.network == "original",
    )


def _resizing() -> Iterator[Check]:
    """Known values of the network's resizing."""
    for row, expected in _RESIZED_ROWS:
        image = tf.reshape(tf.constant(row, tf.float32), (1, 1, -1, 1))
        resized = inception.resize(image, (1, len(expected)))
        error = np.abs(np.ravel(resized) - expected).max()
        yield _error(f"resize {row} to {len(expected)}: error", error, 1e-5)
    image = np.random.RandomState(0).randint(0, 256, (1, 32, 32, 3)).astype(np.float32)
    resized = inception.resize(tf.constant(image), (299, 299))[0].numpy()
    two_pixels = [(96.28969, 204.75494, 36.27745), (26, 191, 155)]
    error = np.abs(resized[(150, 298), (150, 298)] - two_pixels).max()
    yield _error("resize 32x32 to 299x299, two pixels: error", error, 1e-4)


def _features(content: bytes, network: inception.Inception) -> Iterator[Check]:
    """Features of synthetic images here, against those of a TensorFlow 1 session of the file."""
    images = _synthetic_images()
    try:
        expected = run_by_session(content, images)
    except (tf.errors.OpError, ValueError) as exception:
        reason = str(exception).splitlines()[0]
        yield Check("a TensorFlow 1 session of the graph", reason, "runs", False)
        return
    outputs = [output.numpy() for output in network(images)]
    for name, ours, theirs in zip(("pool_3", "logits"), outputs, expected, strict=True):
        yield _error(
            f"{name} of synthetic images against a TensorFlow 1 session: relative error",
            _relative_error(ours, theirs),
            1e-5,
        )
    pool_3 = outputs[0]
    one_by_one = np.concatenate([network(image[None])[0] for image in images])
    yield _error(
        "pool_3 one by one against one batch: relative error",
        _relative_error(one_by_one, pool_3),
        1e-6,
    )


def _synthetic_images() -> np.ndarray:
    """(4, 32, 32, 3) float32: two of noise, one of waves, one of one grey."""
    noise = np.random.RandomState(0).randint(0, 256, (2, 32, 32, 3))
    rows = np.arange(32)[:, None, None]
    columns = np.arange(32)[None, :, None]
    waves = 127.5 + 127.5 * np.sin(rows / [2, 3, 5] + columns / [7, 4, 2])
    return np.stack([*noise, waves.round(), np.full((32, 32, 3), 128)]).astype(np.float32)


def _relative_error(values: np.ndarray, expected: np.ndarray) -> float:
    """The largest of the relative errors of the rows."""
    errors = np.linalg.norm(values - expected, axis=1) / np.linalg.norm(expected, axis=1)
    return errors.max()


def _distances() -> Iterator[Check]:
    """Distances with a closed form, and one of the official implementation."""
    random = np.random.RandomState(0)
    first = _mean_and_covariance(random.randn(500, 8))
    second = _mean_and_covariance(random.randn(400, 8) * np.arange(1, 9) / 4 + 0.3)
    yield _error(
        "distance of diag(1, 4) and diag(9, 16) with means (1, 2) apart, 13: error",
        abs(frechet_distance([0, 0], np.diag([1, 4]), [1, 2], np.diag([9, 16])) - 13),
        1e-10,
    )
    value = frechet_distance(*first, *second)
    yield _error(
        "distance of two normal samples, 3.46834615213474: error",
        abs(value - 3.46834615213474),
        1e-10,
    )
    yield _error(
        "distance the other way round: relative difference",
        abs(frechet_distance(*second, *first) / value - 1),
        1e-10,
    )
    # Not by the distance, which is never below 0.
    few = np.cov(random.randn(20, 64), rowvar=False)
    for name, sigma in (("full rank", first[1]), ("rank 19 of 64", few)):
        yield _error(
            f"trace of the root of a covariance with itself, {name}: relative error",
            abs(trace_of_root(sigma, sigma) / np.trace(sigma) - 1),
            1e-8,
        )


def _mean_and_covariance(features: np.ndarray) -> tuple[Any, Any]:
    return features.mean(0), np.cov(features, rowvar=False)


def _moments() -> Check:
    """Streamed moments against NumPy's."""
    features = np.random.RandomState(1).randn(300, 16) + 100
    moments = Moments(16)
    for start in range(0, 300, 37):
        moments.update(features[start : start + 37])
    expected = np.cov(features, rowvar=False)
    return _error(
        "streamed covariance against numpy.cov: relative error",
        np.abs(moments.covariance - expected).max() / np.abs(expected).max(),
        1e-10,
    )
