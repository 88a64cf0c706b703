"""The file of feature statistics: NumPy .npz with `mu`, `sigma`, and where they come from.

The two arrays are those of the official tool and of pytorch-fid, which read this file and whose
files are read here. `provenance` is JSON in a string array; a pair of files that does not belong
together is refused.
"""

import dataclasses
import json
import pathlib
import re
import warnings

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import console, digest, files
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments

# What two sets of features must share to be compared.
_SHARED = ("network", "network_sha1", "precision", "image_shape")
_PER_FEATURE = 5  # images, below which there is a warning: of 2,048 features about the ten thousand that are the usual advice
_OF_OTHER_TOOLS = {"precision": "float32"}


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Moments of features.

    Attributes:
      mu: (d,) float64 mean.
      sigma: (d, d) float64 covariance, divisor n - 1.
      provenance: dict with num_images, source, images_digest, image_shape, preparation,
        quantisation, formats (of files), network, network_sha1, precision and versions; empty for a
        file of another tool.
      name: how messages call it.
    """

    mu: np.ndarray
    sigma: np.ndarray
    provenance: dict
    name: str

    @property
    def origin(self):
        """The provenance, or what stands in a result for a file that has none."""
        return self.provenance or {"source": self.name, "note": "provenance unknown"}

    def save(self, path):
        """Writes the file atomically."""
        with files.atomic(path) as file:
            np.savez(
                file, mu=self.mu, sigma=self.sigma, provenance=np.array(json.dumps(self.provenance))
            )


def load(path):
    """Reads a statistics file of this project, the official tool or pytorch-fid.

    Raises:
      UserError: missing, unreadable or wrong content.
    """
    cure = "name a file that tf-ttur stats or the official precalc_stats wrote"
    expected = "an .npz with mu (d,) and sigma (d, d)"
    try:
        with np.load(path, allow_pickle=False) as content:
            missing = {"mu", "sigma"} - set(content.files)
            if missing:
                raise UserError(
                    f"{path} has no {' and no '.join(sorted(missing))} (it holds {content.files})",
                    expected,
                    cure,
                )
            files.check_unpacked_sizes(path, content.zip)
            mu, sigma = (_floats(content[name]) for name in ("mu", "sigma"))
            provenance = (
                json.loads(str(content["provenance"])) if "provenance" in content.files else {}
            )
            if not _is_ours(provenance):
                provenance = {}
    except files.UNREADABLE as error:
        raise UserError(f"{path} cannot be read ({error})", expected, cure) from error
    if mu.ndim != 1 or not mu.size or sigma.shape != (len(mu), len(mu)):
        raise UserError(
            f"{path} has mu of shape {mu.shape} and sigma of shape {sigma.shape}", expected, cure
        )
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise UserError(
            f"{path} holds NaN or infinity", expected, "make it anew from images that are whole"
        )
    if np.abs(sigma - sigma.T).max() > 1e-3 * np.abs(sigma).max() or np.diagonal(sigma).min() < 0:
        raise UserError(
            f"{path} holds a sigma that is no covariance",
            f"{expected}, symmetric and with variances of 0 or more",
            cure,
        )
    if not provenance:
        warnings.warn(
            f"{path} does not say where it comes from: its network and image size cannot be checked",
            stacklevel=2,
        )
    elif "shard" not in provenance:
        warn_if_few(provenance["num_images"], len(mu), str(path))
    return Statistics(mu, sigma, provenance, str(path))


def _floats(array):
    """As float64; raises `ValueError` for numbers that no tool writes, which would become larger."""
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"numbers of type {array.dtype}")
    return array.astype(np.float64)


def _is_ours(provenance):
    """Whether a provenance is of this project, and of the kinds that are read from it; else it is
    another tool's.
    """
    if not isinstance(provenance, dict):
        return False
    if not isinstance(provenance.get("network"), str) or not isinstance(
        provenance.get("num_images"), int
    ):
        return False
    if "shard" not in provenance:
        return True
    counts = [provenance.get(key) for key in ("shard", "shards", "shards_total")]
    if (
        not all(isinstance(count, int) for count in counts)
        or not 1 <= counts[0] <= counts[1] < 10**6
    ):
        return False
    return re.fullmatch("[0-9a-f]{64}", str(provenance.get("images_digest"))) is not None


def identity(network):
    """What stands in every result about the network that made it: its name, digest and precision."""
    return {
        "network": network.network,
        "network_sha1": network.digest,
        "precision": network.precision,
    }


def merge(parts):
    """The statistics of all images of several `Statistics`, such as those of shards; the order does
    not matter.

    Raises:
      UserError: they do not belong together, a shard is there twice or missing, or there is one
        without provenance.
    """
    for part in parts:
        if not part.provenance.get("num_images"):
            raise UserError(
                f"{part.name} does not say how many images it is of",
                "files of tf-ttur stats",
                "make it anew",
            )
        check_pair(parts[0], part)
        for key in ("source", "preparation", "quantisation", "shards", "shards_total"):
            found = [str(each.provenance.get(key)) for each in (parts[0], part)]
            if found[0] != found[1]:
                raise UserError(
                    f"{parts[0].name} has {key} {found[0]}, {part.name} has {found[1]}",
                    "shards of one extraction",
                    "merge those only",
                )
    shards, total = (parts[0].provenance.get(key) for key in ("shards", "shards_total"))
    numbers = sorted(part.provenance.get("shard") or 0 for part in parts)
    if shards is None or numbers != list(range(1, shards + 1)):
        found = (
            f"shards {', '.join(map(str, numbers))} of {shards}"
            if shards
            else f"{len(parts)} files that are not shards"
        )
        raise UserError(
            found, f"each of 1 ... {shards or 'n'} once", "name every file of --shard i/n once"
        )
    parts = sorted(parts, key=lambda part: part.provenance["shard"])
    moments, total_digest = Moments(len(parts[0].mu)), 0
    for part in parts:
        count = part.provenance["num_images"]
        first, end = shard_range(total, part.provenance["shard"], shards)
        if count != end - first:
            raise UserError(
                f"{part.name} is of {count} images",
                f"the {end - first} of shard {part.provenance['shard']}/{shards}",
                "make it anew",
            )
        moments.merge(Moments.of(count, part.mu, part.sigma * (count - 1)))
        total_digest += int(part.provenance["images_digest"], 16)
    # What differs between machines, such as versions, is left out.
    shared = {
        key: value
        for key, value in parts[0].provenance.items()
        if all(part.provenance.get(key) == value for part in parts)
    }
    provenance = {
        key: value
        for key, value in shared.items()
        if key not in ("shard", "shards", "shards_total")
    }
    provenance |= {
        "num_images": moments.count,
        "images_digest": digest.to_hex(total_digest % 2**256),
    }
    warn_if_few(moments.count, len(moments.mean), f"{shards} shards")
    return Statistics(moments.mean, moments.covariance, provenance, f"{shards} shards")


def shard_range(total, number, shards):
    """(first, end) of the images of shard `number` (from 1) of `shards` in a set of `total`."""
    return total * (number - 1) // shards, total * number // shards


def warn_if_few(num_images, dimension, name):
    """Says what a covariance from few images for each feature means."""
    if num_images >= _PER_FEATURE * dimension:
        return
    biased = (
        "The covariance is singular and the distance is biased upward, by much"
        if num_images <= dimension
        else "The distance is biased upward"
    )
    warnings.warn(
        f"{name}: {num_images} images for {dimension} features. {biased}: compare it only with values from the same number of images. "
        f"Use at least {_PER_FEATURE * dimension:,}; published values use 50,000.",
        stacklevel=2,
    )


def check(reference, network, image_shape=None, allow_mixed=False):
    """Refuses, before any work, a reference that was not made by this network from images of this
    shape.

    With `allow_mixed` the network may have computed in another precision.

    Raises:
      UserError: naming both sides.
    """
    wanted = identity(network)
    check_whole(reference)
    if image_shape is not None:
        wanted["image_shape"] = list(image_shape)
    if allow_mixed:
        del wanted["precision"]
    known = reference.provenance or wanted | _OF_OTHER_TOOLS
    for key, value in wanted.items():
        if known.get(key) != value:
            raise UserError(
                f"{reference.name} was made with {key} {known.get(key)}; here it is {value}",
                f"the same {key}: distances between others mean nothing",
                "name what made the file, or make the file anew with tf-ttur stats",
            )
    if len(reference.mu) != network.dimension:
        raise UserError(
            f"{reference.name} has {len(reference.mu)} features",
            f"the {network.dimension} of the network {network.network}",
            "name statistics of this network",
        )


def check_whole(side):
    """Refuses the statistics of one shard in the place of a set. Raises `UserError`."""
    if "shard" in side.provenance:
        found = f"{side.name} is shard {side.provenance['shard']} of {side.provenance['shards']}"
        raise UserError(
            found, "the statistics of all images", "merge the shards with tf-ttur merge-stats"
        )


def check_pair(first, second, allow_mixed=False):
    """Refuses two `Statistics` that come from other networks, image shapes or, without
    `allow_mixed`, precisions.

    Raises:
      UserError: naming both sides.
    """
    if first.mu.shape != second.mu.shape:
        raise UserError(
            f"{first.name} has {len(first.mu)} features, {second.name} has {len(second.mu)}",
            "statistics of the same network",
            "compute both with the same network",
        )
    known = [
        side.provenance or other.provenance | _OF_OTHER_TOOLS
        for side, other in ((first, second), (second, first))
    ]
    for key in _SHARED:
        found = [provenance.get(key) for provenance in known]
        if found[0] != found[1] and not (allow_mixed and key == "precision"):
            raise UserError(
                f"{first.name} has {key} {found[0]}, {second.name} has {found[1]}",
                f"the same {key}: distances between others mean nothing",
                "compute both statistics in the same way (tf-ttur stats)",
            )


def distance(first, second):
    """Fréchet distance between two `Statistics`; raises what `check_pair` does."""
    check_pair(first, second)
    return frechet_distance(first.mu, first.sigma, second.mu, second.sigma)


def cached(path, make):
    """The statistics at `path`; produced there on first use. A file that cannot be read is set
    aside, which a message says.
    """
    if not pathlib.Path(path).exists():
        return produce(path, make)
    try:
        return load(path)
    except UserError as error:
        aside = pathlib.Path(f"{path}.damaged")
        pathlib.Path(path).replace(aside)
        console.STDERR.print(
            f"{error.found}; set aside as {aside}, and made anew", soft_wrap=True, markup=False
        )
        return produce(path, make)


def produce(path, make):
    """Writes the statistics that `make(partial)` gives to `path`, and returns them.

    `partial` is the path where an interrupted `make` may keep its state, and is removed afterwards.
    """
    files.check_writable(path)
    partial = partial_path(path)
    made = make(partial)
    made.save(path)
    partial.unlink(missing_ok=True)
    return made


def partial_path(path):
    """Where the state of an extraction into `path` is kept."""
    path = pathlib.Path(path)
    return path.with_name(f"{path.name}.partial")
