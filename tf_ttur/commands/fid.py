"""Fréchet Inception Distance between two sets of images, with its 95 % interval, and other measures
from the same pass.

    tf-ttur fid SOURCE REFERENCE
    tf-ttur fid SOURCE REFERENCE --metrics fid,fid_inf,kid,is,prdc --json
    tf-ttur fid SOURCE REFERENCE --explain            # the parts of the distance, and how they were computed
    tf-ttur fid FIRST SECOND --compare REFERENCE      # is FIRST better than SECOND? yes, no or inconclusive

Each is a folder or zip of images, an .npy or .npz of uint8 images, an .npz of statistics (also of
the official tool or of pytorch-fid), tfds:NAME/SPLIT, digits:N, config:configs/svhn.py, or an
exported generator. Only with the original network is the value called fid; any other network stands
in its name.
"""

import dataclasses
import json
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "fid")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("reference", metavar="REFERENCE")
    parser.add_argument(
        "--metrics",
        default="fid",
        metavar="NAMES",
        help="of fid, fid_inf, kid, is, prdc, with commas between [fid]",
    )
    parser.add_argument(
        "--compare",
        metavar="REFERENCE",
        help="answers whether the first is nearer to this than the second",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print the parts of the FID and how they were computed",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object with the provenance of all sides"
    )
    parser.add_argument(
        "--count",
        type=flags.positive,
        default=50_000,
        help="images of an exported generator [50000]",
    )
    parser.add_argument(
        "--seed",
        type=flags.seed,
        default=0,
        help="of an exported generator, and of the blocks of KID [0]",
    )
    parser.add_argument(
        "--allow-mixed",
        action="store_true",
        help="compare features of different precision, which moves the distance",
    )
    flags.add_generator(parser, count=False)
    flags.add_images(parser)
    flags.add_network(parser)
    arguments = parser.parse_args(words)
    names = list(dict.fromkeys(arguments.metrics.split(",")))
    if arguments.compare and names != ["fid"]:
        raise UserError(
            f"--compare with --metrics {arguments.metrics}", "one of them", "leave one out"
        )
    if arguments.explain and (arguments.compare or "fid" not in names):
        found = "--compare" if arguments.compare else f"--metrics {arguments.metrics}"
        raise UserError(
            f"--explain with {found}",
            "one FID to explain",
            "leave --explain out, or ask for the fid",
        )
    program.start_tensorflow()
    from tf_ttur.data.images import Images
    from tf_ttur.io import console
    from tf_ttur.metrics import extraction, frechet, inception, measures
    from tf_ttur.metrics import sides as openers

    words = [arguments.source, arguments.reference] + (
        [arguments.compare] if arguments.compare else []
    )
    how = {
        "count": arguments.count,
        "seed": arguments.seed,
        "quantisation": arguments.quantisation,
        "skip_unreadable": arguments.skip_unreadable,
    }
    how["trust"], how["whole_batches"] = (
        arguments.trust,
        arguments.batch_size if arguments.drop_remainder else 0,
    )
    opened = [openers.open_side(word, **how) for word in words]
    has_images = [isinstance(side, Images) for side in opened]
    measures.check(names, *has_images[:2])
    if arguments.compare and not all(has_images[:2]):
        raise UserError(
            "--compare of a statistics file",
            "images, as a file of statistics does not tell how sure it is",
            "name the images",
        )
    network = (
        inception.load(arguments.inception, arguments.precision, arguments.trust)
        if any(has_images)
        else None
    )
    if arguments.compare:
        measures.can_compare(
            network.dimension,
            *[side.num_images if isinstance(side, Images) else None for side in opened],
        )

    def extract(images, observers):
        return extraction.image_statistics(
            images, network, arguments.batch_size, observers=observers
        )

    sides = measures.collect(
        names, list(zip(words, opened)), network, extract, arguments.allow_mixed
    )
    name = measures.network_name(sides)
    provenance = {"names": words, "provenance": [side.statistics.origin for side in sides]}
    if any(has_images):
        console.STDERR.print(
            "all images have passed; distances and their uncertainty follow", soft_wrap=True
        )
    if arguments.compare:
        found = measures.compare(*sides)
        metric = inception.metric_name(name)
        line = f"{found['answer']}: {metric} of {words[0]} minus that of {words[1]} is {found['difference']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
        print(json.dumps({"metric": metric, **found, **provenance}) if arguments.json else line)
        return
    results = measures.measure(names, name, *sides, arguments.seed)
    explanation = (
        frechet.explain(*sides[0].moments, *sides[1].moments) if arguments.explain else None
    )
    if arguments.json:
        parts = {"explanation": dataclasses.asdict(explanation)} if explanation else {}
        print(json.dumps({"metrics": results, **parts, **provenance}))
        return
    counts = [
        f"{side.name}: {side.statistics.provenance.get('num_images') or 'unknown'} images"
        for side in sides
    ]
    for metric, result in results.items():
        spread = f" ± {result['std']:.4f}" if "std" in result else ""
        spread += f" [{result['low']:.4f}, {result['high']:.4f}]" if "low" in result else ""
        print(f"{metric} {result['value']:.4f}{spread}  ({', '.join(counts)})")
    if explanation:
        print(explanation)
