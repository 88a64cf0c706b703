"""The file of features: NumPy .npz with `features`, perhaps `logits`, and where they come from.

It stands in the place of the images that it was made of: the network need not see them again. It
is read in parts, so that memory does not grow with the number of images. This file imports no
TensorFlow.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import numpy as np

from tf_ttur.data import array_files
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files, outputs, paths
from tf_ttur.metrics import statistics
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.statistics import Statistics, warn_if_few
from tf_ttur.wording import counted

DTYPES = ("float32", "float16")
_ROWS = 1000  # features that are read at a time
_EXPECTED = "an .npz with features (n, d), float32 or float16, and provenance"
_CURE = "make it anew with tf-ttur stats SOURCE --features FILE.npz"

Batch = tuple[np.ndarray, np.ndarray | None]  # (features, logits)


@dataclasses.dataclass(frozen=True)
class Features:
    """Features of images in their order; a `sides.ImageSet` that needs no network.

    Attributes:
      dimension: d, of the features.
      num_images: n.
      has_logits: whether the outputs of the classes are there too.
      provenance: as of `Statistics`, and features_dtype.
      name: how messages call them.
      batches: function that yields (features, logits) from the start, float32 (n, d) and float32
        (n, classes) or None.
    """

    dimension: int
    num_images: int
    has_logits: bool
    provenance: dict[str, Any]
    name: str
    batches: Callable[[], Iterator[Batch]]

    @property
    def shape(self) -> tuple[int, ...] | None:
        """(height, width, 3) of the images."""
        shape = self.provenance.get("image_shape")
        return tuple(shape) if shape else None

    @property
    def resizing(self) -> Any:
        """As of `sides.ImageSet`."""
        return self.provenance.get("resizing")

    def statistics(
        self, network: Any = None, observers: Sequence[Callable[[Any, Any], None]] = (), _: Any = ()
    ) -> Statistics:
        """Their mean and covariance.

        Args:
          network: is not used.
          observers: functions that are given the (features, logits) of every batch.

        Raises:
          UserError: fewer than two, or features that cannot be read.
        """
        moments = Moments(self.dimension)
        for features, logits in self.batches():
            moments.update(features)
            for observe in observers:
                observe(features, logits)
        if moments.count < 2:
            raise UserError(
                f"{self.name} has {counted(moments.count, 'image')}",
                "at least 2, better 10,000",
                "name a larger source",
            )
        warn_if_few(moments.count, self.dimension, self.name)
        return Statistics(moments.mean, moments.covariance, self.provenance, self.name)

    def take_first(self, count: int) -> "Features":
        """Those of the first images. Raises `UserError` if there are fewer."""
        self._check_enough(count)
        return self._take(np.arange(count), f"the first {count} of {self.num_images}")

    def take_random(self, count: int, seed: int) -> "Features":
        """Those that `data.images.Images.take_random` takes.

        Raises:
          UserError: there are fewer.
        """
        self._check_enough(count)
        drawn = np.random.default_rng(seed).choice(self.num_images, count, replace=False)
        return self._take(drawn, f"{count} of {self.num_images}, drawn with seed {seed}")

    def _check_enough(self, count: int) -> None:
        if count > self.num_images:
            raise UserError(
                f"{self.name} has features of {counted(self.num_images, 'image')}",
                f"at least {count}, so that each side has as many",
                "ask for fewer",
            )

    def _take(self, indices: np.ndarray, selection: str) -> "Features":
        if len(indices) == self.num_images:
            return self
        is_taken = np.zeros(self.num_images, bool)
        is_taken[indices] = True

        def batches() -> Iterator[Batch]:
            start = 0
            for features, logits in self.batches():
                kept = is_taken[start : start + len(features)]
                start += len(features)
                yield features[kept], None if logits is None else logits[kept]

        # Equal parts of equal images are equal.
        digest = f"{self.provenance.get('images_digest')} {selection}"
        provenance = self.provenance | {
            "num_images": len(indices),
            "selection": selection,
            "images_digest": hashlib.sha256(digest.encode()).hexdigest(),
        }
        return dataclasses.replace(
            self, num_images=len(indices), provenance=provenance, batches=batches
        )


class Keeper:
    """Writes features to a file while images pass through the network.

    Until all have passed, they stand in a second file, so that an interrupted pass can resume.

    Args:
      path: of the file, checked by `check_output`.
      dtype: of `DTYPES`.
      with_logits: whether to keep the outputs of the classes too, for the Inception Score; None
        keeps them where the network gives any.

    Attributes:
      path: as given.
    """

    def __init__(
        self, path: pathlib.Path, dtype: str = "float32", with_logits: bool | None = None
    ) -> None:
        self.path = path
        self._partial = path.with_name(f"{path.name}.rows")
        self._dtype = np.dtype(dtype)
        self._with_logits = with_logits
        self._file: IO[bytes] | None = None
        self._width = 0

    @property
    def settings(self) -> list[Any]:
        """What must be the same for a pass to resume; what JSON can hold."""
        return ["features", self._dtype.name, self._with_logits]

    def begin(self, count: int) -> bool:
        """Opens the second file after `count` features, which an earlier pass has written.

        Returns:
          False if there are not so many: the pass must start over.
        """
        files.check_writable(self.path)
        if not count:
            self._file = open(self._partial, "wb")  # noqa: SIM115 - `finish` closes it
            return True
        try:
            self._file = open(self._partial, "r+b")  # noqa: SIM115
        except OSError:
            return False
        self._width = int.from_bytes(self._file.read(8), "little")
        end = 8 + count * self._width * self._dtype.itemsize
        if not self._width or os.fstat(self._file.fileno()).st_size < end:
            self._file.close()
            return False
        self._file.truncate(end)
        self._file.seek(end)
        return True

    def update(self, features: Any, logits: Any) -> None:
        """Keeps a batch.

        Raises:
          UserError: there are no logits to keep, or numbers too large for float16.
        """
        assert self._file is not None  # as `begin` has opened it
        rows = [np.asarray(features)]
        if self._with_logits and logits is None:
            raise UserError(
                "the logits of a network without any",
                "a network that classifies",
                "leave --features-logits out",
            )
        if logits is not None and self._with_logits is not False:
            rows.append(np.asarray(logits))
        joined = np.concatenate(rows, axis=1)
        if self._dtype == np.float16 and np.abs(joined).max() > np.finfo(np.float16).max:
            raise UserError(
                "features too large for float16", "at most 65,504", "keep them as float32"
            )
        if not self._width:
            self._width = joined.shape[1]
            self._file.write(self._width.to_bytes(8, "little"))
        self._file.write(joined.astype(self._dtype).tobytes())
        self._file.flush()

    def finish(self, result: Statistics) -> None:
        """Writes the file, after all images have passed.

        Args:
          result: the statistics of the images, for their provenance.
        """
        assert self._file is not None
        self._file.close()
        dimension = len(result.mu)
        shape = (result.provenance["num_images"], self._width)
        rows = np.memmap(self._partial, self._dtype, "r", 8, shape)
        provenance = result.provenance | {"features_dtype": self._dtype.name}
        arrays: dict[str, Any] = {
            "features": rows[:, :dimension],
            "provenance": np.array(json.dumps(provenance)),
        }
        if self._width > dimension:
            arrays["logits"] = rows[:, dimension:]
        with files.atomic(self.path) as file:
            np.savez(file, **arrays)
        del rows, arrays  # Windows removes no file that is mapped
        self._partial.unlink()


def check_output(
    word: str | pathlib.Path,
    *,
    what: str = "--features",
    sources: Sequence[str | pathlib.Path] = (),
    overwrite: bool = False,
) -> pathlib.Path:
    """The path of a features file that may be written, checked before any work.

    Args:
      word, what, sources, overwrite: as in `outputs.check_file`. An existing file is replaced if it
        is a features file of this project, or with `overwrite`.

    Raises:
      UserError: it may not be written.
    """
    return outputs.check_file(
        word,
        (".npz",),
        "a features file of tf_ttur",
        _is_own_file,
        what=what,
        sources=sources,
        overwrite=overwrite,
    )


def is_features(word: str) -> bool:
    """Whether a word is opened as features: it names an .npz that holds some.

    Raises:
      UserError: the .npz is a zip bomb.
    """
    path = paths.local(word, "SOURCE")
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        return array_files.has_features(array_files.read_headers(path))
    except files.UNREADABLE:
        return False  # opening it as something else says what is wrong


def load(path: str | pathlib.Path, name: str | None = None) -> Features:
    """The features of a file. They are read when they are used.

    Args:
      path: of the file.
      name: of the features, as messages call them; None takes the path.

    Raises:
      UserError: missing, unreadable or wrong content.
    """
    path = paths.local(path, "the file of features")
    try:
        headers = array_files.read_headers(path)
        if not array_files.has_features(headers):
            raise ValueError(f"it holds {array_files.describe(headers) or 'nothing'}")
        with np.load(path, allow_pickle=False) as content:
            archives.check_unpacked_sizes(path, content.zip)
            provenance = json.loads(str(content["provenance"]))
    except (*files.UNREADABLE, KeyError) as error:
        raise array_files.unreadable(path, path, error, _EXPECTED, _CURE) from error
    count, dimension = headers["features"].shape
    logits = headers.get("logits")
    has_count = statistics.is_ours(provenance) and provenance["num_images"] == count
    if not has_count or (logits is not None and logits.shape[0] != count):
        raise UserError(
            f"{path} holds {array_files.describe(headers)}, and a provenance that does not fit",
            _EXPECTED,
            _CURE,
        )
    names = ["features", "logits"] if logits is not None else ["features"]
    return Features(
        dimension,
        count,
        logits is not None,
        provenance,
        name or str(path),
        lambda: _read(path, names),
    )


def _read(path: pathlib.Path, names: Sequence[str]) -> Iterator[Batch]:
    """Yields the rows of the arrays of these names, in parts."""
    try:
        with zipfile.ZipFile(path) as archive:
            streams = [_rows(archive, name) for name in names]
            for arrays in zip(*streams, strict=True):
                if not all(np.isfinite(array).all() for array in arrays):
                    raise ValueError("it holds NaN or infinity")
                yield arrays[0], arrays[1] if len(arrays) > 1 else None
    except UserError:
        raise
    except files.UNREADABLE as error:
        raise array_files.unreadable(path, path, error, _EXPECTED, _CURE) from error


def _rows(archive: zipfile.ZipFile, name: str) -> Iterator[np.ndarray]:
    """Yields (n, d) float32 parts of an array of an .npz."""
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"it has version {version} of NumPy's format")
        (count, width), is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        if is_fortran:
            raise ValueError("its rows do not follow each other")
        for start in range(0, count, _ROWS):
            rows = min(_ROWS, count - start)
            content = stream.read(rows * width * dtype.itemsize)
            yield np.frombuffer(content, dtype).reshape(rows, width).astype(np.float32)


def _is_own_file(path: pathlib.Path) -> bool:
    try:
        load(path)
    except UserError:
        return False
    return True
