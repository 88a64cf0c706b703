"""Reports what runs have done: a page that opens offline, figures, and the table.

    tf-ttur report runs/cifar10-ttur-seed0 runs/cifar10-orig-seed0 --output report/
    tf-ttur report studies/cifar10 --output report/         # a study
    tf-ttur report runs/ --output report/                   # all runs in a folder

Runs that differ only in their seeds are one setting: the report shows their mean and range. It
holds the verdict, the table beside the published values, curves, samples, warnings, and what is
needed to make the runs again. It writes report.html, report.md, table.csv, .json and .md, and each
figure as SVG and PNG.
"""

import shlex
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.io import outputs


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "report")
    parser.add_argument(
        "folders", metavar="FOLDER", nargs="+", help="run folders, studies, or folders of them"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument(
        "--nearest",
        type=flags.positive,
        metavar="COUNT",
        help="show the training images nearest to samples, among the first COUNT; needs the data "
        "and the network, and takes as long as features of COUNT images [off]",
    )
    flags.add_network(parser, batch_size=False, precision=False)
    arguments = parser.parse_args(words)
    if not arguments.nearest:
        flags.refuse_unused(arguments, ["--inception"], "without --nearest", "--nearest COUNT")
    outputs.check_folder(arguments.output)
    if arguments.nearest:
        program.start_tensorflow()
    from tf_ttur.reports.nearest import Search
    from tf_ttur.reports.write import write

    search = None
    if arguments.nearest:
        search = Search(arguments.nearest, arguments.inception, arguments.trust)
    command = f"tf-ttur report {shlex.join(words)}"
    print(write(arguments.folders, arguments.output, command, search))
