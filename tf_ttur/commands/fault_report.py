"""The report of an exception that was not foreseen, for the user to attach to an issue."""

import os
import platform
import re
import shlex
import sys
import tempfile
import traceback

from tf_ttur.io import files

_LONGEST_LINE = 300  # characters
_PACKAGES = ("tf_ttur", "tensorflow", "keras", "numpy", "tensorflow-datasets", "pillow", "rich")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
# Keras puts this line before the text of an exception.
_KERAS_PREFIX = "Exception encountered when calling"
# Only what decides about this program and its libraries. Names of secrets are left out.
_VARIABLE = re.compile(r"(TF|CUDA|KERAS|TFDS|OMP)_")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY")


def line(error: BaseException) -> str:
    """The type of an exception and the first telling line of its text, shortened."""
    name = type(error).__name__
    lines = [part.strip() for part in _COLOUR.sub("", _text(error)).splitlines()]
    lines = [part for part in lines if part and not part.startswith(_KERAS_PREFIX)]
    if not lines:
        return name
    words = f"{name}: {lines[0]}"
    return words if len(words) <= _LONGEST_LINE else words[: _LONGEST_LINE - 1] + "…"


def write(error: BaseException) -> str:
    """Writes the report to a file in the temporary folder, which only the user can read.

    Returns:
      The file's path.

    Raises:
      OSError: it cannot be written.
    """
    descriptor, path = tempfile.mkstemp(prefix="tf-ttur-fault-", suffix=".txt")
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(_report(error))
    return path


def _report(error: BaseException) -> str:
    variables = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if _VARIABLE.match(name) and not _SECRET.search(name)
    ]
    return "\n".join(
        [
            f"command line: {shlex.join(sys.argv)}",
            f"platform: {platform.platform()}, {os.cpu_count()} processors",
            f"python: {sys.version}",
            *(f"{package}: {files.version(package)}" for package in _PACKAGES),
            "",
            "environment (TF_, CUDA_, KERAS_, TFDS_ and OMP_ only):",
            *variables,
            "",
            "".join(traceback.format_exception(error)),
        ]
    )


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose own text fails must not hide itself
        return ""
