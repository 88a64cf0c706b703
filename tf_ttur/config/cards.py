"""Experiment cards: finding the file that a word names, and running it.

A card is named by

  NAME[:VARIANT]        a card that ships with the package, such as svhn or svhn:orig
  PATH.py[:VARIANT]     any file; its folder is on `sys.path` while it runs
"""

import difflib
import pathlib
import re
import runpy
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from ml_collections import ConfigDict

from tf_ttur.config.keys import KEYS
from tf_ttur.config.rules import unknown_key, validate
from tf_ttur.errors import UserError
from tf_ttur.registry import Value, on_path

EXPECTED = (
    "NAME[:VARIANT] of a card that ships with tf_ttur, or PATH.py[:VARIANT], for example svhn:orig"
)

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<variant>[^:/\\]*))?", re.DOTALL)
_NAME = re.compile(r"(?P<name>\w+)(?::(?P<variant>[^:/\\]*))?")

V = TypeVar("V")


class Card(NamedTuple):
    """A file, and the variant that is asked for; "" for the card's own default."""

    path: pathlib.Path
    variant: str


def folder() -> pathlib.Path:
    """Where the cards that ship are: inside an installed package, beside it in a checkout."""
    package = pathlib.Path(__file__).parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def list_cards(place: str | pathlib.Path | None = None) -> list[pathlib.Path]:
    """The files of all cards in a folder, by name; without a folder those of this package."""
    paths = pathlib.Path(folder() if place is None else place).glob("*.py")
    return sorted(path for path in paths if not path.name.startswith("_"))


def find_card(word: str) -> Card:
    """The card that a word names.

    Raises:
      UserError: there is no such file or name.
    """
    if pathlib.Path(word).suffix == ".py" and pathlib.Path(word).is_file():
        return Card(pathlib.Path(word), "")  # also with a colon in the name of its folder
    if found := _FILE.fullmatch(word):
        path = pathlib.Path(found["path"])
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
    near = difflib.get_close_matches(word.partition(":")[0], names, 2)
    raise UserError(
        f"there is no config {word}",
        EXPECTED,
        f"did you mean {' or '.join(near)}?"
        if near
        else f"one of {', '.join(names)}, or the path of a file",
    )


def read_card(word: str) -> ConfigDict:
    """The config that a word names, not validated: a card may leave a value to the command line."""
    card = find_card(word)
    with on_path(card.path.parent):
        return _run(card)


def load(word: str, overrides: Mapping[str, Value] | None = None) -> ConfigDict:
    """The validated config that a word names.

    Args:
      word: `NAME[:VARIANT]` or `PATH.py[:VARIANT]`.
      overrides: {key: value}, such as {"data.source": "photos/"}, that replace values of the card
        before it is validated.

    Raises:
      UserError: there is no such card, it cannot be run, or the config holds a mistake.
    """
    card = find_card(word)
    with on_path(
        card.path.parent
    ):  # also for own objects, which are found while the config is validated
        config = _run(card)
        for name, value in (overrides or {}).items():
            if name not in KEYS:
                raise unknown_key(name)
            _replace(config, name, value)
        return validate(config)


def choose(variant: str, variants: Mapping[str, V]) -> V:
    """`variants[variant]`, or the error that lists what there is. For use in `get_config`."""
    if variant not in variants:
        found = f"there is no variant {variant!r}"
        raise UserError(
            found, f"one of {', '.join(variants)}", "write CONFIG:VARIANT with one of these"
        )
    return variants[variant]


def variants(path: pathlib.Path) -> list[str]:
    """The names of a card's variants.

    Raises:
      UserError: it cannot be run, or has no VARIANTS.
    """
    try:
        with on_path(path.parent):
            found = runpy.run_path(str(path)).get("VARIANTS")
    except (Exception, SystemExit) as error:  # whatever a file may do
        reason = f"{type(error).__name__}: {error}"
        raise UserError(
            f"{path} cannot be run ({reason})", "an experiment card", "correct the file"
        ) from error
    if found is None:
        expected = "experiment cards with VARIANTS, such as those in configs/"
        raise UserError(f"{path} has no VARIANTS", expected, "name their folder")
    return list(found)


def _run(card: Card) -> ConfigDict:
    try:
        get_config = runpy.run_path(str(card.path))["get_config"]
        config = get_config(card.variant) if card.variant else get_config()
        if not isinstance(config, ConfigDict):
            raise TypeError(f"get_config gives {type(config).__name__}")
        return config
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # whatever a file may do
        raise UserError(
            f"{card.path} gives no config ({type(error).__name__}: {error})",
            "a Python file with get_config(variant), which changes keys of "
            "tf_ttur.config.default() within their types",
            "correct the file; the cards that ship with tf_ttur are examples",
        ) from error


def _replace(config: ConfigDict, name: str, value: Any) -> None:
    *parts, last = name.split(".")
    part = config
    for step in parts:
        part = part[step]
    with part.ignore_type():  # the type has been checked against KEYS, or will be
        part[last] = value
