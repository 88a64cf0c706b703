"""The paper's toy saddle point: where one time scale wanders or crawls and two time scales arrive.

    tf-ttur saddle --output figures/

Writes saddle.svg, .png, .json and .md.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "saddle")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument(
        "--runs",
        type=flags.at_most(5000),
        default=400,
        help="of each setting; 1,000 take 0.3 GB [400]",
    )
    parser.add_argument("--seed", type=flags.seed, default=0)
    arguments = parser.parse_args(words)
    from tf_ttur.io import files
    from tf_ttur.studies import saddle

    files.check_writable(f"{arguments.output}/saddle.json")

    print(saddle.study(arguments.runs, arguments.seed).write(arguments.output))
