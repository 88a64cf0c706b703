"""Experiment cards: finding the file that a word names, and running it.

A card is named by

  NAME[:VARIANT]        a card that ships with the package, such as svhn or svhn:orig
  PATH.py[:VARIANT]     any file; its folder is on `sys.path` while it runs
"""

import contextlib
import inspect
import pathlib
import re
import runpy
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ml_collections import ConfigDict

from tf_ttur.config.keys import KEYS, flatten
from tf_ttur.config.rules import names_objects, unknown_key, validate
from tf_ttur.errors import UserError
from tf_ttur.io import paths
from tf_ttur.registry import Value, searching
from tf_ttur.wording import did_you_mean

EXPECTED = (
    "NAME[:VARIANT] of a card that ships with tf_ttur, or PATH.py[:VARIANT], for example svhn:orig"
)

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<variant>[^:/\\]*))?", re.DOTALL)
_NAME = re.compile(r"(?P<name>\w+)(?::(?P<variant>[^:/\\]*))?")

V = TypeVar("V")


class Card(NamedTuple):
    """A card.

    Attributes:
      path: its file.
      variant: the requested variant; "" for the card's default.
    """

    path: pathlib.Path
    variant: str


class Changed(NamedTuple):
    """A config with values that a command line has changed.

    Attributes:
      config: the validated config.
      changes: {key: value} of those that are not the card's own.
    """

    config: ConfigDict
    changes: dict[str, Value]


def folder() -> pathlib.Path:
    """The folder of the shipped cards: inside an installed package, beside it in a checkout."""
    package = pathlib.Path(__file__).parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def list_cards(place: str | pathlib.Path | None = None) -> list[pathlib.Path]:
    """The files of all cards in a folder, sorted by name.

    Args:
      place: the folder; None takes the cards that ship with the package.
    """
    place = folder() if place is None else paths.local(place, "the folder of the cards")
    return sorted(path for path in place.glob("*.py") if not path.name.startswith("_"))


def find_card(word: str) -> Card:
    """The card that a word names.

    Raises:
      UserError: there is no such file or name.
    """
    path = paths.local(word, "--config")
    if path.suffix == ".py" and path.is_file():
        return Card(path, "")  # also with a colon in the name of its folder
    if found := _FILE.fullmatch(word):
        path = paths.local(found["path"], "--config")
        if path.is_file():
            return Card(path, found["variant"] or "")
        shipped = folder() / path.name
        cure = (
            f"correct the path, or name the card that ships: {path.stem}"
            if shipped.is_file()
            else "correct the path"
        )
        raise UserError(f"there is no config {path}", EXPECTED, cure)
    found = _NAME.fullmatch(word)
    names = [path.stem for path in list_cards()]
    if found and found["name"] in names:
        return Card(folder() / f"{found['name']}.py", found["variant"] or "")
    otherwise = f"one of {', '.join(names)}, or the path of a file"
    cure = did_you_mean(word.partition(":")[0], names, otherwise)
    raise UserError(f"there is no config {word}", EXPECTED, cure)


def read_card(word: str) -> ConfigDict:
    """The config that a word names, not validated: a card may leave a value to the command line.

    Raises:
      UserError: there is no such card, or it cannot be run.
    """
    card = find_card(word)
    with searching(card.path.parent):
        return _run(card)


def load(
    word: str,
    overrides: Mapping[str, Value] | None = None,
    before_objects: Callable[[ConfigDict], None] | None = None,
) -> ConfigDict:
    """The validated config that a word names.

    Args:
      word: `NAME[:VARIANT]` or `PATH.py[:VARIANT]`.
      overrides: {key: value}, such as {"data.source": "photos/"}, that replace values of the card
        before it is validated.
      before_objects: is called with the config before user-defined objects are imported, if it
        names any. They may import TensorFlow.

    Raises:
      UserError: there is no such card, it cannot be run, or the config holds a mistake.
    """
    return load_changed(word, overrides or {}, before_objects).config


def load_changed(
    word: str,
    overrides: Mapping[str, Value],
    before_objects: Callable[[ConfigDict], None] | None = None,
) -> Changed:
    """As `load`, together with the values that differ from the card's own."""
    card = find_card(word)
    # Validation imports user-defined objects, so the folder stays on the path until it ends.
    with searching(card.path.parent):
        config = _run(card)
        own = flatten(config)
        for name, value in overrides.items():
            if name not in KEYS:
                raise unknown_key(name)
            _replace(config, name, value)
        if before_objects is not None and names_objects(config):
            before_objects(config)
        changes = {name: value for name, value in overrides.items() if own.get(name) != value}
        return Changed(validate(config), changes)


def choose(variant: str, variants: Mapping[str, V]) -> V:
    """`variants[variant]`, for use in `get_config`.

    Raises:
      UserError: there is no such variant; the message lists those that exist.
    """
    if variant not in variants:
        found = f"there is no variant {variant!r}"
        cure = did_you_mean(variant, variants, "name one of these")
        raise UserError(found, f"one of {', '.join(variants)}", cure)
    return variants[variant]


def variants(path: pathlib.Path) -> list[str]:
    """The names of a card's variants; [] if it has no VARIANTS.

    Raises:
      UserError: it cannot be run.
    """
    try:
        with searching(path.parent), contextlib.redirect_stdout(sys.stderr):
            found = runpy.run_path(str(path)).get("VARIANTS")
    except (Exception, SystemExit) as error:  # a file may raise anything
        reason = f"{type(error).__name__}: {error}"
        raise UserError(
            f"{path} cannot be run ({reason})", "an experiment card", "correct the file"
        ) from error
    return list(found or ())


def _run(card: Card) -> ConfigDict:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            get_config = runpy.run_path(str(card.path))["get_config"]
            if card.variant and not inspect.signature(get_config).parameters:
                raise UserError(
                    f"{card.path} has no variants, and {card.variant!r} is named",
                    "the card alone, or get_config(variant)",
                    "leave the variant out",
                )
            config = get_config(card.variant) if card.variant else get_config()
        if not isinstance(config, ConfigDict):
            raise TypeError(f"get_config gives {type(config).__name__}")
        return config
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a file may raise anything
        raise UserError(
            f"{card.path} gives no config ({type(error).__name__}: {error})",
            "a Python file whose get_config(variant) returns tf_ttur.config.default() "
            "with changed values of the same types",
            "correct the file; the cards that ship with tf_ttur are examples",
        ) from error


def _replace(config: ConfigDict, name: str, value: Any) -> None:
    *parts, last = name.split(".")
    part = config
    for step in parts:
        part = part.get(step)
        if not isinstance(part, ConfigDict):
            cure = "build the config on tf_ttur.config.default()"
            raise UserError(f"the card's config has no part {step!r}", "all config keys", cure)
    with part.ignore_type():  # the type has been checked against KEYS, or will be
        part[last] = value
