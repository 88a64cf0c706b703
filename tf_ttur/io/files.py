"""Files that are either whole or not there, and where this project keeps what can be made again.

All text is UTF-8.
"""

import contextlib
import errno
import importlib.metadata
import json
import lzma
import os
import pathlib
import socket
import struct
import tarfile
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

from tf_ttur.errors import UserError

try:
    import fcntl
except ImportError:  # Windows, where folders are not locked
    fcntl = None  # type: ignore[assignment]  # as there is no other type for a missing module

PathLike = str | os.PathLike[str]

# What NumPy, zipfile and tarfile raise for a file that is damaged or of another kind.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    IndexError,
    OverflowError,
    MemoryError,
    SyntaxError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    tarfile.TarError,
)


def cache_dir() -> pathlib.Path:
    """The folder of the network and of reference statistics: `TF_TTUR_CACHE`, or tf_ttur in the
    user's cache.
    """
    if folder := os.environ.get("TF_TTUR_CACHE"):
        return pathlib.Path(folder)
    user_cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(user_cache) / "tf_ttur"


@contextlib.contextmanager
def atomic(path: PathLike, mode: str = "wb") -> Iterator[IO[Any]]:
    """Opens a temporary file that becomes `path` only if the block ends without an error (fsync,
    then rename).

    Args:
      path: the file; its folder is made where it is missing.
      mode: "wb", or "w" for text, which is written as UTF-8.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    encoding = None if "b" in mode else "utf-8"
    try:
        with os.fdopen(descriptor, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        to_disk(path.parent)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def to_disk(path: PathLike) -> None:
    """Waits until the system has written a file or folder, so that a loss of power does not empty
    what has its name already.
    """
    if os.name == "nt" and os.path.isdir(path):
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path: PathLike) -> None:
    """Makes sure, before long work, that `path` can be written: raises `OSError` if not."""
    folder = pathlib.Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{pathlib.Path(path).name}."):
        pass


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def walk(path: PathLike) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, but links are followed, and hidden folders are left out.

    Raises:
      UserError: a link leads back to where the walk came from, so that it would not end.
    """
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if os.path.islink(os.path.join(folder, name)):
                _check_link(pathlib.Path(folder, name), path)
        yield str(folder), folders, names


def _check_link(link: pathlib.Path, top: PathLike) -> None:
    above = [parent for parent in link.parents if parent.is_relative_to(top)]
    if os.path.realpath(link) in map(os.path.realpath, above):
        raise UserError(
            f"the link {link} leads back to a folder that it is in",
            "links to other places",
            "remove it",
        )


def read_json_lines(
    path: PathLike, columns: Mapping[str, type | tuple[type, ...]] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """The objects of a file with one JSON object per line.

    Args:
      path: the file.
      columns: {key: type or types of its value} that every object must have; True and False are of
        no type.

    Returns:
      (objects, number of lines that hold no such object and are left out).
    """
    lines = pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    objects = []
    for line in lines:
        with contextlib.suppress(ValueError):
            content = json.loads(line)
            if isinstance(content, dict) and _has_columns(content, columns or {}):
                objects.append(content)
    return objects, len(lines) - len(objects)


def _has_columns(content: dict[str, Any], columns: Mapping[str, type | tuple[type, ...]]) -> bool:
    return all(
        isinstance(content.get(key, ...), types) and not isinstance(content[key], bool)
        for key, types in columns.items()
    )


def lock(path: PathLike) -> IO[str]:
    """Takes a file for this process alone, until it ends or closes the file that is returned.

    Raises:
      UserError: another process has it.
    """
    file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  as it stays open
    if not take(file):
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        raise UserError(
            f"{pathlib.Path(path).parent} is in use by {owner}",
            "one process at a time",
            "wait for its end, or choose another folder",
        )
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def take(file: IO[Any]) -> bool:
    """Whether an open file is locked for this process from now on. Also True on Windows and on file
    systems without locks.
    """
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def version(package: str = "tf_ttur") -> str:
    """The installed version of a package, or "not installed" (tf_ttur itself may run from its
    source folder).
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
