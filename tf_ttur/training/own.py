"""Objects that a Python program hands to a training, in place of words of the config."""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import keras
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.data.sources.source import GIVEN
from tf_ttur.registry import Value

# The config keys that name the other objects.
_KEYS = {"discriminator": "model.discriminator", "generator": "model.generator", "loss": "loss"}


@dataclasses.dataclass(frozen=True)
class Own:
    """A program's own objects. None leaves the choice to the config.

    Attributes:
      discriminator, generator: Keras models, built or not.
      loss: a `losses.LossPair`, a `losses.Loss`, or a function.
      examples: an array, a `tf.data.Dataset`, or what else `data.own_examples.adopt` takes.
    """

    discriminator: keras.Model | None = None
    generator: keras.Model | None = None
    loss: Any = None
    examples: Any = None

    def __bool__(self) -> bool:
        return any(value is not None for value in self._values().values())

    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def objects(self) -> dict[str, Any]:
        """{name: object} of networks and loss that are no words, for `registry.given`."""
        values = self._values()
        del values["examples"]
        return {
            name: value
            for name, value in values.items()
            if value is not None and not isinstance(value, str)
        }

    def describe(self) -> dict[str, dict[str, str | None]]:
        """{name: {"type", "sha256"}} of the objects that are not None, for `environment.json`.

        The digest is that of a network's Keras config, or of a function's code and constants. It is
        None for an object that has neither; examples are compared by their fingerprint instead.
        """
        return {
            name: {"type": _type_of(value), "sha256": _digest(value)}
            for name, value in self._values().items()
            if value is not None
        }

    def changes(self, part: Mapping[str, Any]) -> list[str]:
        """One sentence for each object that differs from that of an earlier start of the run.

        Args:
          part: the entry of that start in `environment.json`.
        """
        was = part.get("given", {})
        now = self.describe()
        sentences = []
        for name in ("discriminator", "generator", "loss"):
            if was.get(name) == now.get(name):
                continue
            words = [_words(described.get(name)) for described in (was, now)]
            sentences.append(
                f"{name}, as given from Python, differs from the last start of this run, after"
                f" update {part.get('from_update', 0)}: {words[0]} -> {words[1]}"
            )
        return sentences


def separate(
    config: ConfigDict | Mapping[str, Any] | str, own: Own
) -> tuple[ConfigDict | Mapping[str, Any], Own]:
    """Moves what was given as a word into the config, and names networks and loss there.

    Must be called within `registry.given(own.objects())`.

    Args:
      config: a config that is not validated yet, or the word of a card.
      own: what was given; its loss and examples may be words.

    Returns:
      A config with these words in it, a copy if anything changes; and the objects that are left.

    Raises:
      UserError: there is no such card.
    """
    if isinstance(config, str):
        card = configs.find_card(config)
        with registry.searching(card.path.parent):
            words = _words_of(configs.read_card(config), own)
        config = configs.load(config, words)
    else:
        words = {}
        with contextlib.suppress(LookupError, TypeError):  # validation names what is missing
            words = _words_of(config, own)
            if words:
                config = ConfigDict(config).copy_and_resolve_references()
                config.update_from_flattened_dict(words)
    is_word = {"loss": isinstance(own.loss, str), "examples": _is_word(own.examples)}
    objects = {name: None for name, moved in is_word.items() if moved}
    return config, dataclasses.replace(own, **objects)


def _words_of(config: Any, own: Own) -> dict[str, Value]:
    """{key: value} of the config that follow from what was given."""
    words: dict[str, Value] = {_KEYS[name]: registry.word_of_given(name) for name in own.objects()}
    if isinstance(own.loss, str):
        words["loss"] = own.loss
    if own.examples is not None:
        place = configs.kind_of(config).place
        words[place] = os.fspath(own.examples) if _is_word(own.examples) else GIVEN
    return words


def _is_word(examples: Any) -> bool:
    return isinstance(examples, str | os.PathLike)


def _type_of(value: Any) -> str:
    kind = value if hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _digest(value: Any) -> str | None:
    if isinstance(value, keras.Model):
        try:
            plain = _numbered(value.get_config())
            described = json.dumps(plain, sort_keys=True, default=lambda each: _type_of(each))
        except (NotImplementedError, TypeError, ValueError):  # a subclass without `get_config`
            return None
    elif code := getattr(value, "__code__", None):
        described = repr((code.co_code, [c for c in code.co_consts if not hasattr(c, "co_code")]))
    else:
        return None
    return hashlib.sha256(described.encode()).hexdigest()


def _numbered(config: Any) -> Any:
    """A Keras config with numbers for the names of layers.

    Keras counts the layers of a process, so that the same network has other names a second time.
    """
    names: dict[str, str] = {}

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            if isinstance(value.get("name"), str):
                names.setdefault(value["name"], f"#{len(names)}")
            value = list(value.values())
        if isinstance(value, list | tuple):
            for each in value:
                collect(each)

    def replace(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: replace(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [replace(each) for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    collect(config)
    return replace(config)


def _words(described: Mapping[str, str | None] | None) -> str:
    if not described:
        return "none"
    digest = described["sha256"]
    return f"{described['type']} {digest[:8]}" if digest else str(described["type"])
