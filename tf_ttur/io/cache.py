"""The cache folder, and what is made there once: by one process, while others wait for it."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from tf_ttur.errors import UserError
from tf_ttur.io import console, files, paths
from tf_ttur.io.paths import PathLike

Content = TypeVar("Content")


def folder() -> pathlib.Path:
    """The cache folder, for the Inception network and reference statistics.

    It is `TF_TTUR_CACHE` if that is set, otherwise `tf_ttur` in the user's cache folder.
    """
    if named := os.environ.get("TF_TTUR_CACHE"):
        return paths.local(named, "TF_TTUR_CACHE")
    if named := os.environ.get("XDG_CACHE_HOME"):
        return paths.local(named, "XDG_CACHE_HOME") / "tf_ttur"
    return paths.local("~/.cache/tf_ttur", "the cache folder (TF_TTUR_CACHE)")


def check(path: PathLike) -> None:
    """As `files.check_writable`, for a file in the cache.

    Raises:
      UserError: it cannot be written; the message names TF_TTUR_CACHE.
    """
    try:
        files.check_writable(path)
    except OSError as error:
        raise UserError(
            f"{pathlib.Path(path).parent} cannot be written ({error.strerror})",
            "a cache folder for the Inception network and for statistics",
            "set TF_TTUR_CACHE to a folder that this user may write to",
        ) from error


def once(path: pathlib.Path, make: Callable[[], object]) -> None:
    """Makes a file in the cache if it is missing.

    Where several processes need it, such as the runs of a study, one makes it and the others wait.
    If that one ends without it, the next one makes it.

    Args:
      path: the file, which must appear whole, as by `files.atomic`.
      make: function that writes it.

    Raises:
      UserError: as of `check`.
    """
    if not path.exists():
        with _alone(path):
            if not path.exists():
                make()


def read(path: pathlib.Path, load: Callable[[], Content], make: Callable[[], Content]) -> Content:
    """What a file of the cache holds; it is made if it is missing, as in `once`.

    A file that cannot be read is set aside, which a message says, and made anew.

    Args:
      path: as in `once`.
      load: function that reads the file. It raises `UserError` if that is impossible.
      make: function that writes the file, and gives what it holds.
    """
    if path.exists():
        with contextlib.suppress(UserError):
            return load()
    with _alone(path):
        if path.exists():  # another process has made it meanwhile, or it is damaged
            try:
                return load()
            except UserError as error:
                aside = path.with_name(f"{path.name}.damaged")
                path.replace(aside)
                console.say(f"{error.found}; set aside as {aside}, and made anew")
        return make()


@contextlib.contextmanager
def _alone(path: pathlib.Path) -> Iterator[None]:
    """A block that one process at a time enters for a file; the others wait, and say so."""
    check(path)
    lock = path.with_name(f".{path.name}.lock")
    held = _wait(lock, path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            lock.unlink()
        held.close()


def _wait(lock: pathlib.Path, path: pathlib.Path) -> IO[str]:
    """The locked file. It is the one at `lock`, which the last holder removed, and others made."""

    def say() -> None:
        console.say(f"waiting for {files.owner(lock)}, which makes {path}")

    while True:
        held = files.wait_for_lock(lock, on_wait=say, of_any_user=True)
        if _is_at(lock, held):
            return held
        held.close()


def _is_at(path: pathlib.Path, file: IO[str]) -> bool:
    """Whether an open file still lies at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
