"""FID against the Inception Score under six disturbances, levels 0 to 3.

    tf-ttur disturb SOURCE --output figures/
    tf-ttur disturb config:celeba --output figures/ --mixed-in imagenet/

The disturbances are Gaussian noise, blur, black rectangles, swirl, and salt and pepper. With
--mixed-in there is a sixth, which replaces a part of the images by others (the paper's are of
ImageNet). Writes disturb.svg, .png, .json and .md, and prints a verdict.

If interrupted, run it again: it resumes from disturb.jsonl, which holds what is measured.
"""

import argparse
import math
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.data.disturbances import DISTURBANCES, MIXED, check_names
from tf_ttur.errors import UserError
from tf_ttur.io import files


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    _check_names(arguments)
    files.check_writable(f"{arguments.output}/disturb.jsonl")
    program.start_tensorflow()
    from tf_ttur.studies import disturb

    report = disturb.study(disturb.Options(**vars(arguments)))
    print(report.write(arguments.output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "disturb")
    parser.add_argument(
        "source", metavar="SOURCE", help="square images of one size, as for tf-ttur fid"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument(
        "--count",
        type=flags.positive,
        default=50_000,
        help="the first images of SOURCE, or all there are [50000]",
    )
    parser.add_argument(
        "--reference",
        metavar="FILE.npz",
        help="statistics of undisturbed images [all of SOURCE, cached]",
    )
    group = parser.add_argument_group("the disturbances")
    group.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"of {', '.join([*DISTURBANCES, MIXED])} [all]"
    )
    group.add_argument(
        "--mixed-in",
        metavar="SOURCE",
        help="images to mix in, drawn with replacement; folders and zips are cropped to squares of "
        "256 pixels",
    )
    group.add_argument(
        "--swirl-radius",
        type=flags.positive,
        metavar="PIXELS",
        help="[70 for 64x64 images, as the original code, else 25]",
    )
    group.add_argument("--seed", type=flags.seed, default=0, help="of the disturbances [0]")
    figure = parser.add_argument_group("the figure")
    figure.add_argument(
        "--example", metavar="SOURCE", help="whose first image the figure shows [SOURCE]"
    )
    figure.add_argument(
        "--limit",
        type=_limit,
        default="largest",
        help="the m of IND = m - Inception Score: a number, published, or largest (score of each "
        "disturbance) [largest]",
    )
    flags.add_network(parser)
    return parser


def _limit(text: str) -> float | str:
    """largest, published, or a finite number, for `argparse`."""
    if text in ("largest", "published"):
        return text
    if not math.isfinite(float(text)):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number, published or largest")
    return float(text)


def _check_names(arguments: argparse.Namespace) -> None:
    only = arguments.only or ()
    check_names(only)
    if MIXED in only and not arguments.mixed_in:
        raise UserError("--only mixed without --mixed-in", "the images to mix in", "name them")
