"""Reads images from the files that their authors publish: SVHN's .mat, and CIFAR-10's batches.

Both sets are small enough to be read as one array. Nothing is ever unpacked to disk.
"""

import io
import math
import os
import pathlib
import pickle
from typing import Any

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

TARS = (".tar.gz", ".tgz", ".tar")

_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_BINARY = tuple(f"{name}.bin" for name in _BATCHES)
_RECORD_BYTES = 1 + 3 * 32 * 32  # a label, then the red, the green and the blue plane
_MAX_BATCH_BYTES = 2**26  # twice the size of a published batch
_CIFAR10 = (
    "CIFAR-10 as published: data_batch_1.bin ... data_batch_5.bin, or the same names without .bin"
)
_SVHN = "the cropped digits of SVHN, for example train_32x32.mat: X, uint8 (32, 32, 3, n)"

# Bytes per number, for each kind of array in a .mat.
_BYTES = {f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)}
_BYTES |= {"single": 4, "double": 8, "logical": 1}


def svhn(path: pathlib.Path) -> np.ndarray:
    """The images of a file of SVHN's cropped digits, such as train_32x32.mat.

    Returns:
      uint8 (n, 32, 32, 3).

    Raises:
      UserError: the file cannot be read, or holds something else.
    """
    cure = "download the file again"
    content = _read_mat(path, cure)
    images = content.get("X")
    if images is None:
        names = [name for name in content if not name.startswith("__")]
        raise UserError(f"{path} holds {', '.join(names) or 'nothing'}", _SVHN, cure)
    has_shape = images.ndim == 4 and images.shape[:3] == (32, 32, 3) and images.size > 0
    if images.dtype != np.uint8 or not has_shape:
        raise UserError(f"{path} holds X as {images.dtype} of shape {images.shape}", _SVHN, cure)
    return images.transpose(3, 0, 1, 2)


def _read_mat(path: pathlib.Path, cure: str) -> dict[str, Any]:
    """{name: array} of a MATLAB file. Raises `UserError`."""
    import scipy.io  # slow to import, and only needed here

    try:
        arrays = scipy.io.whosmat(path)
        claimed_bytes = sum(math.prod(shape) * _BYTES[kind] for _, shape, kind in arrays)
        file_bytes = os.path.getsize(path)
        if claimed_bytes > max(archives.FREE_BYTES * 4, archives.MOST_TIMES * file_bytes):
            raise ValueError(f"{claimed_bytes:,} bytes in {file_bytes:,}")
        # Read everything: if only X is requested, SciPy does not notice that the end is missing.
        return scipy.io.loadmat(path)
    except KeyError as error:  # another kind, such as cells, whose size the directory lacks
        raise UserError(
            f"{path} holds an array of kind {error}", f"numbers alone: {_SVHN}", cure
        ) from error
    except NotImplementedError as error:
        raise UserError(
            f"{path} is a MATLAB file of version 7.3 (HDF5)",
            f"version 5, as published: {_SVHN}",
            cure,
        ) from error
    except Exception as error:  # SciPy raises errors of many types
        raise UserError(f"{path} cannot be read ({error})", _SVHN, cure) from error


def is_cifar10(folder: pathlib.Path) -> bool:
    """Whether a folder holds batches of CIFAR-10."""
    return any((folder / name).is_file() for name in (*_BINARY, *_BATCHES))


def is_batch(name: str) -> bool:
    """Whether a member of a tarball is a batch of CIFAR-10, by its name."""
    return name.rpartition("/")[2] in (*_BINARY, *_BATCHES)


def cifar10(path: pathlib.Path, trust_pickle: bool = False) -> np.ndarray:
    """The training images of CIFAR-10, in their published order.

    Args:
      path: an archive as published, or the folder that was unpacked from it; the binary version or
        the Python version.
      trust_pickle: whether to read the Python version, which consists of pickles. Even then only
        arrays and plain containers are admitted, but NumPy does not promise to withstand a
        malicious array.

    Returns:
      uint8 (n, 32, 32, 3).

    Raises:
      UserError: it cannot be read, holds something else, or consists of pickles that are not
        trusted.
    """
    try:
        contents = _tar_contents(path) if path.is_file() else _folder_contents(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})", _CIFAR10, "download it again"
        ) from error
    has_binary = set(_BINARY) <= set(contents)
    is_pickled = set(_BATCHES) <= set(contents) and not has_binary
    names = _BATCHES if is_pickled else _BINARY
    missing = [name for name in names if name not in contents]
    if missing:
        raise UserError(
            f"{path} has no {', '.join(missing)}",
            _CIFAR10,
            "download it again, and unpack it completely or not at all",
        )
    if is_pickled and not trust_pickle:
        raise UserError(
            f"{path} consists of pickles, which can run any program while they are read",
            "the binary version, cifar-10-binary.tar.gz",
            "download that one; or, if you trust this one, "
            "convert it with tf-ttur prepare cifar10 --trust-pickle",
        )
    parse = _from_pickle if is_pickled else _from_records
    planes = np.concatenate([parse(f"{name} of {path}", contents[name]) for name in names])
    return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _folder_contents(path: pathlib.Path) -> dict[str, bytes]:
    return {
        name: (path / name).read_bytes()
        for name in (*_BINARY, *_BATCHES)
        if (path / name).is_file()
    }


def _tar_contents(path: pathlib.Path) -> dict[str, bytes]:
    contents = {}
    with archives.open_tar(path) as archive:
        for member in archive:
            archives.check_member_name(path, member.name)
            name = member.name.rpartition("/")[2]
            if name in _BINARY or name in _BATCHES:
                archives.check_tar_member(path, member, name, _MAX_BATCH_BYTES)
                content = archive.extractfile(member)
                assert content is not None  # because it is a regular file
                contents[name] = content.read()
    return contents


def _from_records(name: str, content: bytes) -> np.ndarray:
    """The pixels of a binary batch: uint8 (n, 3072)."""
    expected = f"records of {_RECORD_BYTES} bytes, of which the first is 0 ... 9"
    if not content or len(content) % _RECORD_BYTES:
        raise UserError(f"{name} has {len(content)} bytes", expected, "download it again")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
    if records[:, 0].max() > 9:
        raise UserError(f"{name} holds other things than CIFAR-10", expected, "download it again")
    return records[:, 1:]


def _from_pickle(name: str, content: bytes) -> np.ndarray:
    """The pixels of a batch of the Python version: uint8 (n, 3072)."""
    expected = "a dictionary with data, uint8 (n, 3072)"
    try:
        data = _Unpickler(io.BytesIO(content), encoding="bytes").load()[b"data"]
        description = f"{data.dtype} of shape {data.shape}"
    except Exception as error:  # a pickle may raise anything
        raise UserError(
            f"{name} cannot be read ({type(error).__name__}: {error})",
            expected,
            "take the binary version, cifar-10-binary.tar.gz",
        ) from error
    has_shape = data.ndim == 2 and data.shape[1] == _RECORD_BYTES - 1 and len(data) > 0
    if data.dtype != np.uint8 or not has_shape:
        raise UserError(f"{name} holds {description}", expected, "download it again")
    return data


class _Unpickler(pickle.Unpickler):
    """Admits only the types that an array consists of, none of which can run a program."""

    _ADMITTED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, _: text.encode("latin1")
        if (module, name) not in self._ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)
