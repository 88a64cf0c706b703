"""The command lines: `tf-ttur COMMAND`, `python -m tf_ttur COMMAND`, and the scripts in `tools/`.

Each command is a file here with a function `main(words)`. It parses the flags, makes one call, and
prints the result.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tf_ttur.commands import program
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.wording import did_you_mean


class Command(NamedTuple):
    """A command.

    Attributes:
      module: the module of this package that holds its `main`.
      help: one line of help.
    """

    module: str
    help: str


COMMANDS = {
    "train": Command("train", "train one experiment, or resume it"),
    "study": Command("study", "train a card with several seeds and variants, and compare them"),
    "search": Command("search", "compare pairs of learning rates, with a few seeds each"),
    "fid": Command("fid", "FID and other measures between two sets of images"),
    "stats": Command("stats", "statistics of a data set, for the FID"),
    "merge-stats": Command("merge_stats", "merge the statistics of shards"),
    "prepare": Command("prepare", "prepare a downloaded data set once"),
    "export": Command("export", "export the generator of a run as a SavedModel"),
    "sample": Command("sample", "write samples of an exported generator"),
    "curve": Command("curve", "draw runs beside the published curve"),
    "report": Command("report", "report runs: verdict, table, curves and samples in one page"),
    "list": Command("list_cards", "list the experiment cards with their published results"),
    "verify": Command("verify", "check the Inception network and the FID on this machine"),
    "benchmark": Command("benchmark", "measure update, network and distance on this machine"),
    "saddle": Command("saddle", "the paper's toy saddle point"),
    "theory": Command("theory", "Theorems 1 and 2 and the assumptions, as experiments"),
    "disturb": Command("disturb", "FID against the Inception Score under disturbances"),
    "nash": Command("nash", "ask whether a trained GAN is at a local Nash equilibrium"),
}


def arguments() -> list[str]:
    """The command line of this process without the program's name, as a list of words."""
    return sys.argv[1:]


def main(words: Sequence[str] | None = None) -> None:
    """Runs a command. If it fails, ends the process with an exit status, as in `program.run`.

    Args:
      words: the command and its arguments; None takes those of this process.
    """
    program.run(lambda: _dispatch(list(arguments() if words is None else words)))


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return
    if words[0] == "--version":
        print(f"tf_ttur {files.version()}")
        return
    name, *rest = words
    if name not in COMMANDS:
        cure = did_you_mean(name, COMMANDS, "see tf-ttur --help")
        raise UserError(f"there is no command {name!r}", f"one of {', '.join(COMMANDS)}", cure)
    importlib.import_module(f"tf_ttur.commands.{COMMANDS[name].module}").main(rest)


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "GAN training with the two time-scale update rule, and the Fréchet Inception Distance.",
            "",
            "usage: tf-ttur COMMAND ...        (tf-ttur COMMAND --help lists its flags)",
            "",
            *lines,
        ]
    )
