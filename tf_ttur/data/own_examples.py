"""What a Python program passes to be learnt from, as `Examples`."""

import inspect
import os
from typing import Any

from ml_collections import ConfigDict

from tf_ttur.data import KINDS, Examples
from tf_ttur.data.images import of_config
from tf_ttur.data.sources import given
from tf_ttur.data.sources.source import GIVEN
from tf_ttur.errors import UserError

_MEMBERS = [name for name in vars(Examples) if not name.startswith("_")]


def adopt(examples: Any, data: Any, learns: str = "images") -> Examples:
    """The `Examples` of an object, prepared as a config says.

    Args:
      examples: images in any of the forms of `sources.given.of_object`; a word or path, as
        `config.data.source`; or an object that fulfils the protocol `Examples`, which is returned
        as it is.
      data: `config.data`: the size, the crop and so on. Its place of the data is not read.
      learns: a name of `KINDS`, what the architecture learns from.

    Returns:
      The examples. Their `word` is `GIVEN`, unless `examples` is a word. It is a valid value of
      `config.data.source`, which is refused when it is opened.

    Raises:
      UserError: the object is something else, or its images cannot be used.
    """
    kind = KINDS[learns]
    if isinstance(examples, str | os.PathLike):
        with_place = ConfigDict(data)
        with_place[kind.place.removeprefix("data.")] = os.fspath(examples)
        return kind.open_examples(with_place)
    if not inspect.isclass(examples) and all(hasattr(examples, name) for name in _MEMBERS):
        _check_kind(examples, learns)
        return examples
    if learns != "images":
        raise UserError(
            f"{GIVEN}: {type(examples).__name__}",
            f"the word or path of {kind.help}, as {kind.place} takes it, or an object that "
            "fulfils the protocol tf_ttur.data.Examples",
            "pass one of these",
        )
    return of_config(given.of_object(GIVEN, examples), data)


def _check_kind(examples: Examples, learns: str) -> None:
    """Refuses examples of another kind than the architecture learns from. Raises `UserError`."""
    if bool(examples.vocabulary) != KINDS[learns].has_vocabulary:
        given_kind = "lines of symbols" if examples.vocabulary else "without a vocabulary"
        raise UserError(
            f"{examples.word}: examples {given_kind}",
            f"{KINDS[learns].help}, which config.model.architecture learns from",
            "pass other examples, or choose another architecture",
        )
