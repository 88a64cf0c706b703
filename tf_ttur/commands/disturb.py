"""FID against the Inception Score under six disturbances, levels 0 to 3.

    tf-ttur disturb SOURCE --output figures/
    tf-ttur disturb config:celeba --output figures/ --mixed-in imagenet/

The disturbances are Gaussian noise, blur, black rectangles, swirl, and salt and pepper. --mixed-in
adds the sixth, which replaces some of the images by others (in the paper from ImageNet). The
command writes disturb.svg, .png, .json and .md, and prints a verdict.

If interrupted, run it again: it resumes from disturb.jsonl, which holds what has been measured.
"""

import argparse
import math
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.data.disturbances import DISTURBANCES, MIXED, check_names
from tf_ttur.data.sources import options_of
from tf_ttur.errors import UserError
from tf_ttur.io import outputs


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    _check_names(arguments)
    words = (arguments.source, arguments.mixed_in, arguments.example)
    flags.refuse_unused_by(arguments, [(word, options_of(word)) for word in words if word])
    arguments.output = str(outputs.check_folder(arguments.output))
    program.start_tensorflow()
    from tf_ttur.studies import disturb

    report = disturb.study(disturb.Options(**vars(arguments)))
    print(report.write(arguments.output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "disturb")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="square images of one size, or any with --size; its forms are below",
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument(
        "--count",
        type=flags.positive,
        default=50_000,
        help="use the first COUNT images of SOURCE, or all if there are fewer [50000]",
    )
    parser.add_argument(
        "--reference",
        metavar="FILE.npz",
        help="statistics of undisturbed images [all of SOURCE, cached]",
    )
    group = parser.add_argument_group("the disturbances")
    group.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help=f"some of {', '.join([*DISTURBANCES, MIXED])} [all]",
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
        help="radius of the swirl [70 for 64x64 images, as in the original code, else 25]",
    )
    group.add_argument("--seed", type=flags.seed, default=0, help="seed of the disturbances [0]")
    figure = parser.add_argument_group("the figure")
    figure.add_argument(
        "--example",
        metavar="SOURCE",
        help="show images of this source, where those of SOURCE may not be shown [SOURCE]",
    )
    figure.add_argument(
        "--limit",
        type=_limit,
        default="largest",
        help="m in IND = m - Inception Score: a number, published, or largest (the largest score "
        "of each disturbance) [largest]",
    )
    images = parser.add_argument_group("images")
    flags.add_conversion(images)
    flags.add_sizes(images)
    flags.add_value_range(images)
    flags.add_network(parser)
    flags.append_sources(parser)
    return parser


def _limit(text: str) -> float | str:
    """A type for `argparse`: largest, published, or a finite number."""
    if text in ("largest", "published"):
        return text
    if not math.isfinite(float(text)):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number, published or largest")
    return float(text)


def _check_names(arguments: flags.Arguments) -> None:
    """Refuses unknown disturbances, and flags of disturbances that are not measured."""
    only = arguments.only or ()
    check_names(only)
    of_one = {"--mixed-in": MIXED, "--swirl-radius": "swirl"}
    flags.refuse_unused(
        arguments,
        [flag for flag, name in of_one.items() if only and name not in only],
        f"together with --only {' '.join(only)}",
        "a disturbance that it belongs to",
        "leave it out, or add that disturbance to --only",
    )
    if MIXED in only and not arguments.mixed_in:
        raise UserError("--only mixed without --mixed-in", "the images to mix in", "name them")
