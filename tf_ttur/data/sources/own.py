"""Images of a user-defined object: `python:MODULE:OBJECT` or `python:PATH.py:OBJECT`."""

import pathlib

from tf_ttur import registry
from tf_ttur.data.sources import given
from tf_ttur.data.sources.source import Options, Source


def open_python(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of a user-defined object, of which `given.of_object` says what it may be.

    Args:
      word: `python:` and the name of the object.
      path, options: not used.

    Raises:
      UserError: there is no such object, or as in `given.of_object`.
    """
    return given.of_object(word, registry.import_object(word.removeprefix("python:")))
