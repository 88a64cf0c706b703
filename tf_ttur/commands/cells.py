"""What `tf-ttur study` and `tf-ttur search` share: flags, and what happens to the cells."""

import argparse
import pathlib
import re
import shlex
from collections.abc import Sequence

from tf_ttur.commands import flags
from tf_ttur.config import cards
from tf_ttur.errors import UserError
from tf_ttur.io import console, outputs
from tf_ttur.registry import Value
from tf_ttur.studies import execution
from tf_ttur.studies import study as studies
from tf_ttur.studies.progress import Progress
from tf_ttur.studies.study import Cell, Study
from tf_ttur.wording import counted


def add_flags(parser: flags.Parser, seeds: str) -> None:
    """Adds the card and the flags that both commands have.

    Args:
      parser: of the command.
      seeds: the default of `--seeds`.
    """
    parser.add_argument("card", metavar="CARD", help="NAME of a card that ships, or PATH.py")
    group = parser.add_argument_group("the cells")
    group.add_argument(
        "--seeds",
        type=seed_list,
        default=seed_list(seeds),
        metavar="SEEDS",
        help=f"such as 0-7 or 0,1,5 [{seeds}]",
    )
    group.add_argument("--output", metavar="DIR", help="the folder of the run folders")
    group.add_argument(
        "--jobs",
        type=flags.at_most(1024),
        default=1,
        metavar="N",
        help="train N cells at the same time; cores and GPUs are divided among them [1]",
    )
    group.add_argument(
        "--interleave",
        type=flags.positive,
        default=0,
        metavar="UPDATES",
        help="the cells take turns of so many updates [train each to its end]",
    )
    group.add_argument(
        "--cell", metavar="I/N", help="train only the Ith of the N cells, for a job array"
    )
    group.add_argument(
        "--list",
        action="store_true",
        help="print the cells, their states and their commands, and train nothing",
    )
    flags.add_network(parser, batch_size=False, precision=False)
    parser.add_argument_group(
        "the experiment",
        "--config.KEY=VALUE replaces a value of the card in all cells; the keys are listed below.",
    )
    flags.add_keys(parser)


def output(arguments: flags.Arguments, default: str) -> pathlib.Path:
    """The folder of the cells: that of `--output`, or `default` where the flag is absent.

    Raises:
      UserError: as in `outputs.check_folder`; also for an empty word.
    """
    return outputs.check_folder(default if arguments.output is None else arguments.output)


def seed_list(text: str) -> list[int]:
    """A type for `argparse`: seeds such as 0-7 or 0,1,5, without repetitions, increasing."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = flags.seed(first)
            high = flags.seed(last) if dash else low
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{part!r} is no seed, such as 3 or 0-7") from error
        if not low <= high < low + 10_000:
            raise argparse.ArgumentTypeError(f"{part} is no range of seeds, such as 0-7")
        found |= set(range(low, high + 1))
    return sorted(found)


def read_card(arguments: flags.Arguments) -> str:
    """The word of the card. Raises `UserError` if it holds a variant, or there is no such card."""
    if cards.find_card(arguments.card).variant:
        raise UserError(
            f"CARD {arguments.card} names a variant",
            "a card; the variants are named by --variants",
            "write the card without it",
        )
    return str(arguments.card)


def overrides(arguments: flags.Arguments) -> dict[str, Value]:
    """{key: value} of the command line for all cells. Raises `UserError` for `--config.seed`."""
    values = flags.overrides(arguments)
    if "seed" in values:
        raise UserError("--config.seed", "seeds for all cells", "name them with --seeds")
    return values


def run(arguments: flags.Arguments, study: Study) -> Study | None:
    """Lists the cells, or trains them.

    Returns:
      The study with all that its folder holds; None if the cells were listed, or one of them was
      trained on its own.
    """
    cells = study.cells
    chosen = cells if arguments.cell is None else [cells[_index(arguments.cell, len(cells))]]
    if arguments.list:
        for number, cell in enumerate(cells, start=1):
            if cell in chosen:
                print(f"{number}/{len(cells)}  {cell.name}  {cell.state}")
                print(f"    {shlex.join(['tf-ttur', *cell.arguments, *_network(arguments)])}")
        return None
    recorded = studies.record(study)
    _train(arguments, chosen)
    return recorded if arguments.cell is None else None


def _train(arguments: flags.Arguments, cells: Sequence[Cell]) -> None:
    for cell in cells:
        if cell.state == "failed":
            console.say(
                f"{cell.name}: has failed in update {cell.run.failed_at} and counts as such;"
                f" remove {cell.folder} to train it again"
            )
    with Progress(cells, arguments.jobs) as progress:
        in_use = execution.train(
            cells,
            progress,
            jobs=arguments.jobs,
            turn=arguments.interleave,
            arguments=_network(arguments),
        )
    if in_use:
        names = ", ".join(cell.name for cell in in_use)
        console.say(f"in the hands of other processes: {names}")


def _network(arguments: flags.Arguments) -> list[str]:
    """The flags of the network, for the command of a cell."""
    words = ["--inception", arguments.inception] if arguments.inception is not None else []
    return [*words, *(["--trust"] if arguments.trust else [])]


def _index(text: str, count: int) -> int:
    """The index of I/N. Raises `UserError` if it is none of these cells."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or int(found[2]) != count or not 1 <= int(found[1]) <= count:
        raise UserError(
            f"--cell {text}",
            f"1/{count} ... {count}/{count}: this study has {counted(count, 'cell')}",
            "correct it; --list shows the cells",
        )
    return int(found[1]) - 1
