"""The words by which a user names files and folders: they become paths here, and nowhere else."""

import os
import pathlib
import re
import stat

from tf_ttur.errors import UserError

PathLike = str | os.PathLike[str]

_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]+)://")
# `pathlib` has made one slash of two. Only well-known schemes are told by one slash, because
# "sweep:/run" is a path, too, and hf:/data/faces/train names a local data set.
_SCHEME_OF_PATH = re.compile("(gs|s3|https?|ftp|hdfs|file|abfss?|gcs):/", re.IGNORECASE)


def local(word: PathLike, what: str) -> pathlib.Path:
    """The path of a file or folder on this machine that a user has named.

    "~" at its beginning becomes the home folder. A path that this function returned is returned
    unchanged when it is given again.

    Args:
      word: from a command line, a config, an environment variable or a Python argument.
      what: the name of the flag, key, variable or argument, for messages.

    Raises:
      UserError: the word is empty, names something on another machine, or cannot be a path; or
        there is a pipe or device, which may have no end.
    """
    text = os.fspath(word)
    if not text:
        raise UserError(f"{what} is empty", "the path of a file or folder", "name it")
    if "\0" in text:
        raise UserError(f"{what} holds a NUL character: {text!r}", "a path", "correct it")
    if scheme := _SCHEME.match(text) or _SCHEME_OF_PATH.match(text):
        raise _elsewhere(text, scheme[1].lower(), what)
    path = pathlib.Path(text)
    try:
        if text.startswith("~"):
            path = path.expanduser()
    except RuntimeError as error:
        raise UserError(
            f"{what} is {text}, and there is no such home folder",
            "a path, or ~ where the user has a home folder",
            "write the path without ~",
        ) from error
    # "./~run" has lost its "./", and must not become the home folder of a user "run" later.
    if str(path).startswith("~") or _SCHEME_OF_PATH.match(str(path)):
        path = path.absolute()
    if _is_special(path):
        raise UserError(
            f"{what} is {text}, which is a pipe or a device",
            "a file or folder",
            "write the data to a file, and name that",
        )
    return path


def check_utf8(path: PathLike, what: str) -> None:
    """Refuses the path of something that TensorFlow reads or writes by its name.

    Raises:
      UserError: the path is not valid UTF-8.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fspath(path).encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"{what} {shown} is not valid UTF-8",
            "a path in UTF-8: TensorFlow cannot use others",
            "rename it, or name another path",
        ) from error


def _is_special(path: pathlib.Path) -> bool:
    """Whether there is something that is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # nothing is there, or it cannot be looked at
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _elsewhere(text: str, scheme: str, what: str) -> UserError:
    """The refusal of a word with a scheme such as gs://."""
    if scheme == "file":
        cure = "write the path without file://"
    else:
        cure = f"copy or mount what {scheme}:// names, and give its local path"
    return UserError(f"{what} is {text}", "the path of a file or folder on this machine", cure)
