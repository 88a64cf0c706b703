"""What a command is going to write, checked before any work.

All commands check their outputs here, so that none of them works for hours and then fails, or
replaces what a user still needs. Nothing is written, and no folder is created.
"""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence

from tf_ttur.errors import UserError
from tf_ttur.io import console, paths
from tf_ttur.io.paths import PathLike


def check_file(
    word: PathLike,
    suffixes: Sequence[str],
    kind: str,
    is_own: Callable[[pathlib.Path], bool],
    *,
    what: str = "--output",
    sources: Iterable[PathLike] = (),
    overwrite: bool = False,
    rename: Callable[[pathlib.Path], pathlib.Path] = lambda path: path,
) -> pathlib.Path:
    """The path of a file that a command may write.

    Args:
      word: the name that the user gave.
      suffixes: one of them ends the name. If there is only one, it is added where it is missing,
        and a message says so.
      kind: what the command writes there, with an article, for messages.
      is_own: function of the path of an existing file; whether it is of that kind, so that the
        command may replace it.
      what: the name of the flag or key, for messages.
      sources: words of what the command reads. None of them may be replaced, also if they are not
        the names of files.
      overwrite: whether any existing file may be replaced, except the sources.
      rename: function that makes the name of the file from the one that the user gave.

    Raises:
      UserError: it may not be written.
    """
    path = paths.local(word, what)
    paths.check_utf8(path, what)
    ends_as_folder = os.fspath(word).endswith(("/", os.sep))
    _check_not_source(path, what, sources)
    if ends_as_folder or path.is_dir():
        raise UserError(
            f"{what} {word} is a folder",
            f"the name of a file that ends in {' or '.join(suffixes)}",
            f"add a name, such as {path / ('NAME' + suffixes[0])}",
        )
    path = rename(_with_suffix(path, suffixes, what))
    _check_not_source(path, what, sources)
    if path.is_dir():
        raise UserError(f"{path} is a folder", kind, f"choose another {what}")
    if path.exists() and not overwrite and not is_own(path):
        raise UserError(
            f"{path} exists and is not {kind}",
            f"a new name, or {kind}, which would be replaced",
            f"choose another {what}, or add --overwrite to replace it",
        )
    _check_parent(path, what)
    return path


def check_folder(word: PathLike, what: str = "--output") -> pathlib.Path:
    """The path of a folder that a command may create or write to.

    Args:
      word: the name that the user gave.
      what: the name of the flag, for messages.

    Raises:
      UserError: it is a file, or cannot be created or written.
    """
    path = paths.local(word, what)
    paths.check_utf8(path, what)
    if path.is_dir():
        _check_writable(path, what)
        return path
    if path.exists():
        raise UserError(f"{path} is a file", "a folder", f"choose another {what}")
    _check_parent(path, what)
    return path


def _with_suffix(path: pathlib.Path, suffixes: Sequence[str], what: str) -> pathlib.Path:
    if path.suffix in suffixes:
        return path
    if len(suffixes) > 1:
        raise UserError(
            f"{what} {path}", f"a name that ends in {' or '.join(suffixes)}", f"correct {what}"
        )
    named = path.with_name(path.name + suffixes[0])
    console.say(f"{what} {path} does not end in {suffixes[0]}: writing {named}")
    return named


def _check_not_source(path: pathlib.Path, what: str, sources: Iterable[PathLike]) -> None:
    """Refuses a path that is the file of a source, also by another name or a link."""
    for source in sources:
        if _is_same(path, source):
            raise UserError(
                f"{what} {path} is the source {source}",
                "another file: the source would be replaced",
                f"choose another {what}",
            )


def _is_same(path: pathlib.Path, source: PathLike) -> bool:
    with contextlib.suppress(OSError, ValueError, UserError):  # where either is no file
        return os.path.samefile(path, paths.local(source, "SOURCE"))
    return False


def _check_parent(path: pathlib.Path, what: str) -> None:
    """Refuses a path below something that is no folder, or cannot be written."""
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise UserError(
            f"{what} {path} is below {parent}, which is a file",
            "a path below folders",
            f"choose another {what}",
        )
    _check_writable(parent, what)


def _check_writable(folder: pathlib.Path, what: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        is_read_only = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        reason = "Read-only file system" if is_read_only else "Permission denied"
        raise UserError(
            f"{folder} cannot be written ({reason})",
            "a folder that this user may write to",
            f"choose another {what}, or change the permissions",
        )
