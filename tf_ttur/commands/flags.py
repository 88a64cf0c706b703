"""The parser of all commands, and the flags that commands share, such as `--config.KEY=VALUE`."""

import argparse
import pathlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NoReturn

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.commands import program
from tf_ttur.config import cards
from tf_ttur.data import QUANTISATIONS, ranges, resizing, sources
from tf_ttur.errors import UserError
from tf_ttur.metrics import protocols
from tf_ttur.metrics.precision import PRECISIONS, SHORT_NAMES
from tf_ttur.registry import Key, Registry, Value
from tf_ttur.wording import did_you_mean, listed

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


_CORRECT = "correct the command line; --help says more"


class Arguments(argparse.Namespace):
    """The values of a command line.

    Attributes:
      given: the flags that stand on the command line, such as "--count", also where their value is
        the default. It is a slot, so that `vars` gives the values alone.
    """

    __slots__ = ("given",)
    given: frozenset[str]


class Parser(argparse.ArgumentParser):
    """A parser that raises `UserError`, and suggests the flag that a misspelled one may mean."""

    def parse_args(  # type: ignore[override]  # argparse declares overloads
        self, args: Sequence[str] | None = None
    ) -> Arguments:
        actions = [
            action
            for action in self._actions
            if action.option_strings and action.default is not argparse.SUPPRESS
        ]
        absent = object()  # where it stays, the flag is not on the command line
        parsed = Arguments(**{action.dest: absent for action in actions})
        _, unknown = self.parse_known_args(args, parsed)
        if unknown:
            raise self._unknown(unknown)
        given = []
        for action in actions:
            if getattr(parsed, action.dest) is absent:
                setattr(parsed, action.dest, action.default)
            else:
                given.append(action.option_strings[-1])
        parsed.given = frozenset(given)
        return parsed

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        message = re.sub(
            "^argument (--.*): expected one argument$", r"flag \1 without a value", message
        )
        raise UserError(message, usage, _CORRECT)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        name = "/".join(action.option_strings) or action.metavar or action.dest
        choices = list(map(str, action.choices))
        cure = did_you_mean(str(value), choices, "name one of these")
        raise UserError(f"{name}: invalid choice {value!r}", f"one of {', '.join(choices)}", cure)

    def _unknown(self, unknown: list[str]) -> UserError:
        flag = next((word for word in unknown if word.startswith("-")), None)
        if flag is None:
            usage = " ".join(self.format_usage().split())
            return UserError(f"unexpected {listed(unknown)}", usage, self._cure_of_words(unknown))
        name = flag.partition("=")[0]
        if key := re.fullmatch(r"--?((?:no)?config\.)([\w.]+)", name):
            return configs.unknown_key(key[2], f"--{key[1]}")
        # A flag of the config is found without its beginning, too.
        options = [word for word in self._options() if not word.startswith("--noconfig.")]
        known = {option.removeprefix("--config."): option for option in options}
        cure = did_you_mean(name, known, "see --help", known.__getitem__)
        if name == "--skip-unreadable" and "--config" in options:
            cure = "prepare the images once with tf-ttur prepare images --skip-unreadable"
        return UserError(f"there is no flag {name}", f"the flags of {self.prog}", cure)

    def _options(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings]

    def _cure_of_words(self, unknown: list[str]) -> str:
        """What to do about words that the command does not take."""
        card = unknown[0].partition(":")[0]
        if "--config" in self._options() and card in (path.stem for path in cards.list_cards()):
            return f"did you mean --config {unknown[0]}?"
        folders = [path.parent for path in map(pathlib.Path, unknown) if path.is_file()]
        if len(folders) > 1 and len(set(folders)) == 1:
            return f"name the folder {folders[0]}/ instead of the files in it"
        return _CORRECT


def parser(documentation: str, command: str) -> Parser:
    """A parser for a command.

    Args:
      documentation: the docstring of the command's module, which `--help` shows.
      command: the name of the command, as a user types it after `tf-ttur`.
    """
    return Parser(
        prog=f"tf-ttur {command}",
        description=documentation,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def refuse_unused(
    arguments: Arguments,
    flags: Iterable[str],
    why: str,
    expected: str,
    cure: str = "leave it out",
) -> None:
    """Refuses flags that would have no effect. All commands do this here.

    A flag that allows something, such as `--trust`, is no such flag: that nothing makes use of the
    permission is no surprise.

    Args:
      arguments: what `Parser.parse_args` returned.
      flags: that have no effect in this command line, such as "--count".
      why: follows the name of the flag in the message.
      expected: where the flags have an effect.
      cure: what to do.

    Raises:
      UserError: one of the flags stands on the command line, also where its value is the default.
    """
    for flag in flags:
        if flag in arguments.given:
            raise UserError(f"{flag} {why}", expected, cure)


def add_overwrite(arguments: Any) -> None:
    """Adds `--overwrite`, for commands that write one file."""
    arguments.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an existing file, whatever it holds",
    )


def add_network(
    arguments: Parser, batch_size: bool = True, precision: bool = True, own: bool = False
) -> Any:
    """Adds the flags of commands that compute features.

    Args:
      arguments: the parser.
      batch_size, precision: whether to add these flags too.
      own: whether to add `--network`, which takes a network in the place of Inception.

    Returns:
      The group of the flags.
    """
    group = arguments.add_argument_group("the network")
    group.add_argument(
        "--inception",
        metavar="PATH",
        help="a .pb, the .tgz, a folder with either, or hub:HANDLE "
        "[TF_TTUR_INCEPTION, the cache, or a download]",
    )
    if own:
        group.add_argument(
            "--network",
            metavar="NETWORK",
            help="features of your own network, whose distance is called frechet_NAME: "
            "MODULE:FUNCTION, PATH.py:FUNCTION, the folder of a SavedModel, or a .keras file",
        )
    if precision:
        group.add_argument(
            "--precision",
            type=precision_name,
            choices=PRECISIONS,
            default="float32",
            help="precision of the network; bf16 is short for bfloat16 [float32]",
        )
    if batch_size:
        group.add_argument(
            "--batch-size",
            type=positive,
            default=100,
            help="images per batch of the network [100]",
        )
    add_trust(group)
    return group


def check_own_network(arguments: Arguments) -> None:
    """Refuses flags of the Inception network beside `--network`. Raises `UserError`."""
    if arguments.network is not None:
        refuse_unused(
            arguments,
            ["--inception", "--precision"],
            "together with --network",
            "the Inception network, or your own",
        )


def add_trust(group: Any) -> None:
    """Adds `--trust`, for commands that load a SavedModel, which is a program."""
    text = "allow an export, a hub: module or a --network to hold any operation, also on files"
    group.add_argument("--trust", action="store_true", help=text)


def add_generator(arguments: Parser) -> Any:
    """Adds the flags of commands that take an exported generator as SOURCE; returns their group."""
    group = arguments.add_argument_group("an exported generator as SOURCE")
    group.add_argument(
        "--quantisation",
        type=_quantisation,
        metavar="NAME",
        default="round",
        help=f"how its images become 0 ... 255: {QUANTISATIONS.words} [round]",
    )
    return group


def add_images(arguments: Parser) -> Any:
    """Adds the flags of commands that measure images; returns their group."""
    group = arguments.add_argument_group("images")
    group.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be read; count and name them",
    )
    group.add_argument(
        "--drop-remainder",
        action="store_true",
        help="leave out the last images that do not fill a batch, as the official tool does",
    )
    add_conversion(group)
    add_sizes(group)
    add_value_range(group)
    return group


def add_value_range(group: Any) -> None:
    """Adds `--value-range`, for sources that are arrays; see `data.ranges`."""
    group.add_argument(
        "--value-range",
        type=_value_range,
        metavar="LOW,HIGH",
        help="what the values of an .npy or .npz mean: 0,1 or -1,1 or 0,255 [0,255 of "
        "uint8, -1,1 of floats; values that speak against it are refused]",
    )


SIZES = ("--size", "--crop", "--filter")
# Flags that have an effect on some sources only.
_OF_SIDES = (*SIZES, "--background", "--depth", "--value-range", "--quantisation")


def refuse_unused_by(
    arguments: Arguments, sides: Iterable[tuple[str, Collection[str] | None]]
) -> None:
    """Refuses flags of images that have an effect on no side.

    Args:
      arguments: what `Parser.parse_args` returned.
      sides: as of `sources.refuse_unused`.

    Raises:
      UserError: names the flag and the sides.
    """
    given = {flag.removeprefix("--").replace("-", "_"): flag for flag in _OF_SIDES}
    sources.refuse_unused(
        {option: flag for option, flag in given.items() if flag in arguments.given}, sides
    )


def add_sizes(group: Any) -> None:
    """Adds the flags that bring images of any size to one; see `data.resizing.find_resizing`."""
    group.add_argument(
        "--size",
        type=at_most(resizing.MAX_SIZE),
        metavar="N",
        help="resize all images to N x N pixels, as Pillow does [leave them as they are]",
    )
    group.add_argument(
        "--crop",
        choices=resizing.CROPS,
        help=f"what --size resizes: the centred square, or all of an image [{resizing.CROP}]",
    )
    group.add_argument(
        "--filter",
        choices=resizing.FILTERS,
        help=f"the filter of --size; all are antialiased [{resizing.FILTER}]",
    )


def add_protocol(group: Any) -> None:
    """Adds `--protocol`; see `metrics.protocols`."""
    group.add_argument(
        "--protocol",
        choices=protocols.PROTOCOLS,
        default=protocols.OFFICIAL,
        help="; ".join(f"{name}: {each.help}" for name, each in protocols.PROTOCOLS.items())
        + f" [{protocols.OFFICIAL}]",
    )


def add_conversion(group: Any) -> None:
    """Adds the flags that say what becomes of transparent images and of 16 bits per channel."""
    group.add_argument(
        "--background",
        default="",
        metavar="COLOUR",
        help="put transparent images on white, black or #rrggbb [refuse them]",
    )
    group.add_argument(
        "--depth",
        type=int,
        choices=(8,),
        default=0,
        help="8 keeps the upper 8 of 16 bits per channel [refuse 16 bits]",
    )


def add_config(arguments: Parser) -> None:
    """Adds `--config CARD` and a flag `--config.KEY` per key, and their table to the help."""
    group = arguments.add_argument_group(
        "the experiment",
        "--config.KEY=VALUE replaces a value of the card; the keys are listed below.",
    )
    group.add_argument("--config", metavar="CARD", help=cards.EXPECTED)
    add_keys(arguments)


def add_keys(arguments: Parser) -> None:
    """Adds a flag `--config.KEY` per key, and their table to the help."""
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
    append_table(arguments, "", describe_keys())


def append_sources(arguments: Parser) -> None:
    """Appends the table of the words that name images to the help of a command."""
    append_table(arguments, "SOURCE names images in one of these forms", sources.describe_sources())


def append_table(arguments: Parser, title: str, text: str) -> None:
    """Appends a table to the end of a command's help.

    Args:
      arguments: the parser; its epilog is changed.
      title: a line above the table, without a colon; "" for none.
      text: the lines of the table.
    """
    table = f"{title}:\n{text}" if title else text
    arguments.epilog = f"{arguments.epilog}\n\n{table}" if arguments.epilog else table


def overrides(arguments: argparse.Namespace) -> dict[str, Value]:
    """{key: value} of the flags `--config.KEY` on a command line, in the order of the keys."""
    given = {
        name.removeprefix("config."): value
        for name, value in vars(arguments).items()
        if name.startswith("config.")
    }
    return {name: given[name] for name in configs.KEYS if name in given}


def read_config(
    arguments: argparse.Namespace, start: Callable[[ConfigDict], None] | None = None
) -> ConfigDict:
    """The validated config of a command line.

    Args, Raises: as in `read_changed`.
    """
    return read_changed(arguments, start).config


def read_changed(
    arguments: argparse.Namespace, start: Callable[[ConfigDict], None] | None = None
) -> cards.Changed:
    """The validated config of a command line, and what it changes in the card.

    Args:
      arguments: of a parser with `add_config`.
      start: starts TensorFlow where the config names user-defined objects, which may import it;
        None starts it as `program.start_tensorflow` does.

    Raises:
      UserError: the command line names no card, or the config holds a mistake.
    """
    if arguments.config is None:
        raise UserError(
            "--config is missing", cards.EXPECTED, "name a card; tf-ttur list shows those that ship"
        )
    begin = start or (lambda config: program.start_tensorflow())
    return cards.load_changed(arguments.config, overrides(arguments), begin)


def read_optional_config(arguments: argparse.Namespace) -> ConfigDict | None:
    """The validated config of a command line; None if it names none.

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
        if registry:  # one that only names your own objects has nothing to list
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
    """A type for `argparse`: the name of a precision; "bf16" is short for "bfloat16"."""
    return SHORT_NAMES.get(text, text)


def _quantisation(text: str) -> str:
    QUANTISATIONS.find(text)  # raises `UserError` for a name or object that does not exist
    return text


def _value_range(text: str) -> tuple[float, float]:
    """A type for `argparse`: one of `ranges.RANGES`, as in "0,1"."""
    return ranges.find_range(text.split(","))


def positive(text: str) -> int:
    """A type for `argparse`: an integer above 0."""
    return _whole(text, 1)


def seed(text: str) -> int:
    """A type for `argparse`: an integer of 0 or more."""
    return _whole(text, 0)


def fraction(text: str) -> float:
    """A type for `argparse`: a number above 0 and below 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def at_most(limit: int) -> Callable[[str], int]:
    """A type for `argparse`: an integer in 1 ... limit."""
    return lambda text: _whole(text, 1, limit)


def _whole(text: str, least: int, most: int = 2**31 - 1) -> int:
    value = int(text)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not in {least} ... {most}")
    return value


def _reader(name: str, key: Key) -> Callable[[str], Value]:
    """A function that converts the text of a flag to the type of its key."""

    def read(text: str) -> Value:
        try:
            if isinstance(key.default, bool):
                return _BOOLS[text.lower()]
            return type(key.default)(text)
        except (ValueError, KeyError) as error:
            expected = key.type_in_words
            raise UserError(f"--config.{name}={text}", expected, "correct the value") from error

    return read


def _shown(default: Value) -> str:
    if default == "":
        return '""'
    return f"{default:g}" if isinstance(default, float) else str(default)
