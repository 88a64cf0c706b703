"""What a .npy or .npz holds, as its headers tell it. Nothing is loaded, and no pickle is run.

This file imports no TensorFlow.
"""

import io
import json
import os
import pathlib
import shlex
import zipfile
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from tf_ttur.data import pickles
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

IMAGES = "images as uint8 (n, height, width, 3), or grey (n, height, width)"

_NPY = b"\x93NUMPY"  # the first bytes of a .npy
_ZIP = b"PK"
_HEADER_BYTES = 2**16  # enough for every header that NumPy accepts


class Header(NamedTuple):
    """The header of an array.

    Attributes:
      dtype, shape: of the array.
    """

    dtype: np.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} of shape {self.shape}"

    @property
    def is_images(self) -> bool:
        """Whether these are uint8 images: RGB, or grey with or without an axis of channels."""
        if self.dtype != np.uint8 or 0 in self.shape:
            return False
        if len(self.shape) == 4:
            return self.shape[-1] in (1, 3)
        # (height, width, 3) and (height, width, 4) would be one image.
        return len(self.shape) == 3 and self.shape[-1] > 4

    @property
    def is_float_images(self) -> bool:
        """Whether these are images in floats: RGB, or grey with an axis of channels."""
        return (
            self.dtype.kind == "f"
            and 0 not in self.shape
            and len(self.shape) == 4
            and self.shape[-1] in (1, 3)
        )


def read_headers(path: pathlib.Path) -> dict[str, Header]:
    """The headers of the arrays of an .npz by name; of a .npy its only one, under "".

    The content decides which of the two a file is, not its name.

    Raises:
      UserError: the .npz is a zip bomb.
      Exception: one of `files.UNREADABLE` if the file cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(_HEADER_BYTES)
    if start.startswith(_NPY):
        return {"": _parse(start)}
    if not start.startswith(_ZIP):
        raise ValueError("it is neither a .npy nor an .npz" if start else "it is empty")
    headers = {}
    with zipfile.ZipFile(path) as archive:
        archives.check_unpacked_sizes(path, archive)
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as stream:
                    headers[member.removesuffix(".npy")] = _parse(stream.read(_HEADER_BYTES))
    return headers


def _parse(start: bytes) -> Header:
    stream = io.BytesIO(start)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"it has version {version} of NumPy's format")
    return Header(dtype, shape)


def image_array(headers: Mapping[str, Header]) -> str | None:
    """The name of the array that holds the images; None if there is none, or no telling which.

    It is `images`; else `arr_0`, as samplers of diffusion models write it; else the only array
    that can be images, of uint8 where there is one, or of floats.
    """
    if "images" in headers:
        header = headers["images"]
        return "images" if header.is_images or header.is_float_images else None
    candidates = [name for name, header in headers.items() if header.is_images]
    candidates = candidates or [name for name, header in headers.items() if header.is_float_images]
    if "arr_0" in candidates:
        return "arr_0"
    return candidates[0] if len(candidates) == 1 else None


def has_statistics(names: Collection[str]) -> bool:
    """Whether an .npz with arrays of these names holds statistics, or one half of them."""
    return "mu" in names or "sigma" in names


def has_features(headers: Mapping[str, Header]) -> bool:
    """Whether an .npz with these arrays holds features of images, as `metrics.features` does."""
    header = headers.get("features")
    if header is None or "provenance" not in headers:
        return False
    return header.dtype in (np.float16, np.float32) and len(header.shape) == 2


def describe(headers: Mapping[str, Header]) -> str:
    """Names, types and shapes of arrays, for messages."""
    return ", ".join(
        f"{name} ({header})" if name else str(header) for name, header in headers.items()
    )


def unreadable(
    word: str | os.PathLike[str], path: pathlib.Path, error: Exception, expected: str, cure: str
) -> UserError:
    """The error for a file that NumPy cannot read: a pickle, or a damaged file.

    Args:
      word: what the user calls the file.
      path: the file.
      error: what reading it raised.
      expected, cure: of the error, if it is no pickle.
    """
    try:
        with open(path, "rb") as file:
            is_pickle = pickles.is_pickle(file.read(2))
    except OSError:
        is_pickle = False
    if is_pickle:
        return pickles.refusal(word, path)
    return UserError(f"{word} cannot be read ({error})", expected, cure)


def refusal(
    word: str | os.PathLike[str], path: pathlib.Path, headers: Mapping[str, Header]
) -> UserError:
    """The error that says what a file of arrays holds in the place of images or statistics.

    Args:
      word: what the user calls the file.
      path: the file.
      headers: its arrays, as `read_headers` returns them.
    """
    for name, header in headers.items():
        if header.dtype.hasobject:
            return pickles.array_refusal(word, path, _content(path, name), name)
    if list(headers) == [""]:
        return _refuse_one(word, "", headers[""])
    if has_features(headers):
        return UserError(
            f"{word} holds features of images, and not the images: {describe(headers)}",
            IMAGES,
            "name it where features are enough (tf-ttur fid, or tf-ttur stats for statistics)",
        )
    pair = _mean_and_covariance(headers)
    if pair:
        load = f"np.load({pickles.quote(path)})"
        return UserError(
            f"{word} has no mu and no sigma, but statistics of other names: {describe(headers)}",
            f"an .npz with {pickles.STATISTICS}",
            pickles.statistics_command(path, load, *pair),
        )
    candidates = [name for name, header in headers.items() if header.is_images]
    if len(candidates) > 1 and "images" not in headers:
        return _refuse_several(word, path, headers, candidates)
    if "images" in headers or len(headers) == 1:
        name = "images" if "images" in headers else next(iter(headers))
        return _refuse_one(word, f"{name} as ", headers[name])
    found = f"{list(headers)}: {describe(headers)}" if headers else "no array"
    return UserError(
        f"{word} has no mu and no sigma, and no images (it holds {found})",
        f"{IMAGES}; or {pickles.STATISTICS}",
        "save the images as uint8, channels last: numpy.save(file, images)",
    )


def _refuse_one(word: str | os.PathLike[str], name: str, header: Header) -> UserError:
    """The error for a single array that is no set of images."""
    cure = "save the images as uint8 RGB, channels last: numpy.save(file, images)"
    shape = header.shape
    note = ""
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        note = ", which is one image"
        cure = "a distance and a training need a set of images; for one image: images[None]"
    elif len(shape) == 4 and shape[-1] not in (1, 3) and shape[1] in (1, 3):
        note = ", with the channels first"
        cure = "put the channels last: numpy.save(file, images.transpose(0, 2, 3, 1))"
    elif len(shape) == 4 and shape[-1] == 4:
        note = ", with transparency"
        cure = "put the images on a background, and save their first three channels"
    elif header.dtype.kind == "f" and len(shape) == 4:
        cure = (
            "convert them as they were scaled, for example (255 * images).round().astype('uint8')"
        )
    return UserError(f"{word} holds {name}{header}{note}", IMAGES, cure)


def _refuse_several(
    word: str | os.PathLike[str],
    path: pathlib.Path,
    headers: Mapping[str, Header],
    candidates: list[str],
) -> UserError:
    output = path.with_name(f"{candidates[0]}.npy")
    code = (
        f"import numpy as np; np.save({pickles.quote(output)}, "
        f"np.load({pickles.quote(path)})[{json.dumps(candidates[0])}])"
    )
    return UserError(
        f"{word} holds {list(headers)}, of which {' and '.join(candidates)} can be the images",
        "one array of images, or one that is named images or arr_0",
        f"save the one that you mean alone: python -c {shlex.quote(code)}",
    )


def _mean_and_covariance(headers: Mapping[str, Header]) -> tuple[str, str] | None:
    """The names of a mean and a covariance, as their shapes tell; None if there is no such pair."""
    floats = {name: header.shape for name, header in headers.items() if header.dtype.kind == "f"}
    for covariance, shape in floats.items():
        means = [name for name, other in floats.items() if shape == other * 2 and len(other) == 1]
        if means:
            return means[0], covariance
    return None


def _content(path: pathlib.Path, name: str) -> bytes:
    """The bytes of one array; none if they cannot be read."""
    try:
        if not name:
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            return archive.read(f"{name}.npy")
    except files.UNREADABLE:
        return b""
