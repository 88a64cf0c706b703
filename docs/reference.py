"""The pages of the site that are made from the code each time it is built, so that none is stale.

Each function returns the text of a page in Markdown.
"""

import argparse
import ast
import importlib
from collections.abc import Iterable, Sequence
from unittest import mock

from tf_ttur import commands
from tf_ttur import config as configs
from tf_ttur.commands import flags
from tf_ttur.config import cards
from tf_ttur.registry import Decides

_DECIDES = {
    Decides.WEIGHTS: "the weights",
    Decides.CURVE: "the curve",
    Decides.NOTHING: "nothing",
}


class _Reached(Exception):
    """A command has built its parser, which the exception holds, and has parsed its words."""


def parse(command: str, words: Sequence[str]) -> argparse.ArgumentParser:
    """Parses a command line without running the command.

    Args:
      command: a name of `commands.COMMANDS`.
      words: what follows the name.

    Returns:
      The command's parser.

    Raises:
      UserError: the words are no command line of this command.
    """
    parse_args = flags.Parser.parse_args

    def parse_and_stop(parser, args=None):
        if args:
            parse_args(parser, args)
        raise _Reached(parser)

    module = importlib.import_module(f"tf_ttur.commands.{commands.COMMANDS[command].module}")
    with mock.patch.object(flags.Parser, "parse_args", parse_and_stop):
        try:
            module.main(list(words))
        except _Reached as reached:
            return reached.args[0]
    raise AssertionError(f"{command} has not parsed its words")


def commands_page() -> str:
    """All commands with their flags."""
    lines = [
        "# Commands",
        "",
        "This page is made from the code. `tf-ttur COMMAND --help` says the same.",
        "",
    ]
    for name, command in commands.COMMANDS.items():
        lines.append(f"- [`tf-ttur {name}`](#tf-ttur-{name}): {command.help}")
    for name in commands.COMMANDS:
        parser = parse(name, [])
        lines += ["", f"## tf-ttur {name}", "", (parser.description or "").strip(), ""]
        for group in parser._action_groups:
            rows = [_flag(action) for action in group._group_actions if _is_shown(action)]
            if rows:
                lines += ["", *_table(("", group.title or "", "meaning"), rows)]
        if any(action.dest.startswith("config.") for action in parser._actions):
            lines += ["", "`--config.KEY=VALUE`: see [Config keys](config.md)."]
        elif parser.epilog:
            lines += ["", "```text", parser.epilog, "```"]
    return "\n".join(lines) + "\n"


def _is_shown(action: argparse.Action) -> bool:
    return action.help is not argparse.SUPPRESS and action.dest != "help"


def _flag(action: argparse.Action) -> tuple[str, ...]:
    """One row of a table of flags: name, value, meaning."""
    name = ", ".join(action.option_strings) or action.metavar or action.dest
    value = ""
    if action.option_strings and action.nargs != 0:
        value = action.metavar or "|".join(map(str, action.choices or [action.dest.upper()]))
    return f"`{name}`", f"`{value}`" if value else "", (action.help or "").replace("%%", "%")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]


def config_page() -> str:
    """All config keys, and the names that some of them take."""
    lines = [
        "# Config keys",
        "",
        "This page is made from the code. A card sets these keys, and `--config.KEY=VALUE`",
        "replaces them on the command line. A key that decides the weights must not change when",
        "a run is resumed; one that decides the curve must not change once a value has been",
        "measured ([what is the same run](../reliability.md#what-is-the-same-run)).",
    ]
    groups: dict[str, list[tuple[str, ...]]] = {}
    registries = {}
    for name, key in configs.KEYS.items():
        group = name.partition(".")[0] if "." in name else "the run"
        default = f"`{key.default!r}`"
        row = (f"`{name}`", default, key.meaning, key.rule.words, _DECIDES[key.decides])
        groups.setdefault(group, []).append(row)
        if key.choices:
            registries[key.choices.what] = key.choices
    for group, rows in groups.items():
        head = ("key", "default", "meaning", "allowed", "decides")
        lines += ["", f"## {group}", "", *_table(head, rows)]
    lines += [
        "",
        "## Names",
        "",
        "In the place of a name stands `MODULE:OBJECT` or `PATH.py:OBJECT`",
    ]
    lines += ["for an object of your own ([registries](../architecture.md#registries))."]
    for what, registry in registries.items():
        rows = [(f"`{name}`", entry.help) for name, entry in registry.items()]
        lines += ["", f"### {what}", "", *_table(("name", "meaning"), rows)]
    return "\n".join(lines) + "\n"


def cards_page() -> str:
    """All cards that ship, in their own words."""
    lines = ["# Cards", "", "This page holds the text of each card in the folder `configs`."]
    for path in sorted(cards.folder().glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if text:
            lines += ["", f"## {path.stem}", "", text]
    return "\n".join(lines) + "\n"


PAGES = {
    "reference/commands.md": commands_page,
    "reference/config.md": config_page,
    "reference/cards.md": cards_page,
}
