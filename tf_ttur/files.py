"""Files that are either whole or not there, and where this project keeps what can be made again."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import tarfile
import tempfile
import zipfile
import zlib


# What NumPy, zipfile and tarfile raise for a file that is damaged or of another kind.
UNREADABLE = (OSError, ValueError, TypeError, AttributeError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError)


def cache_dir():
    """The folder of the network and of reference statistics: `TF_TTUR_CACHE`, or tf_ttur in the user's cache."""
    if folder := os.environ.get("TF_TTUR_CACHE"):
        return pathlib.Path(folder)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tf_ttur"


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Opens a temporary file that becomes `path` only if the block ends without an error (fsync, then rename)."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def check_writable(path):
    """Makes sure, before long work, that `path` can be written: raises `OSError` if not."""
    folder = pathlib.Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{pathlib.Path(path).name}."):
        pass


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_json_lines(path):
    """The objects of a file with one JSON object a line, up to a line that was cut off."""
    rows = []
    for line in pathlib.Path(path).read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def version(package="tf_ttur"):
    """The installed version of a package, or "not installed" (tf_ttur itself may run from its source folder)."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
