"""Images in the archives that their authors publish: SVHN's .mat, CIFAR-10's batches; and tarballs,
of which a damaged one is refused.

SVHN and CIFAR-10 are small enough to be read as one array. Nothing is ever unpacked to disk.
"""

import contextlib
import gzip
import io
import math
import os
import pickle
import tarfile

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import files

TARS = (".tar.gz", ".tgz", ".tar")
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_BINARY = tuple(f"{name}.bin" for name in _BATCHES)
_RECORD = 1 + 3 * 32 * 32  # a label, then the red, the green and the blue plane
_BLOCK = 2**20  # bytes of a tarball at a time
_MAX_BYTES = 2**26  # of a batch, which has half of that

# Of the kinds of numbers in a .mat.
_BYTES = {f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)} | {
    "single": 4,
    "double": 8,
    "logical": 1,
}


def svhn(path):
    """The images of a file of SVHN's cropped digits, such as train_32x32.mat: uint8 (n, 32, 32, 3).

    Raises:
      UserError: it cannot be read, or holds something else.
    """
    import scipy.io  # slow to import, and only needed here

    expected, cure = (
        "the cropped digits of SVHN, for example train_32x32.mat: X, uint8 (32, 32, 3, n)",
        "fetch the file again",
    )
    try:
        claimed, size = (
            sum(math.prod(shape) * _BYTES[kind] for _, shape, kind in scipy.io.whosmat(path)),
            os.path.getsize(path),
        )
        if claimed > max(files.FREE_BYTES * 4, files.MOST_TIMES * size):
            raise ValueError(f"{claimed:,} bytes in {size:,}")
        # All of it: where only X is asked for, SciPy does not see that the end is missing.
        content = scipy.io.loadmat(path)
    except (
        KeyError
    ) as error:  # of others, such as cells, the directory does not tell what they hold
        raise UserError(
            f"{path} holds an array of kind {error}", f"numbers alone: {expected}", cure
        ) from error
    except NotImplementedError as error:
        raise UserError(
            f"{path} is a MATLAB file of version 7.3 (HDF5)",
            f"version 5, as published: {expected}",
            cure,
        ) from error
    except Exception as error:  # SciPy raises many kinds
        raise UserError(f"{path} cannot be read ({error})", expected, cure) from error
    images = content.get("X")
    if images is None:
        raise UserError(
            f"{path} holds {', '.join(name for name in content if not name.startswith('__')) or 'nothing'}",
            expected,
            cure,
        )
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[:3] != (32, 32, 3)
        or not images.size
    ):
        raise UserError(f"{path} holds X as {images.dtype} of shape {images.shape}", expected, cure)
    return images.transpose(3, 0, 1, 2)


def is_cifar10(folder):
    """Whether a folder holds batches of CIFAR-10."""
    return any((folder / name).is_file() for name in (*_BINARY, *_BATCHES))


def cifar10(path, trust_pickle=False):
    """The training images of CIFAR-10, in their order: uint8 (n, 32, 32, 3).

    Args:
      path: an archive as published, or the folder that was unpacked from it; the binary version or
        the one for Python.
      trust_pickle: whether to read the version for Python, which is made of pickles. Also then only
        arrays and plain containers are admitted; but NumPy does not promise to withstand an array
        that was made to do harm.

    Raises:
      UserError: it cannot be read, holds something else, or is made of pickles that are not
        trusted.
    """
    expected = "CIFAR-10 as published: data_batch_1.bin ... data_batch_5.bin, or the same names without .bin"
    try:
        contents = _tar_contents(path) if path.is_file() else _folder_contents(path)
    except files.UNREADABLE as error:
        raise UserError(f"{path} cannot be read ({error})", expected, "fetch it again") from error
    names = (
        _BATCHES
        if set(_BATCHES) <= set(contents) and not set(_BINARY) <= set(contents)
        else _BINARY
    )
    missing = [name for name in names if name not in contents]
    if missing:
        raise UserError(
            f"{path} has no {', '.join(missing)}",
            expected,
            "fetch it again, and unpack all of it or nothing",
        )
    if names == _BATCHES and not trust_pickle:
        raise UserError(
            f"{path} is made of pickles, which can run any program while they are read",
            "the binary version, cifar-10-binary.tar.gz",
            "fetch that one; or, if you trust this one, convert it with tf-ttur prepare cifar10 --trust-pickle",
        )
    parse = _from_pickle if names == _BATCHES else _from_records
    planes = np.concatenate([parse(f"{name} of {path}", contents[name]) for name in names])
    return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


@contextlib.contextmanager
def whole_tar(path):
    """Opens a tarball, plain or gzipped, as a `tarfile.TarFile` whose members are read from front
    to end.

    The rest is read when the block ends: tarfile by itself takes a damaged member for the end, and
    stops before gzip's checksum.

    Raises:
      One of `files.UNREADABLE`: it is damaged or cut off.
    """
    with open(path, "rb") as file:
        content = gzip.GzipFile(fileobj=file) if file.peek(2).startswith(b"\x1f\x8b") else file
        with tarfile.open(fileobj=content, mode="r|", bufsize=_BLOCK) as archive:
            yield archive
            for _ in archive:  # where the block left some
                pass
            end = 0
            while block := archive.fileobj.read(_BLOCK):
                end += len(block)
                if block.strip(b"\0"):
                    raise tarfile.ReadError("a member is damaged")
            if end < tarfile.BLOCKSIZE:  # the second of the two empty blocks that end every tar
                raise tarfile.ReadError("its end is missing")


def check_member(archive, name):
    """Refuses a name inside an archive that would lead out of the folder it is unpacked in.

    Raises:
      UserError: naming the archive and the member.
    """
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or parts[0][1:] == ":" or ".." in parts:
        expected = "members inside the folder that the archive is unpacked in"
        raise UserError(
            f"{archive} has the member {name}",
            expected,
            "do not unpack this archive; fetch or make another one",
        )


def check_plain(archive, member, name):
    """Refuses a `tarfile.TarInfo` that is a link or a device; `name` is how the message calls it.
    Raises `UserError`.
    """
    if not member.isreg():
        raise UserError(
            f"{archive} has a {name} that is a link or a device",
            "a plain file",
            "fetch the archive again",
        )


def _folder_contents(path):
    return {
        name: (path / name).read_bytes()
        for name in (*_BINARY, *_BATCHES)
        if (path / name).is_file()
    }


def _tar_contents(path):
    contents = {}
    with whole_tar(path) as archive:
        for member in archive:
            check_member(path, member.name)
            name = member.name.rpartition("/")[2]
            if name in _BINARY or name in _BATCHES:
                check_plain(path, member, name)
                if member.size > _MAX_BYTES:
                    raise UserError(
                        f"{path} has a {name} of {member.size:,} bytes",
                        f"at most {_MAX_BYTES:,}",
                        "fetch the archive again",
                    )
                contents[name] = archive.extractfile(member).read()
    return contents


def _from_records(name, content):
    """uint8 (n, 3072) of a binary batch."""
    expected = f"records of {_RECORD} bytes, of which the first is 0 ... 9"
    if not content or len(content) % _RECORD:
        raise UserError(f"{name} has {len(content)} bytes", expected, "fetch it again")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        raise UserError(f"{name} holds other things than CIFAR-10", expected, "fetch it again")
    return records[:, 1:]


def _from_pickle(name, content):
    """uint8 (n, 3072) of a batch for Python."""
    expected = "a dictionary with data, uint8 (n, 3072)"
    try:
        data = _Unpickler(io.BytesIO(content), encoding="bytes").load()[b"data"]
        kind = f"{data.dtype} of shape {data.shape}"
    except Exception as error:  # a pickle may raise anything
        cure = "take the binary version, cifar-10-binary.tar.gz"
        raise UserError(
            f"{name} cannot be read ({type(error).__name__}: {error})", expected, cure
        ) from error
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != _RECORD - 1 or not len(data):
        raise UserError(f"{name} holds {kind}", expected, "fetch it again")
    return data


class _Unpickler(pickle.Unpickler):
    """Admits what an array is made of, and nothing that could do anything else."""

    _ADMITTED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, _: text.encode("latin1")
        if (module, name) not in self._ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)
