"""The theorems of the paper as experiments that run in seconds.

    python tools/theory.py two-time-scale --output figures/        # Theorem 1 on a linear game
    python tools/theory.py heavy-ball --output figures/            # Theorem 2: Adam is a heavy ball with friction
    python tools/theory.py assumptions --output figures/           # A1 to A5, on games whose answers are known
    python tools/theory.py assumptions --run runs/svhn-ttur-seed0 --output figures/    # the same questions to a training

Each writes NAME.svg, .png, .json and .md, and prints a verdict.
"""

from tf_ttur import command
from tf_ttur.errors import UserError


def study(arguments):
    match arguments.part:
        case "two-time-scale":
            from tf_ttur.studies import two_time_scale

            return two_time_scale.study(arguments.runs, arguments.seed)
        case "heavy-ball":
            from tf_ttur.studies import heavy_ball

            return heavy_ball.study(arguments.seed)
    from tf_ttur.studies import assumptions

    if not arguments.run:
        return assumptions.study(arguments.seed)
    command.start_tensorflow()
    from tf_ttur.training.game import Run

    run = Run(arguments.run, arguments.batches)
    return assumptions.study_run(run.name, run.ask_assumptions(arguments.seed))


def main():
    parser = command.parser(__doc__)
    parser.add_argument("part", choices=("two-time-scale", "heavy-ball", "assumptions"))
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--seed", type=command.seed, default=0)
    parser.add_argument("--runs", type=command.positive, default=200, help="of each setting of two-time-scale [200]")
    parser.add_argument("--run", metavar="WORKDIR", help="assumptions: a run folder to ask instead of the games")
    parser.add_argument("--batches", type=command.positive, default=16, help="of gradients, for assumptions --run; 2 or more [16]")
    arguments = parser.parse_args()
    if arguments.run and (arguments.part != "assumptions" or arguments.batches < 16):
        raise UserError(f"--run with {arguments.part} and --batches {arguments.batches}", "assumptions, and 16 batches or more", "see --help")
    print(study(arguments).write(arguments.output))


if __name__ == "__main__":
    command.run(main)
