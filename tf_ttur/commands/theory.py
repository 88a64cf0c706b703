"""The theorems of the paper as experiments that run in seconds.

    tf-ttur theory two-time-scale --output figures/    # Theorem 1 on a linear game
    tf-ttur theory heavy-ball --output figures/        # Theorem 2: Adam is a heavy ball
    tf-ttur theory assumptions --output figures/       # A1 to A5, on games with known answers
    tf-ttur theory assumptions --run runs/svhn-ttur-seed0 --output figures/    # of a training

Each experiment writes NAME.svg, .png, .json and .md, and prints a verdict.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tf_ttur.commands import flags, program
from tf_ttur.io import outputs

if TYPE_CHECKING:
    from tf_ttur.studies.report import Report


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    _check_together(arguments)
    outputs.check_folder(arguments.output)
    print(_study(arguments).write(arguments.output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "theory")
    parser.add_argument(
        "part", choices=("two-time-scale", "heavy-ball", "assumptions"), help="the experiment"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--seed", type=flags.seed, default=0, help="seed of the noise [0]")
    two_time_scale = parser.add_argument_group("two-time-scale")
    two_time_scale.add_argument(
        "--runs", type=flags.at_most(100_000), metavar="N", help="runs of each setting [200]"
    )
    assumptions = parser.add_argument_group("assumptions")
    assumptions.add_argument(
        "--run", metavar="WORKDIR", help="a run folder to examine instead of the games"
    )
    assumptions.add_argument(
        "--batches",
        type=flags.at_most(64),
        metavar="N",
        help="with --run: number of batches for gradients [16]",
    )
    return parser


def _check_together(arguments: flags.Arguments) -> None:
    """Refuses flags of another experiment."""
    used = {
        "--runs": arguments.part == "two-time-scale",
        "--run": arguments.part == "assumptions",
        "--batches": arguments.run is not None,
    }
    flags.refuse_unused(
        arguments,
        [flag for flag, is_used in used.items() if not is_used],
        f"with {arguments.part}" + ("" if arguments.run else " and without --run"),
        "the experiment that it belongs to",
        "leave it out; see --help",
    )


def _study(arguments: argparse.Namespace) -> "Report":
    if arguments.part == "two-time-scale":
        from tf_ttur.studies import two_time_scale

        return two_time_scale.study(arguments.runs or 200, arguments.seed)
    if arguments.part == "heavy-ball":
        from tf_ttur.studies import heavy_ball

        return heavy_ball.study(arguments.seed)
    if not arguments.run:
        from tf_ttur.studies import assumptions

        return assumptions.study(arguments.seed)
    program.start_tensorflow()
    from tf_ttur.studies import assumptions
    from tf_ttur.training.game import TrainedGame

    game = TrainedGame(arguments.run, arguments.batches or 16)
    return assumptions.study_run(game.name, game.ask_assumptions(arguments.seed))
