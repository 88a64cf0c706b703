"""Exports the generator of a run as a SavedModel that plain TensorFlow reads.

    tf-ttur export runs/svhn-ttur-seed0 --output exported/svhn

The generator is that of the last checkpoint.
"""

from collections.abc import Sequence

from tf_ttur import runs
from tf_ttur.commands import flags, program
from tf_ttur.io import outputs


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "export")
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write")
    parser.add_argument(
        "--best",
        action="store_true",
        help="export the generator with the best value of the metric instead of the last one",
    )
    arguments = parser.parse_args(words)
    outputs.check_folder(arguments.output)
    program.start_tensorflow()
    from tf_ttur.training import export

    run = runs.open_run(arguments.workdir)
    updates = export.export_run(run, arguments.output, arguments.best)
    print(f"{arguments.output}: generator after {updates} updates")
