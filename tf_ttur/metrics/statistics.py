"""The file of feature statistics: NumPy .npz with `mu`, `sigma`, and where they come from.

The two arrays are those of the official tool and of pytorch-fid, which read this file and whose files are read here.
`provenance` is JSON in a string array; a pair of files that does not belong together is refused.
"""

import dataclasses
import hashlib
import json
import pathlib
import warnings

import numpy as np

from tf_ttur import files
from tf_ttur.errors import UserError
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments

# What two sets of features must share to be compared.
_SHARED = ("network", "network_sha1", "precision", "image_shape")


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Moments of features.

    Attributes:
      mu: (d,) float64 mean.
      sigma: (d, d) float64 covariance, divisor n - 1.
      provenance: dict with num_images, source, images_sha256, image_shape, preparation, quantisation, network,
        network_sha1, precision and versions; empty for a file of another tool.
      name: how messages call it.
    """

    mu: np.ndarray
    sigma: np.ndarray
    provenance: dict
    name: str

    def save(self, path):
        """Writes the file atomically."""
        with files.atomic(path) as file:
            np.savez(file, mu=self.mu, sigma=self.sigma, provenance=np.array(json.dumps(self.provenance)))


def load(path):
    """Reads a statistics file of this project, the official tool or pytorch-fid.

    Raises:
      UserError: missing, unreadable or wrong content.
    """
    cure = "name a file that tools/precalc_stats.py or the official precalc_stats wrote"
    expected = "an .npz with mu (d,) and sigma (d, d)"
    try:
        with np.load(path, allow_pickle=False) as content:
            missing = {"mu", "sigma"} - set(content.files)
            if missing:
                raise UserError(f"{path} has no {' and no '.join(sorted(missing))} (it holds {content.files})", expected, cure)
            mu, sigma = content["mu"].astype(np.float64), content["sigma"].astype(np.float64)
            provenance = json.loads(str(content["provenance"])) if "provenance" in content.files else {}
    except files.UNREADABLE as error:
        raise UserError(f"{path} cannot be read ({error})", expected, cure) from error
    if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
        raise UserError(f"{path} has mu of shape {mu.shape} and sigma of shape {sigma.shape}", expected, cure)
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise UserError(f"{path} holds NaN or infinity", expected, "make it anew from images that are whole")
    if not provenance:
        warnings.warn(f"{path} does not say where it comes from: its network and image size cannot be checked", stacklevel=2)
    elif "num_images" in provenance:
        warn_if_few(provenance["num_images"], len(mu), str(path))
    return Statistics(mu, sigma, provenance, str(path))


def compute(batches, network, provenance, name, digest=True, observers=()):
    """Statistics of every image of `batches`.

    Args:
      batches: iterable of (n, height, width, 3) images in 0 ... 255, uint8 or float; any n, also in the last one.
      network: a callable with `dimension`, `network`, `digest` and `precision`, such as `inception.Inception`.
      provenance: what is known of the images (source, preparation, quantisation).
      name: how messages call the result.
      digest: whether to record a digest of the images.
      observers: functions that are given (pool_3, logits) of every batch as they pass.

    Raises:
      UserError: fewer than two images.
    """
    moments, sha256, shape = Moments(network.dimension), hashlib.sha256(), None
    for batch in batches:
        if digest:
            sha256.update(np.ascontiguousarray(batch))
        shape = list(batch.shape[1:])
        pool_3, logits = network(batch)
        moments.update(pool_3)
        for observe in observers:
            observe(pool_3, logits)
    if moments.count < 2:
        raise UserError(f"{name} has {moments.count} images", "at least 2, better 10,000", "name a larger source")
    warn_if_few(moments.count, network.dimension, name)
    provenance = provenance | {
        "num_images": moments.count,
        "images_sha256": sha256.hexdigest() if digest else None,
        "image_shape": shape,
        **identity(network),
        "versions": {"tf_ttur": files.version(), "tensorflow": files.version("tensorflow"), "numpy": np.__version__},
    }
    return Statistics(moments.mean, moments.covariance, provenance, name)


def identity(network):
    """What stands in every result about the network that made it: its name, digest and precision."""
    return {"network": network.network, "network_sha1": network.digest, "precision": network.precision}


def warn_if_few(num_images, dimension, name):
    """Says what a covariance from no more images than features means."""
    if num_images <= dimension:
        warnings.warn(
            f"{name}: {num_images} images for {dimension} features. The covariance is singular and the distance is biased "
            f"upward, by much: compare it only with values from the same number of images. Use at least {dimension + 1}, "
            "better 10,000; published values use 50,000.",
            stacklevel=2,
        )


def check(reference, network, image_shape=None):
    """Refuses, before any work, a reference that was not made by this network from images of this shape.

    Raises:
      UserError: naming both sides.
    """
    wanted = identity(network)
    if image_shape is not None:
        wanted["image_shape"] = list(image_shape)
    for key, value in wanted.items():
        if reference.provenance and reference.provenance.get(key) != value:
            raise UserError(
                f"{reference.name} was made with {key} {reference.provenance.get(key)}; here it is {value}",
                f"the same {key}: distances between others mean nothing",
                "name what made the file, or make the file anew with tools/precalc_stats.py",
            )
    if len(reference.mu) != network.dimension:
        raise UserError(
            f"{reference.name} has {len(reference.mu)} features",
            f"the {network.dimension} of the network {network.network}",
            "name statistics of this network",
        )


def check_pair(first, second):
    """Refuses two `Statistics` that come from other networks, precisions or image shapes.

    Raises:
      UserError: naming both sides.
    """
    if first.mu.shape != second.mu.shape:
        raise UserError(
            f"{first.name} has {len(first.mu)} features, {second.name} has {len(second.mu)}",
            "statistics of the same network",
            "compute both with the same network",
        )
    if first.provenance and second.provenance:
        for key in _SHARED:
            found = first.provenance.get(key), second.provenance.get(key)
            if found[0] != found[1]:
                raise UserError(
                    f"{first.name} has {key} {found[0]}, {second.name} has {found[1]}",
                    f"the same {key}: distances between others mean nothing",
                    "compute both statistics in the same way (tools/precalc_stats.py)",
                )


def distance(first, second):
    """Fréchet distance between two `Statistics`; raises what `check_pair` does."""
    check_pair(first, second)
    return frechet_distance(first.mu, first.sigma, second.mu, second.sigma)


def cached(path, make):
    """The statistics at `path`; made by `make()` and kept there on first use."""
    path = pathlib.Path(path)
    if path.exists():
        return load(path)
    files.check_writable(path)
    made = make()
    made.save(path)
    return made
