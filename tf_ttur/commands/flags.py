"""The flags that commands share: the parser, its types, `--config`, `--config.KEY=VALUE`."""

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import cards
from tf_ttur.data import QUANTISATIONS
from tf_ttur.errors import UserError
from tf_ttur.metrics.precision import PRECISIONS, SHORT_NAMES
from tf_ttur.registry import Key, Registry, Value

_BOOLS = {
    "true": True,
    "t": True,
    "1": True,
    "yes": True,
    "false": False,
    "f": False,
    "0": False,
    "no": False,
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are `UserError` and say what a misspelled flag may have meant."""

    def parse_args(  # type: ignore[override]  # argparse declares overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            raise self._unknown(unknown)
        return parsed

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        message = re.sub(
            "^argument (--.*): expected one argument$", r"flag \1 without a value", message
        )
        raise UserError(message, usage, "correct the command line; --help says more")

    def _unknown(self, unknown: list[str]) -> UserError:
        flag = next((word for word in unknown if word.startswith("-")), None)
        if flag is None:
            raise self.error(f"unexpected {' '.join(unknown)}")
        name = flag.partition("=")[0]
        if key := re.fullmatch(r"--?(?:no)?config\.([\w.]+)", name):
            return configs.unknown_key(key[1])
        known = [option for action in self._actions for option in action.option_strings]
        last = name.lstrip("-").replace("-", "_")
        near = [option for option in known if option.rpartition(".")[2] == last and "." in option]
        near = [option for option in near if not option.startswith("--no")]
        near = near or difflib.get_close_matches(name, known, 1)
        cure = f"did you mean {' or '.join(near)}?" if near else "see --help"
        return UserError(f"there is no flag {name}", f"the flags of {self.prog}", cure)


def parser(documentation: str, command: str) -> Parser:
    """A parser for a command.

    Args:
      documentation: a command's module docstring, which is its help.
      command: its name, as a user types it after `tf-ttur`.
    """
    return Parser(
        prog=f"tf-ttur {command}",
        description=documentation,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_network(arguments: Parser, batch_size: bool = True, precision: bool = True) -> Any:
    """The flags of every command that computes features; returns their group."""
    group = arguments.add_argument_group("the network")
    group.add_argument(
        "--inception",
        metavar="PATH",
        help="a .pb, the .tgz, a folder with either, or hub:HANDLE "
        "[TF_TTUR_INCEPTION, the cache, or a download]",
    )
    if precision:
        group.add_argument(
            "--precision",
            type=precision_name,
            choices=PRECISIONS,
            default="float32",
            help="in which it computes; bf16 is short for bfloat16 [float32]",
        )
    if batch_size:
        group.add_argument(
            "--batch-size",
            type=positive,
            default=100,
            help="images that go through it at a time [100]",
        )
    add_trust(group)
    return group


def add_trust(group: Any) -> None:
    """The flag of every command that loads a SavedModel, which is a program."""
    text = "let an export or a hub: module hold any operation, on files too"
    group.add_argument("--trust", action="store_true", help=text)


def add_generator(arguments: Parser, count: bool = True) -> Any:
    """The flags of commands that take an exported generator as SOURCE; returns their group."""
    group = arguments.add_argument_group("an exported generator as SOURCE")
    if count:
        group.add_argument(
            "--count", type=positive, default=50_000, help="images that it makes [50000]"
        )
    group.add_argument(
        "--quantisation",
        choices=tuple(QUANTISATIONS),
        default="round",
        help="how its images become 0 ... 255 [round]",
    )
    return group


def add_images(arguments: Parser) -> Any:
    """The flags of commands that measure images as other tools do; returns their group."""
    group = arguments.add_argument_group("images")
    group.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be read; count and name them",
    )
    group.add_argument(
        "--drop-remainder",
        action="store_true",
        help="leave out the last images that fill no batch, as the official tool does",
    )
    return group


def add_config(arguments: Parser) -> None:
    """`--config CARD`, and a flag `--config.KEY` per config key; help ends with their table."""
    group = arguments.add_argument_group("the experiment")
    group.add_argument("--config", metavar="CARD", help=cards.EXPECTED)
    group.add_argument(
        "--config.KEY",
        dest="_",
        metavar="VALUE",
        help="replaces a value of the card; the keys are listed below",
    )
    for name, key in configs.KEYS.items():
        options: dict[str, Any] = {
            "dest": f"config.{name}",
            "default": argparse.SUPPRESS,
            "help": argparse.SUPPRESS,
        }
        if isinstance(key.default, bool):
            options |= {"nargs": "?", "const": True}
            arguments.add_argument(
                f"--noconfig.{name}",
                dest=f"config.{name}",
                action="store_const",
                const=False,
                default=argparse.SUPPRESS,
                help=argparse.SUPPRESS,
            )
        arguments.add_argument(f"--config.{name}", type=_reader(name, key), **options)
    arguments.epilog = describe_keys()


def overrides(arguments: argparse.Namespace) -> dict[str, Value]:
    """{key: value} of the flags `--config.KEY` that a command line gives."""
    given = {
        name.removeprefix("config."): value
        for name, value in vars(arguments).items()
        if name.startswith("config.")
    }
    return {name: given[name] for name in configs.KEYS if name in given}


def read_config(arguments: argparse.Namespace) -> ConfigDict:
    """The validated config of a command line.

    Raises:
      UserError: the command line names no card, or the config holds a mistake.
    """
    if arguments.config is None:
        raise UserError(
            "--config is missing", cards.EXPECTED, "name a card; tf-ttur list shows those that ship"
        )
    return configs.load(arguments.config, overrides(arguments))


def read_optional_config(arguments: argparse.Namespace) -> ConfigDict | None:
    """The validated config of a command line; None where it names none.

    Raises:
      UserError: there is `--config.KEY` without `--config`, or the config holds a mistake.
    """
    if arguments.config is not None:
        return read_config(arguments)
    if overrides(arguments):
        raise UserError(
            "--config.KEY without --config",
            "the experiment that it changes",
            "name it, or leave the flag out",
        )
    return None


def describe_keys() -> str:
    """The table of config keys for `--help`, and the names that some of them take."""
    rows = [("key", "type", "default", "meaning")]
    registries = {}
    for name, key in configs.KEYS.items():
        rows.append(
            (f"config.{name}", type(key.default).__name__, _shown(key.default), key.meaning)
        )
        if key.choices is not None:
            registries[key.choices.what] = key.choices
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True))
        + f"  {row[3]}"
        for row in rows
    ]
    for registry in registries.values():
        lines += ["", describe_registry(registry)]
    return "\n".join(lines)


def describe_registry(registry: Registry) -> str:
    """The table of a registry's names, for `--help`."""
    width = max(map(len, registry))
    lines = [f"{registry.what}: a name, or MODULE:OBJECT or PATH.py:OBJECT of your own"]
    lines += [
        f"  {name.ljust(width)}  {getattr(entry, 'help', '')}".rstrip()
        for name, entry in registry.items()
    ]
    return "\n".join(lines)


def precision_name(text: str) -> str:
    """The name of a precision; "bf16" is short for "bfloat16"."""
    return SHORT_NAMES.get(text, text)


def positive(text: str) -> int:
    """A whole number above 0."""
    return _whole(text, 1)


def seed(text: str) -> int:
    """A whole number of 0 or more."""
    return _whole(text, 0)


def fraction(text: str) -> float:
    """A number above 0 and below 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def at_most(limit: int) -> Callable[[str], int]:
    """A type: a whole number of 1 ... limit."""
    return lambda text: _whole(text, 1, limit)


def _whole(text: str, least: int, most: int = 2**31 - 1) -> int:
    value = int(text)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not in {least} ... {most}")
    return value


def _reader(name: str, key: Key) -> Callable[[str], Value]:
    """What turns the text of a flag into a value of its key's type."""

    def read(text: str) -> Value:
        try:
            if isinstance(key.default, bool):
                return _BOOLS[text.lower()]
            return type(key.default)(text)
        except (ValueError, KeyError) as error:
            kind = type(key.default).__name__
            expected = f"{kind}, as config.{name} = {key.default!r}"
            raise UserError(f"--config.{name}={text}", expected, "correct the value") from error

    return read


def _shown(default: Value) -> str:
    if default == "":
        return '""'
    return f"{default:g}" if isinstance(default, float) else str(default)
