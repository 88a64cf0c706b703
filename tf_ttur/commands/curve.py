"""Draws the distance of runs against updates, beside the published curve with the same rates.

    tf-ttur curve runs/cifar10-ttur-seed0 runs/cifar10-orig-seed0 --output curve.png
    tf-ttur curve runs/billion_word-* --against seconds --output curve.png

The distance is the FID; for language it is the JSD.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "curve")
    parser.add_argument(
        "workdirs", metavar="WORKDIR", nargs="+", help="run folders of one experiment"
    )
    parser.add_argument("--output", required=True, metavar="FILE", help=".png or .svg")
    flags.add_overwrite(parser)
    parser.add_argument(
        "--against",
        choices=("updates", "seconds"),
        default="updates",
        help="the horizontal axis; seconds count training alone [updates]",
    )
    arguments = parser.parse_args(words)
    from tf_ttur.studies import curves

    curves.plot(
        arguments.workdirs, arguments.output, arguments.against, overwrite=arguments.overwrite
    )
    print(arguments.output)
