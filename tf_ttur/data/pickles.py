"""Pickles: what they hold as far as their strings tell, and how to convert them. None is ever run.

This file imports no TensorFlow.
"""

import io
import json
import os
import pathlib
import pickletools
import shlex

import numpy as np

from tf_ttur.errors import UserError

STATISTICS = "statistics as mu (d,) and sigma (d, d)"

_MAX_BYTES = 2**28  # of a pickle that are searched for names
# What other tools call the mean and the covariance.
_NAMES = (
    ("mu", "sigma"),
    ("mean", "cov"),
    ("mean", "covariance"),
    ("mean", "sigma"),
    ("mu", "cov"),
    ("m", "s"),
    ("m1", "s1"),
    ("mu1", "sigma1"),
    ("mu_real", "sigma_real"),
)


def is_pickle(start: bytes) -> bool:
    """Whether a file that starts like this is a pickle of protocol 2 or higher."""
    return start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5")


def refusal(word: str | os.PathLike[str], path: pathlib.Path) -> UserError:
    """The error for a file that is one pickle.

    Args:
      word: what the user calls the file.
      path: the file.
    """
    with open(path, "rb") as file:
        content = file.read(_MAX_BYTES)
    return _refuse(word, path, content, f'pickle.load(open({quote(path)}, "rb"))')


def array_refusal(
    word: str | os.PathLike[str], path: pathlib.Path, array: bytes, name: str = ""
) -> UserError:
    """The error for an array of Python objects.

    Args:
      word: what the user calls the file.
      path: the .npy or .npz.
      array: the content of the .npy, or of the member of the .npz.
      name: of the array in the .npz; "" for a .npy.
    """
    stream = io.BytesIO(array)
    try:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
    except ValueError:  # its strings are not needed for a message
        stream = io.BytesIO()
    key = f"[{json.dumps(name)}]" if name else ""
    load = f"np.load({quote(path)}, allow_pickle=True){key}.item()"
    return _refuse(word, path, stream.read(_MAX_BYTES), load)


def statistics_command(path: pathlib.Path, load: str, mean: str, covariance: str) -> str:
    """A shell command that writes statistics under the names mu and sigma.

    Args:
      path: the file that holds them.
      load: Python that loads the file as a dictionary.
      mean, covariance: their names in it.
    """
    output = path.with_name(f"{path.stem}-statistics.npz")
    code = (
        f"import pickle, numpy as np; d = {load}; "
        f"np.savez({quote(output)}, mu=d[{json.dumps(mean)}], sigma=d[{json.dumps(covariance)}])"
    )
    if "pickle.load" not in load:
        code = code.replace("import pickle, numpy", "import numpy", 1)
    return f"python -c {shlex.quote(code)}"


def quote(path: pathlib.Path) -> str:
    """A path as a literal of Python in double quotes, which shells keep inside single ones."""
    return json.dumps(str(path), ensure_ascii=False)


def _refuse(
    word: str | os.PathLike[str], path: pathlib.Path, content: bytes, load: str
) -> UserError:
    strings = _strings(content)
    pair = next((pair for pair in _NAMES if set(pair) <= strings), None)
    found = f"{word} cannot be read safely: it is a pickle"
    danger = "which can run any program while it is read"
    if pair:
        return UserError(
            f"{found} of statistics ({', '.join(pair)}), {danger}",
            f"an .npz with {STATISTICS}",
            f"if you trust it: {statistics_command(path, load, *pair)}",
        )
    return UserError(
        f"{found}, {danger}",
        f"arrays of numbers: images as uint8 (n, height, width, 3), or {STATISTICS}",
        "if you trust it, load it and save its arrays: numpy.save(file, images), "
        "or numpy.savez(file, mu=mu, sigma=sigma)",
    )


def _strings(content: bytes) -> set[str]:
    """The strings of a pickle; of a damaged one those before the damage."""
    strings = set()
    try:
        for _, argument, _ in pickletools.genops(content):
            if isinstance(argument, bytes) and len(argument) < 100:
                argument = argument.decode("latin1")
            if isinstance(argument, str):
                strings.add(argument)
    except Exception:  # genops raises errors of many types
        return strings
    return strings
