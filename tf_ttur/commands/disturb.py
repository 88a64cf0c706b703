"""FID against the Inception Score under six disturbances, levels 0 to 3.

    tf-ttur disturb SOURCE --output figures/
    tf-ttur disturb config:configs/celeba.py --output figures/ --mixed-in imagenet/

Gaussian noise, blur, black rectangles, swirl and salt and pepper; with --mixed-in also the sixth,
which replaces a part of the images by others (the paper's are of ImageNet). Writes disturb.svg,
.png, .json and .md. What is measured is kept in disturb.jsonl; the same command goes on from there.
"""

import math
import pathlib
from collections.abc import Sequence

from tf_ttur.commands import flags, program


def limit(text):
    if text in ("largest", "published"):
        return text
    if not math.isfinite(float(text)):
        raise ValueError
    return float(text)


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "disturb")
    parser.add_argument(
        "source", metavar="SOURCE", help="square images of one size, as for tf-ttur fid"
    )
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument(
        "--count",
        type=flags.positive,
        default=50_000,
        help="the first images of SOURCE, or all there are [50000]",
    )
    parser.add_argument(
        "--mixed-in",
        metavar="SOURCE",
        help="images to mix in, drawn with replacement; folders and zips are cropped to squares of 256 pixels",
    )
    parser.add_argument(
        "--reference",
        metavar="FILE.npz",
        help="statistics of undisturbed images [all of SOURCE, cached]",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help="of gaussian_noise, blur, rectangles, swirl, salt_and_pepper, mixed [all]",
    )
    parser.add_argument(
        "--swirl-radius",
        type=flags.positive,
        metavar="PIXELS",
        help="[70 for 64x64 images, as the original code, else 25]",
    )
    parser.add_argument(
        "--example", metavar="SOURCE", help="whose first image the figure shows [SOURCE]"
    )
    parser.add_argument(
        "--limit",
        type=limit,
        default="largest",
        help="the m of IND = m - Inception Score: a number, published, or largest (score of each disturbance) [largest]",
    )
    parser.add_argument("--seed", type=flags.seed, default=0)
    flags.add_network(parser)
    arguments = parser.parse_args(words)
    program.start_tensorflow()
    from tf_ttur.data.disturbances import DISTURBANCES
    from tf_ttur.data.images import Images, open_images
    from tf_ttur.errors import UserError
    from tf_ttur.io import files
    from tf_ttur.metrics import extraction, inception, statistics
    from tf_ttur.studies import disturbances

    known = [*DISTURBANCES, disturbances.MIXED]
    only = known if arguments.only is None else arguments.only
    if unknown := set(only) - set(known):
        raise UserError(
            f"there is no disturbance {', '.join(sorted(unknown))}",
            ", ".join(known),
            "correct --only",
        )
    if disturbances.MIXED in (arguments.only or ()) and not arguments.mixed_in:
        raise UserError("--only mixed without --mixed-in", "the images to mix in", "name them")
    output = pathlib.Path(arguments.output)
    files.check_writable(output / "disturb.jsonl")
    images = open_images(arguments.source, arguments.count, arguments.seed, trust=arguments.trust)
    count = min(arguments.count, images.num_images)
    shown = open_images(arguments.example, trust=arguments.trust) if arguments.example else images
    others = None
    if arguments.mixed_in and disturbances.MIXED in only:
        others = open_images(
            arguments.mixed_in, arguments.count, arguments.seed, trust=arguments.trust
        )
        if others.source.contents and others.preparation["crop"] == "none":  # files, of any sizes
            others = Images(others.source, 256, "square")
    network = inception.load(arguments.inception, arguments.precision, arguments.trust)
    if arguments.reference:
        reference = statistics.load(arguments.reference)
    else:
        reference = extraction.cached_statistics(images, network, arguments.batch_size)
    rows, settings = disturbances.measure(
        images, network, reference, output, count, arguments.batch_size, arguments.seed, others,
        [name for name in only if name != disturbances.MIXED], arguments.swirl_radius,
    )  # fmt: skip
    print(
        disturbances.study(
            rows, settings, network.metric, next(shown.in_order(1))[0], arguments.limit
        ).write(output)
    )
