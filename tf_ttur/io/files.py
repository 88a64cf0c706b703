"""Atomic writes, locks, and tolerant reading of JSON lines.

All text is UTF-8.
"""

import contextlib
import errno
import importlib.metadata
import json
import lzma
import math
import os
import pathlib
import socket
import struct
import tarfile
import tempfile
import time
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import tf_ttur
from tf_ttur.errors import UserError
from tf_ttur.io.paths import PathLike

try:
    import fcntl
except ImportError:  # Windows, where folders are not locked
    fcntl = None  # type: ignore[assignment]  # there is no type for a module that may be missing

_SECONDS_BETWEEN_TRIES = 0.1  # to get a lock

# The errors that NumPy, zipfile and tarfile raise for a file that is damaged or of another format.
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


@contextlib.contextmanager
def atomic(path: PathLike, mode: str = "wb") -> Iterator[IO[Any]]:
    """Opens a temporary file that becomes `path` only if the block ends without an error.

    At the end the file is synchronised to disk (fsync) and renamed.

    Args:
      path: the file; its folder is created if it is missing.
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
    """Waits until the system has written a file or folder to disk (fsync).

    Without this, a power failure may leave an empty file under the final name.
    """
    if os.name == "nt" and os.path.isdir(path):
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path: PathLike) -> None:
    """Checks before long work that `path` can be written, and creates its folder.

    Raises:
      OSError: it cannot be written.
    """
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
      UserError: a link leads back to a folder that contains it, so that the walk would never end.
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
      columns: {key: type or types of its value} that every object must have. True and False do not
        count as numbers.

    Returns:
      (objects, number of lines that were left out because they hold no such object).
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


def lock(path: PathLike, of_any_user: bool = False) -> IO[str]:
    """Locks a file for this process, until the process ends or closes the returned file.

    Args:
      path: the file, which is made if it is missing.
      of_any_user: whether the file may be one of another user, which this one can only read.

    Raises:
      UserError: another process holds the lock.
    """
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  because the lock needs it open
    except PermissionError:
        if not of_any_user:
            raise
        file = open(path, encoding="utf-8")  # noqa: SIM115
    if not take(file):
        file.close()
        raise UserError(
            f"{pathlib.Path(path).parent} is in use by {owner(path)}",
            "one process at a time",
            "wait for its end, or choose another folder",
        )
    if file.writable():
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    return file


def wait_for_lock(
    path: PathLike,
    seconds: float = math.inf,
    on_wait: Callable[[], object] = lambda: None,
    of_any_user: bool = False,
) -> IO[str]:
    """As `lock`, but waits while another process holds it.

    Args:
      path, of_any_user: as in `lock`.
      seconds: how long to wait.
      on_wait: function that is called once, if there is a wait.

    Raises:
      UserError: the other process still holds it then.
    """
    end = time.monotonic() + seconds
    has_waited = False
    while True:
        try:
            return lock(path, of_any_user=of_any_user)
        except UserError:
            if time.monotonic() > end:
                raise
        if not has_waited:
            on_wait()
        has_waited = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def owner(path: PathLike) -> str:
    """Who holds a lock, as `lock` has noted it: "process 7 on a-host", or "another process"."""
    try:
        noted = pathlib.Path(path).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        noted = ""
    return noted or "another process"


def take(file: IO[Any]) -> bool:
    """Tries to lock an open file for this process.

    Returns:
      False if another process holds the lock. Always True on Windows and on file systems without
      locks.
    """
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def version(package: str = "tf_ttur") -> str:
    """The installed version of a package, or "not installed".

    That of tf_ttur is the version of the code that runs, which need not be installed.
    """
    if package == "tf_ttur":
        return tf_ttur.__version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
