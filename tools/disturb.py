"""FID against the Inception Score under six disturbances, levels 0 to 3.

    python tools/disturb.py SOURCE --output figures/
    python tools/disturb.py config:configs/celeba.py --output figures/ --mixed-in imagenet/

Gaussian noise, blur, black rectangles, swirl and salt and pepper; with --mixed-in also the sixth, which replaces a part of
the images by others (the paper's are of ImageNet). Writes disturb.svg, .png, .json and .md. What is measured is kept in
disturb.jsonl; the same command goes on from there.
"""

import pathlib

from tf_ttur import command


def main():
    parser = command.parser(__doc__)
    parser.add_argument("source", metavar="SOURCE", help="square images of one size, as for tools/fid.py")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--count", type=command.positive, default=50_000, help="the first images of SOURCE, or all there are [50000]")
    parser.add_argument("--mixed-in", metavar="SOURCE", help="images to mix in; folders are cropped to squares of 256 pixels")
    parser.add_argument("--reference", metavar="FILE.npz", help="statistics of undisturbed images [all of SOURCE, cached]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the first five disturbances: gaussian_noise, blur, ... [all]")
    parser.add_argument("--example", metavar="SOURCE", help="whose first image the figure shows [SOURCE]")
    parser.add_argument("--limit", type=float, help="the m of IND = m - Inception Score [the largest score of each disturbance]")
    parser.add_argument("--seed", type=command.seed, default=0)
    command.add_network_arguments(parser)
    arguments = parser.parse_args()
    command.start_tensorflow()
    from tf_ttur import files, inputs
    from tf_ttur.data import sources
    from tf_ttur.data.disturbances import DISTURBANCES
    from tf_ttur.data.images import Images
    from tf_ttur.errors import UserError
    from tf_ttur.metrics import inception, statistics
    from tf_ttur.studies import disturbances
    from tf_ttur.training import evaluation

    unknown = set(arguments.only or ()) - set(DISTURBANCES)
    if unknown:
        raise UserError(f"there is no disturbance {', '.join(sorted(unknown))}", ", ".join(DISTURBANCES), "correct --only")
    output = pathlib.Path(arguments.output)
    files.check_writable(output / "disturb.jsonl")
    images = inputs.open_images(arguments.source, arguments.count, arguments.seed)
    count = min(arguments.count, images.num_images)
    others = None
    if arguments.mixed_in:
        source = sources.open_source(arguments.mixed_in, arguments.count, arguments.seed)
        others = Images(source, *((256, "square") if source.contents else ()))
    network = inception.load(arguments.inception, arguments.precision)
    if arguments.reference:
        reference = statistics.load(arguments.reference)
    else:
        path = evaluation.reference_path(images, network)
        reference = statistics.cached(path, lambda partial: evaluation.image_statistics(images, network, arguments.batch_size, partial=partial))
    rows, settings = disturbances.measure(
        images, network, reference, output, count, arguments.batch_size, arguments.seed, others, arguments.only
    )
    shown = inputs.open_images(arguments.example) if arguments.example else images
    print(disturbances.study(rows, settings, network.metric, next(shown.in_order(1))[0], arguments.limit).write(output))


if __name__ == "__main__":
    command.run(main)
