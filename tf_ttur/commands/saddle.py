"""The paper's toy saddle point: one time scale wanders or crawls, two arrive if x is slow.

    tf-ttur saddle --output figures/

The command writes saddle.svg, .png, .json and .md, and prints a verdict.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags
from tf_ttur.io import outputs


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "saddle")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    simulation = parser.add_argument_group("the simulation")
    simulation.add_argument(
        "--runs",
        type=flags.at_most(5000),
        default=400,
        help="runs of each setting; 1,000 take 0.3 GB [400]",
    )
    simulation.add_argument("--seed", type=flags.seed, default=0, help="seed of the noise [0]")
    arguments = parser.parse_args(words)
    outputs.check_folder(arguments.output)
    from tf_ttur.studies import saddle

    print(saddle.study(arguments.runs, arguments.seed).write(arguments.output))
