"""Images of a user-defined object: `python:MODULE:OBJECT` or `python:PATH.py:OBJECT`."""

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np

from tf_ttur import registry
from tf_ttur.data.sources.arrays import is_images, of_array
from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError

_EXPECTED = (
    "a uint8 array (n, height, width, 3), a tf_ttur.data.sources.Source, "
    "or a function without arguments that returns one of these"
)


def open_python(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of a user-defined object.

    Args:
      word: `python:` and the name of the object: a uint8 array (n, height, width, 3), a `Source`,
        or a function without arguments that returns one of these.
      path, options: not used.

    Raises:
      UserError: there is no such object, it is something else, or the function fails.
    """
    name = word.removeprefix("python:")
    thing = registry.import_object(name)
    if callable(thing):
        thing = _call(word, thing)
    if isinstance(thing, Source):
        _check_source(word, thing)
        return dataclasses.replace(thing, word=word)
    if not isinstance(thing, np.ndarray):
        raise UserError(f"{word} gives {type(thing).__name__}", _EXPECTED, f"correct {name}")
    if not is_images(thing):
        raise UserError(
            f"{word} gives {thing.dtype} of shape {thing.shape}",
            _EXPECTED,
            "convert the images to uint8 RGB, channels last",
        )
    digest = hashlib.sha256(np.ascontiguousarray(thing).data).hexdigest()
    return of_array(word, thing, identity_of("array", thing.shape, digest))


def _call(word: str, function: Any) -> Any:
    try:
        return function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise UserError(
            f"{word} fails ({type(error).__name__}: {error})", _EXPECTED, "correct the function"
        ) from error


def _check_source(word: str, source: Source) -> None:
    if (source.read is None) == (source.stream is None):
        given = "neither" if source.read is None else "both"
        raise UserError(
            f"{word} gives a Source with {given} of read and stream",
            "one of them: read for random access, else stream",
            "correct the Source",
        )
    if source.num_images < 1:
        raise UserError(
            f"{word} gives a Source of {source.num_images} images",
            "1 image or more",
            "correct the Source",
        )
