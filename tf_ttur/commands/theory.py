"""The theorems of the paper as experiments that run in seconds.

    tf-ttur theory two-time-scale --output figures/        # Theorem 1 on a linear game
    tf-ttur theory heavy-ball --output figures/            # Theorem 2: Adam is a heavy ball with friction
    tf-ttur theory assumptions --output figures/           # A1 to A5, on games whose answers are known
    tf-ttur theory assumptions --run runs/svhn-ttur-seed0 --output figures/    # the same questions to a training

Each writes NAME.svg, .png, .json and .md, and prints a verdict.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError
from tf_ttur.io import files


def study(arguments):
    match arguments.part:
        case "two-time-scale":
            from tf_ttur.studies import two_time_scale

            return two_time_scale.study(arguments.runs or 200, arguments.seed)
        case "heavy-ball":
            from tf_ttur.studies import heavy_ball

            return heavy_ball.study(arguments.seed)
    from tf_ttur.studies import assumptions

    if not arguments.run:
        return assumptions.study(arguments.seed)
    program.start_tensorflow()
    from tf_ttur.training.game import Run

    run = Run(arguments.run, arguments.batches or 16)
    return assumptions.study_run(run.name, run.ask_assumptions(arguments.seed))


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "theory")
    parser.add_argument("part", choices=("two-time-scale", "heavy-ball", "assumptions"))
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--seed", type=flags.seed, default=0)
    parser.add_argument(
        "--runs",
        type=flags.at_most(100_000),
        metavar="N",
        help="two-time-scale: of each setting [200]",
    )
    parser.add_argument(
        "--run", metavar="WORKDIR", help="assumptions: a run folder to ask instead of the games"
    )
    parser.add_argument(
        "--batches",
        type=flags.at_most(64),
        metavar="N",
        help="assumptions --run: of gradients [16]",
    )
    arguments = parser.parse_args(words)
    for flag, value, allowed in (
        ("--runs", arguments.runs, arguments.part == "two-time-scale"),
        ("--run", arguments.run, arguments.part == "assumptions"),
        ("--batches", arguments.batches, arguments.run),
    ):
        if value and not allowed:
            raise UserError(
                f"{flag} with {arguments.part}", "the part that it belongs to", "see --help"
            )
    files.check_writable(f"{arguments.output}/{arguments.part}.json")
    print(study(arguments).write(arguments.output))
