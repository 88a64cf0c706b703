"""The paper's toy saddle point: where one time scale wanders or crawls and two time scales arrive.

    python tools/saddle.py --output figures/

Writes saddle.svg, .png, .json and .md.
"""

from tf_ttur import command


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--runs", type=command.at_most(5000), default=400, help="of each setting; 1,000 take 0.3 GB [400]")
    parser.add_argument("--seed", type=command.seed, default=0)
    arguments = parser.parse_args()
    from tf_ttur import files
    from tf_ttur.studies import saddle

    files.check_writable(f"{arguments.output}/saddle.json")

    print(saddle.study(arguments.runs, arguments.seed).write(arguments.output))


if __name__ == "__main__":
    command.run(main)
