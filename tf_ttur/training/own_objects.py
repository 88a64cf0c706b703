"""The user's own objects, which a config names: their check, and what a run folder records."""

import contextlib
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.losses import LossPair


@contextlib.contextmanager
def named(word: str, what: str) -> Iterator[None]:
    """Turns what a user's own code raises in the block into a `UserError`.

    Args:
      word: names the object; errors of objects of this package pass unchanged.
      what: the part of it that is called.
    """
    try:
        yield
    except (UserError, tf.errors.ResourceExhaustedError, MemoryError):
        raise
    except Exception as error:  # own code may raise anything
        if not registry.is_object(word):
            raise
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UserError(
            f"{word}: {what} cannot be used ({type(error).__name__}: {reason})",
            "what docs/architecture.md says of such an object, under Registries",
            "correct the object",
        ) from error


def check_output(what: str, output: Any, shape: tuple[int, ...]) -> None:
    """Refuses what a network or loss gives where it has another shape or type.

    Args:
      what: names it in messages.
      output: what it gave.
      shape: that it must have; the type must be float32.

    Raises:
      UserError: it differs.
    """
    expected = f"float32 {shape}"
    if isinstance(output, tf.Tensor):
        found = f"{output.dtype.name} {tuple(output.shape)}"
    else:
        found = type(output).__name__
    if found != expected:
        raise UserError(f"{what} gives {found}", expected, "correct the object")


def check_loss(word: str, pair: LossPair) -> None:
    """Calls both losses of a user's own pair on two outputs.

    Raises:
      UserError: they cannot be called, or do not give one loss per output.
    """
    if not registry.is_object(word):
        return
    outputs = tf.zeros((2,))
    with named(word, "its discriminator's loss"):
        discriminator = pair.discriminator(outputs, outputs)
    check_output(f"the discriminator's loss of {word}", discriminator, (2,))
    with named(word, "its generator's loss"):
        generator = pair.generator(outputs)
    check_output(f"the generator's loss of {word}", generator, (2,))


def describe(config: ConfigDict) -> dict[str, dict[str, str | None]]:
    """{word: {"file": absolute path, "sha256": hex digest of the file}}.

    Both are None for an object whose file is not known. Raises `UserError` if an object is missing.
    """
    return {word: _describe(word) for word in configs.objects(config)}


def changes(config: ConfigDict, part: Mapping[str, Any]) -> list[str]:
    """One sentence for each file that has changed since an earlier start of the run.

    Args:
      config: the validated config.
      part: the entry of that start in `environment.json`. Entries written by earlier versions have
        no `objects`.
    """
    stored = part.get("objects", {})
    words: dict[str, list[str]] = {}  # by the name of their file
    for word, now in describe(config).items():
        if word in stored and now["sha256"] != stored[word]["sha256"]:
            words.setdefault(pathlib.Path(now["file"] or word).name, []).append(word)
    return [
        f"{name}, which {_keys(config, of_file)}, has changed since the last start of this run,"
        f" after update {part.get('from_update', 0)}"
        for name, of_file in words.items()
    ]


def _describe(word: str) -> dict[str, str | None]:
    file = registry.file_of(word)
    return {"file": str(file) if file else None, "sha256": registry.digest_of(word)}


def _keys(config: ConfigDict, words: list[str]) -> str:
    """The config keys with one of these words as value, followed by "names" or "name"."""
    flat = configs.flatten(config)
    keys = [
        f"config.{name}"
        for name in configs.KEYS
        if str(flat[name]).removeprefix("python:") in words
    ]
    return f"{' and '.join(keys)} {'names' if len(keys) == 1 else 'name'}"
