"""Is this installation's FID the official one? Checks against known values and against the graph
run the official way.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.metrics import inception
from tf_ttur.metrics.frechet import frechet_distance, trace_of_root
from tf_ttur.metrics.moments import Moments


@dataclasses.dataclass(frozen=True)
class Check:
    """One line of the table: what was found, what was expected, and whether it holds."""

    name: str
    found: str
    expected: str
    holds: bool


def checks(content, name):
    """Yields every `Check` of a frozen graph and of the arithmetic around it.

    Args:
      content: the bytes of the graph.
      name: how messages call it.

    Raises:
      UserError: it is no such graph.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)  # as inception.load
    network = inception.Inception(content, name=name)
    identity = f"{network.network}, {len(content):,} bytes, git-blob SHA-1 {network.digest}"
    size, digest = inception.ORIGINAL
    yield Check(
        "network", identity, f"original, {size:,} bytes, {digest}", network.network == "original"
    )
    yield from _resizing()
    yield from _features(content, network)
    yield from _distances()
    yield _moments()


def _error(name, error, bound):
    return Check(name, f"{error:.2g}", f"at most {bound:g}", bool(error <= bound))


def _resizing():
    """Values of TensorFlow's bilinear resizing of 2015: no half-pixel shift, corners not aligned."""
    for row, expected in (
        ([0, 10], [0, 5, 10, 10]),
        ([0, 10], [0, 4, 8, 10, 10]),
        ([0, 10, 20, 30], [0, 40 / 3, 80 / 3]),
    ):
        resized = inception.resize(
            tf.reshape(tf.constant(row, tf.float32), (1, 1, -1, 1)), (1, len(expected))
        )
        yield _error(
            f"resize {row} to {len(expected)}: error",
            np.abs(np.ravel(resized) - expected).max(),
            1e-5,
        )
    image = np.random.RandomState(0).randint(0, 256, (1, 32, 32, 3)).astype(np.float32)
    resized = inception.resize(tf.constant(image), (299, 299))[0].numpy()
    error = np.abs(
        resized[(150, 298), (150, 298)] - [(96.28969, 204.75494, 36.27745), (26, 191, 155)]
    ).max()
    yield _error("resize 32x32 to 299x299, two pixels: error", error, 1e-4)


def _features(content, network):
    """Features of synthetic images, as they come here and by a TensorFlow 1 session of the same
    file.
    """
    random = np.random.RandomState(0)
    noise = random.randint(0, 256, (2, 32, 32, 3))
    waves = 127.5 + 127.5 * np.sin(
        np.arange(32)[:, None, None] / [2, 3, 5] + np.arange(32)[None, :, None] / [7, 4, 2]
    )
    images = np.stack([*noise, waves.round(), np.full((32, 32, 3), 128)]).astype(np.float32)
    try:
        expected = run_by_session(content, images)
    except (tf.errors.OpError, ValueError) as error:
        yield Check(
            "a TensorFlow 1 session of the graph", str(error).splitlines()[0], "runs", False
        )
        return
    found = [output.numpy() for output in network(images)]
    for name, ours, theirs in zip(("pool_3", "logits"), found, expected):
        error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
        yield _error(
            f"{name} of synthetic images against a TensorFlow 1 session: relative error",
            error.max(),
            1e-5,
        )
    alone = np.concatenate([network(image[None])[0] for image in images])
    error = np.linalg.norm(alone - found[0], axis=1) / np.linalg.norm(found[0], axis=1)
    yield _error("pool_3 one by one against one batch: relative error", error.max(), 1e-6)


def run_by_session(content, images):
    """(pool_3, logits) of a frozen graph by a TensorFlow 1 session, the official way; the logits
    one image at a time.

    The graph's batch norm only runs in such a session, and only as its file says that it is of
    2015.
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
            logits = np.concatenate(
                [
                    session.run("net/softmax/logits/MatMul:0", {feed: image[None]})
                    for image in images
                ]
            )
    return pool_3, logits


def _distances():
    """Distances with a closed form, and one of the official implementation."""
    random = np.random.RandomState(0)
    x = random.randn(500, 8)
    y = random.randn(400, 8) * np.arange(1, 9) / 4 + 0.3
    first, second = ((z.mean(0), np.cov(z, rowvar=False)) for z in (x, y))
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
        error = abs(trace_of_root(sigma, sigma) / np.trace(sigma) - 1)
        yield _error(
            f"trace of the root of a covariance with itself, {name}: relative error", error, 1e-8
        )


def _moments():
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


def read(path=None):
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
