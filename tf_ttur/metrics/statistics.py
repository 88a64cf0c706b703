"""The file of feature statistics: NumPy .npz with `mu`, `sigma`, and where they come from.

The two arrays are those of the official tool and of pytorch-fid, which read this file and whose
files are read here. `provenance` is JSON in a string array. Pairs of files that do not belong
together are refused.
"""

import dataclasses
import hashlib
import json
import pathlib
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tf_ttur.data import array_files
from tf_ttur.data.resizing import cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import archives, cache, digest, files, outputs, paths
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.wording import counted

# What two sets of features must share to be compared.
_SHARED = ("network", "network_sha1", "precision", "protocol", "image_shape")
# What a provenance of this project means that does not say it.
_DEFAULTS = {"protocol": "official"}
# What all shards of one extraction share.
_SHARED_BY_SHARDS = ("source", "preparation", "resizing", "quantisation", "shards", "shards_total")
_SHARD_KEYS = ("shard", "shards", "shards_total")
_SPATIAL = ("mu_s", "sigma_s")
_COUNTS = ("grey", "opaque_alpha")  # of images, see `data.pillow.Picture`
# Images per feature, below which there is a warning: for 2,048 features about the ten thousand
# images that are the usual advice.
_PER_FEATURE = 5
_OF_OTHER_TOOLS = {"precision": "float32"}
# Formats of files that lose something, and formats that do not. WebP, GIF and TIFF may do either.
_LOSSY = {".jpg", ".jpeg", ".jpe", ".jfif", ".avif"}
_LOSSLESS = {".png", ".bmp", ".ppm", ".pgm", ".pnm"}
_EXPECTED = "an .npz with mu (d,) and sigma (d, d)"
_CURE = "name a file that tf-ttur stats or the official precalc_stats wrote"


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Moments of features.

    Attributes:
      mu: (d,) float64 mean.
      sigma: (d, d) float64 covariance, divisor n - 1.
      provenance: dict with num_images, source, images_digest, image_shape, preparation,
        quantisation, formats (of files), network, network_sha1, precision and versions, and
        resizing where images were; empty for a file of another tool.
      name: how messages call it.
      spatial: mean and covariance of spatial features, as the protocol adm has them; None without.
    """

    mu: np.ndarray
    sigma: np.ndarray
    provenance: dict[str, Any]
    name: str
    spatial: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def dimension(self) -> int:
        """d, the number of features."""
        return len(self.mu)

    @property
    def origin(self) -> dict[str, Any]:
        """The provenance, or what stands in a result for a file that has none."""
        return self.provenance or {"source": self.name, "note": "provenance unknown"}

    @property
    def moments_digest(self) -> str:
        """Hex of the SHA-256 of both moments: it tells files apart that say nothing else."""
        moments = (
            np.ascontiguousarray(self.mu).tobytes() + np.ascontiguousarray(self.sigma).tobytes()
        )
        return hashlib.sha256(moments).hexdigest()

    def save(self, path: str | pathlib.Path, overwrite: bool = False) -> None:
        """Writes the file atomically.

        Args:
          path: as in `check_output`.
          overwrite: whether to replace a file that is not one of statistics.

        Raises:
          UserError: as in `check_output`.
        """
        path = check_output(path, what="path", overwrite=overwrite)
        arrays: dict[str, Any] = {"mu": self.mu, "sigma": self.sigma}
        if self.spatial is not None:  # under the names of guided-diffusion
            arrays |= dict(zip(_SPATIAL, self.spatial, strict=True))
        provenance = np.array(json.dumps(self.provenance))
        with files.atomic(path) as file:
            np.savez(file, **arrays, provenance=provenance)


def check_output(
    word: str | pathlib.Path,
    *,
    what: str = "--output",
    sources: Iterable[str | pathlib.Path] = (),
    overwrite: bool = False,
    rename: Callable[[pathlib.Path], pathlib.Path] = lambda path: path,
) -> pathlib.Path:
    """The path of a statistics file that may be written, checked before any work.

    Args:
      word, what, sources, overwrite, rename: as in `outputs.check_file`. An existing file is
        replaced if it is a statistics file of this project, or with `overwrite`.

    Raises:
      UserError: it may not be written.
    """
    return outputs.check_file(
        word,
        (".npz",),
        "a statistics file of tf_ttur",
        is_own_file,
        what=what,
        sources=sources,
        overwrite=overwrite,
        rename=rename,
    )


def is_own_file(path: str | pathlib.Path) -> bool:
    """Whether a file holds statistics that this project wrote."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if not {"mu", "sigma", "provenance"} <= set(content.files):
                return False
            return is_ours(json.loads(str(content["provenance"])))
    except files.UNREADABLE:
        return False


def load(path: str | pathlib.Path, name: str | None = None) -> Statistics:
    """Reads a statistics file of this project, the official tool or pytorch-fid.

    Args:
      path: of the file.
      name: of the statistics, as messages call them; None takes the path.

    Raises:
      UserError: missing, unreadable or wrong content.
    """
    path = paths.local(path, "the file of statistics")
    mu, sigma, provenance, spatial = _read(path)
    _check_moments(path, mu, sigma)
    if spatial is not None:
        _check_moments(f"{path} ({' and '.join(_SPATIAL)})", *spatial)
    if not provenance:
        warnings.warn(
            f"{path} does not say where it comes from: its network and image size "
            "cannot be checked",
            stacklevel=2,
        )
    elif "shard" not in provenance:
        warn_if_few(provenance["num_images"], len(mu), name or str(path))
    return Statistics(mu, sigma, provenance, name or str(path), spatial)


def _read(
    path: pathlib.Path,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any], tuple[np.ndarray, np.ndarray] | None]:
    """(mu, sigma, provenance or {}, spatial) of a file. Raises `UserError` if it is unreadable."""
    try:
        _check_names(path)
        with np.load(path, allow_pickle=False) as content:
            archives.check_unpacked_sizes(path, content.zip)
            mu = _floats(content["mu"])
            sigma = _floats(content["sigma"])
            spatial = None
            if set(_SPATIAL) <= set(content.files):
                spatial = (_floats(content[_SPATIAL[0]]), _floats(content[_SPATIAL[1]]))
            provenance = {}
            if "provenance" in content.files:
                provenance = json.loads(str(content["provenance"]))
    except files.UNREADABLE as error:
        raise array_files.unreadable(path, path, error, _EXPECTED, _CURE) from error
    return mu, sigma, provenance if is_ours(provenance) else {}, spatial


def _check_names(path: pathlib.Path) -> None:
    """Refuses a file of arrays without mu and sigma. Raises `UserError`, which says what it is."""
    headers = array_files.read_headers(path)
    missing = {"mu", "sigma"} - set(headers)
    if array_files.image_array(headers) is not None and len(missing) == 2:
        raise UserError(
            f"{path} holds images and no statistics: {array_files.describe(headers)}",
            _EXPECTED,
            "make their statistics with tf-ttur stats",
        )
    if "" in headers and not headers[""].dtype.hasobject:
        raise ValueError(f"it is one array, {headers['']}")
    if len(missing) == 2:
        raise array_files.refusal(path, path, headers)
    for name in {"mu", "sigma"} - missing:
        if headers[name].dtype.hasobject:
            raise array_files.refusal(path, path, {name: headers[name]})
    if missing:
        raise UserError(
            f"{path} has no {missing.pop()} (it holds {list(headers)})", _EXPECTED, _CURE
        )


def _check_moments(path: str | pathlib.Path, mu: np.ndarray, sigma: np.ndarray) -> None:
    """Refuses what is no mean and covariance. Raises `UserError`."""
    if mu.ndim != 1 or not mu.size or sigma.shape != (len(mu), len(mu)):
        found = f"{path} has mu of shape {mu.shape} and sigma of shape {sigma.shape}"
        raise UserError(found, _EXPECTED, _CURE)
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise UserError(
            f"{path} holds NaN or infinity", _EXPECTED, "make it anew from images that are whole"
        )
    if np.abs(sigma - sigma.T).max() > 1e-3 * np.abs(sigma).max() or np.diagonal(sigma).min() < 0:
        raise UserError(
            f"{path} holds a sigma that is no covariance",
            f"{_EXPECTED}, symmetric and with variances of 0 or more",
            _CURE,
        )


def _floats(array: np.ndarray) -> np.ndarray:
    """As float64. Raises `ValueError` for types that no tool writes, which would become larger."""
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"numbers of type {array.dtype}")
    return array.astype(np.float64)


def is_ours(provenance: Any) -> bool:
    """Whether a provenance is of this project, with the types that are read from it.

    Else it is another tool's.
    """
    if not isinstance(provenance, dict):
        return False
    if not isinstance(provenance.get("network"), str):
        return False
    if not isinstance(provenance.get("num_images"), int):
        return False
    if "shard" not in provenance:
        return True
    shard, shards, total = (provenance.get(key) for key in _SHARD_KEYS)
    if not (isinstance(shard, int) and isinstance(shards, int) and isinstance(total, int)):
        return False
    if not 1 <= shard <= shards < 10**6:
        return False
    return re.fullmatch("[0-9a-f]{64}", str(provenance.get("images_digest"))) is not None


def identity(network: FeatureNetwork) -> dict[str, str]:
    """What every result says about its network: name, digest and precision.

    Also the protocol, unless it is the official one.
    """
    values = {
        "network": network.network,
        "network_sha1": network.digest,
        "precision": network.precision,
    }
    protocol = getattr(network, "protocol", _DEFAULTS["protocol"])
    return values if protocol == _DEFAULTS["protocol"] else values | {"protocol": protocol}


def merge(parts: Sequence[Statistics]) -> Statistics:
    """The statistics of all images of several `Statistics`, those of shards, in any order.

    Raises:
      UserError: they do not belong together, a shard is there twice or missing, or there is one
        without provenance.
    """
    _check_shards(parts)
    parts = sorted(parts, key=lambda part: part.provenance["shard"])
    shards, total = (parts[0].provenance[key] for key in ("shards", "shards_total"))
    moments = Moments(len(parts[0].mu))
    spatial = Moments(len(parts[0].spatial[0])) if parts[0].spatial else None
    total_digest = 0
    for part in parts:
        count = part.provenance["num_images"]
        number = part.provenance["shard"]
        first, end = shard_range(total, number, shards)
        if count != end - first:
            raise UserError(
                f"{part.name} is of {counted(count, 'image')}",
                f"the {end - first} of shard {number}/{shards}",
                "make it anew",
            )
        moments.merge(Moments.of(count, part.mu, part.sigma * (count - 1)))
        if spatial is not None and part.spatial is not None:
            mu, sigma = part.spatial
            spatial.merge(Moments.of(count, mu, sigma * (count - 1)))
        total_digest += int(part.provenance["images_digest"], 16)
    # What differs between machines, such as versions, is left out.
    provenance = {
        key: value
        for key, value in parts[0].provenance.items()
        if key not in _SHARD_KEYS and all(part.provenance.get(key) == value for part in parts)
    }
    provenance["num_images"] = moments.count
    provenance["images_digest"] = digest.to_hex(total_digest % 2**256)
    for key in _COUNTS:
        counts = [part.provenance.get(key, 0) for part in parts]
        if any(counts) and all(isinstance(count, int) for count in counts):
            provenance[key] = sum(counts)
    name = f"{shards} shards"
    warn_if_few(moments.count, len(moments.mean), name)
    of_spatial = None if spatial is None else (spatial.mean, spatial.covariance)
    return Statistics(moments.mean, moments.covariance, provenance, name, of_spatial)


def _check_shards(parts: Sequence[Statistics]) -> None:
    """Refuses what are not all shards of one extraction. Raises `UserError`."""
    first = parts[0]
    for part in parts:
        if not part.provenance.get("num_images"):
            raise UserError(
                f"{part.name} does not say how many images it is of",
                "files of tf-ttur stats",
                "make it anew",
            )
        check_pair(first, part)
        for key in _SHARED_BY_SHARDS:
            expected = str(first.provenance.get(key))
            found = str(part.provenance.get(key))
            if found != expected:
                raise UserError(
                    f"{first.name} has {key} {expected}, {part.name} has {found}",
                    "shards of one extraction",
                    "merge those only",
                )
    shards = first.provenance.get("shards")
    numbers = sorted(part.provenance.get("shard") or 0 for part in parts)
    if shards is None:
        raise UserError(
            f"{len(parts)} files that are not shards",
            "each of 1 ... n once",
            "name every file of --shard i/n once",
        )
    if numbers != list(range(1, shards + 1)):
        raise UserError(
            f"shards {', '.join(map(str, numbers))} of {shards}",
            f"each of 1 ... {shards} once",
            "name every file of --shard i/n once",
        )


def shard_range(total: int, number: int, shards: int) -> tuple[int, int]:
    """(first, end) of the images of shard `number` (from 1) of `shards` in a set of `total`."""
    return total * (number - 1) // shards, total * number // shards


def warn_if_few(num_images: int, dimension: int, name: str) -> None:
    """Warns of a covariance from few images per feature, and says what that means."""
    if num_images >= _PER_FEATURE * dimension:
        return
    if num_images <= dimension:
        biased = "The covariance is singular and the distance is biased upward, by much"
    else:
        biased = "The distance is biased upward"
    warnings.warn(
        f"{name}: {counted(num_images, 'image')} for {dimension} features. {biased}: compare it "
        f"only with values from the same number of images. "
        f"Use at least {_PER_FEATURE * dimension:,}; published values use 50,000.",
        stacklevel=2,
    )


class Origin(Protocol):
    """What is known of features: `Statistics`, or `features.Features`."""

    @property
    def name(self) -> str:
        """How messages call them."""

    @property
    def provenance(self) -> dict[str, Any]:
        """As of `Statistics`."""

    @property
    def dimension(self) -> int:
        """Number of features."""


def check(
    reference: Origin,
    network: FeatureNetwork,
    image_shape: Sequence[int] | None = None,
    allow_mixed: bool = False,
) -> None:
    """Refuses, before any work, a reference of another network or of images of another shape.

    Args:
      reference: the reference.
      network: of the features that are to be compared with it.
      image_shape: of the images that are to be compared with it; None where it is not known.
      allow_mixed: whether the reference may be of another precision.

    Raises:
      UserError: names both sides.
    """
    wanted: dict[str, Any] = _DEFAULTS | identity(network)
    check_whole(reference)
    if image_shape is not None:
        wanted["image_shape"] = list(image_shape)
    if allow_mixed:
        del wanted["precision"]
    known = _DEFAULTS | reference.provenance if reference.provenance else wanted | _OF_OTHER_TOOLS
    for key, value in wanted.items():
        if known.get(key) != value:
            raise UserError(
                f"{reference.name} was made with {key} {known.get(key)}; here it is {value}",
                f"the same {key}: distances between others mean nothing",
                _cure_of(key, known.get(key)),
            )
    if reference.dimension != network.dimension:
        raise UserError(
            f"{reference.name} has {reference.dimension} features",
            f"the {network.dimension} of the network {network.network}",
            "name statistics of this network",
        )


def check_whole(side: Origin) -> None:
    """Refuses the statistics of one shard in the place of a set. Raises `UserError`."""
    if "shard" in side.provenance:
        found = f"{side.name} is shard {side.provenance['shard']} of {side.provenance['shards']}"
        raise UserError(
            found, "the statistics of all images", "merge the shards with tf-ttur merge-stats"
        )


def check_pair(first: Statistics, second: Statistics, allow_mixed: bool = False) -> None:
    """Refuses two `Statistics` that come from other networks, image shapes or precisions.

    Args:
      first, second: the statistics.
      allow_mixed: whether the precisions may differ.

    Raises:
      UserError: names both sides.
    """
    if first.mu.shape != second.mu.shape:
        raise UserError(
            f"{first.name} has {len(first.mu)} features, {second.name} has {len(second.mu)}",
            "statistics of the same network",
            "compute both with the same network",
        )
    of_first = _known(first, second)
    of_second = _known(second, first)
    for key in _SHARED:
        if allow_mixed and key == "precision":
            continue
        if of_first.get(key) != of_second.get(key):
            raise UserError(
                f"{first.name} has {key} {of_first.get(key)}, "
                f"{second.name} has {of_second.get(key)}",
                f"the same {key}: distances between others mean nothing",
                _cure_of(key, of_first.get(key)),
            )
    check_resizing(
        (first.name, first.provenance.get("resizing")),
        (second.name, second.provenance.get("resizing")),
    )


def check_resizing(first: tuple[str, Any], second: tuple[str, Any]) -> None:
    """Refuses sides that were both resized, but not in the same way.

    One that was resized may be compared with one that had that size before, such as images of a
    generator.

    Args:
      first, second: name of a side, and its record of `data.resizing`; None where it was not
        resized.

    Raises:
      UserError: names both sides.
    """
    (first_name, of_first), (second_name, of_second) = first, second
    if of_first and of_second and of_first != of_second:
        raise UserError(
            f"the images of {first_name} were resized with {_flags_of(of_first)}, "
            f"those of {second_name} with {_flags_of(of_second)}",
            "the same size, crop and filter: others move the distance",
            "compute both with the same of these flags (tf-ttur fid and tf-ttur stats)",
        )


def _flags_of(resizing: Any) -> str:
    """A record of `data.resizing` as flags."""
    return " ".join(f"--{name} {value}" for name, value in dict(resizing).items())


def _cure_of(key: str, value: Any) -> str:
    """What is to be done where two sides differ in `key`, which is `value` on one of them."""
    anew = "compute both in the same way (tf-ttur fid and tf-ttur stats take the same flags)"
    if key == "protocol":
        return f"name one for both: --protocol {value} (protocol={value!r} in Python); {anew}"
    if key == "image_shape" and isinstance(value, list | tuple) and len(value) == 3:
        return f"{cure_of_sizes(min(value[:2]))}; {anew}"
    return anew


def warn_of_formats(first: Statistics, second: Statistics) -> None:
    """Warns where the images of one side were compressed with loss and those of the other not.

    Nothing is said where either side does not tell the formats of its files.
    """
    formats = [_formats(side) for side in (first, second)]
    if not all(formats):
        return
    lossy = [suffixes <= _LOSSY for suffixes in formats]
    lossless = [suffixes <= _LOSSLESS for suffixes in formats]
    if (lossy[0] and lossless[1]) or (lossless[0] and lossy[1]):
        of_first, of_second = (" and ".join(sorted(suffixes)) for suffixes in formats)
        warnings.warn(
            f"the images of {first.name} are {of_first}, those of {second.name} {of_second}: "
            "JPEG alone moves a distance (that of CIFAR-10 to itself as JPEG of quality 95 by 18, "
            "of quality 75 by 54, with the stand-in network)",
            stacklevel=2,
        )


def _formats(side: Statistics) -> set[str]:
    formats = side.provenance.get("formats")
    return set(map(str, formats)) if isinstance(formats, list) else set()


def _known(side: Statistics, other: Statistics) -> Mapping[str, Any]:
    """The provenance; for a file of another tool what it must be to go with the other side."""
    if side.provenance:
        return _DEFAULTS | side.provenance
    return _DEFAULTS | other.provenance | _OF_OTHER_TOOLS


def distance(first: Statistics, second: Statistics) -> float:
    """Fréchet distance between two `Statistics`.

    Raises:
      UserError: as of `check_pair`.
    """
    check_pair(first, second)
    return frechet_distance(first.mu, first.sigma, second.mu, second.sigma)


def cached(
    path: str | pathlib.Path,
    make: Callable[[pathlib.Path], Statistics],
    name: str | None = None,
) -> Statistics:
    """The statistics at `path`; produced there on first use, as `cache.read` does it.

    Args:
      path: of the file, in the cache.
      make: as in `produce`.
      name: as in `load`. The user knows the source of the images, not the file in the cache.

    Raises:
      UserError: the cache cannot be written.
    """
    path = paths.local(path, "the file of statistics")
    return cache.read(path, lambda: load(path, name), lambda: produce(path, make))


def produce(
    path: str | pathlib.Path,
    make: Callable[[pathlib.Path], Statistics],
    overwrite: bool = False,
) -> Statistics:
    """Writes new statistics to a file, and returns them.

    Args:
      path: of the file, as in `check_output`.
      make: function of the path where an interrupted `make` may keep its state, which is removed
        afterwards.
      overwrite: whether to replace a file that is not one of statistics.

    Raises:
      UserError: as in `check_output`; before any work.
    """
    path = check_output(path, overwrite=overwrite)
    files.check_writable(path)
    partial = partial_path(path)
    result = make(partial)
    result.save(path, overwrite=True)  # as it has been checked
    partial.unlink(missing_ok=True)
    return result


def partial_path(path: pathlib.Path) -> pathlib.Path:
    """Where the state of an extraction into `path` is kept."""
    return path.with_name(f"{path.name}.partial")
