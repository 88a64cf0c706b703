"""Draws the FID (of language, the JSD) of runs against updates, beside the published curve with the
same learning rates.

tf-ttur curve runs/cifar10-ttur-seed0 runs/cifar10-orig-seed0 --output curve.png
tf-ttur curve runs/billion_word-ttur-seed0 runs/billion_word-orig-seed0 --against seconds --output
curve.png
"""

from collections.abc import Sequence

from tf_ttur.commands import flags
from tf_ttur.studies import curves


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "curve")
    parser.add_argument("workdirs", metavar="WORKDIR", nargs="+")
    parser.add_argument("--output", required=True, metavar="FILE", help=".png or .svg")
    parser.add_argument(
        "--against",
        choices=("updates", "seconds"),
        default="updates",
        help="seconds are of training alone [updates]",
    )
    arguments = parser.parse_args(words)
    curves.plot(arguments.workdirs, arguments.output, arguments.against)
    print(arguments.output)
