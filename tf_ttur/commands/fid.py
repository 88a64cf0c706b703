"""Fréchet Inception Distance between two sets of images, with its 95 % interval, and other measures
from the same pass.

    tf-ttur fid SOURCE REFERENCE
    tf-ttur fid SOURCE REFERENCE --metrics fid,fid_inf,kid,is,prdc --json
    tf-ttur fid SOURCE REFERENCE --explain          # the terms of the distance, and its computation
    tf-ttur fid FIRST SECOND --compare REFERENCE    # is FIRST better? yes, no or inconclusive

Each is a folder or zip of images, an .npy or .npz of uint8 images, an .npz of statistics (also of
the official tool or of pytorch-fid), tfds:NAME/SPLIT, digits:N, config:svhn, or an exported
generator. Only with the original network is the value called fid; any other network stands in its
name.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import frechet, measures, ranking, sides
from tf_ttur.metrics.measures.comparison import Side, measure
from tf_ttur.metrics.names import metric_name
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.statistics import Statistics

_PASSED = "all images have passed; distances and their uncertainty follow"


def main(words: Sequence[str]) -> None:
    arguments = _parser().parse_args(words)
    names = list(dict.fromkeys(arguments.metrics.split(",")))
    _check_flags(arguments, names)
    opened = _open(arguments)
    if arguments.compare:
        _compare(arguments, opened)
    else:
        _measure(arguments, names, opened)


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "fid")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("reference", metavar="REFERENCE")
    group = parser.add_argument_group("the measures")
    group.add_argument(
        "--metrics",
        default="fid",
        metavar="NAMES",
        help="measures, as listed below, with commas between [fid]",
    )
    group.add_argument(
        "--compare",
        metavar="REFERENCE",
        help="tell whether the first set is nearer to this one than the second",
    )
    group.add_argument(
        "--explain",
        action="store_true",
        help="print the terms of the FID and how they were computed",
    )
    group.add_argument(
        "--json", action="store_true", help="print one JSON object with the provenance of all sides"
    )
    group.add_argument(
        "--seed",
        type=flags.seed,
        default=0,
        help="of an exported generator, and of the blocks of KID [0]",
    )
    group.add_argument(
        "--allow-mixed",
        action="store_true",
        help="compare features of different precision, which moves the distance",
    )
    flags.add_generator(parser)
    flags.add_images(parser)
    flags.add_network(parser)
    parser.epilog = flags.describe_registry(measures.MEASURES)
    return parser


def _check_flags(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuses flags that do not go together, and unknown measures."""
    measures.find(names)
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


def _open(arguments: argparse.Namespace) -> list[sides.Opened]:
    words = [arguments.source, arguments.reference]
    if arguments.compare:
        words.append(arguments.compare)
    if not all(map(sides.is_statistics, words)):
        program.start_tensorflow()
    options = {
        "batch_size": arguments.batch_size,
        "count": arguments.count,
        "seed": arguments.seed,
        "quantisation": arguments.quantisation,
        "skip_unreadable": arguments.skip_unreadable,
        "trust": arguments.trust,
        "whole_batches": arguments.batch_size if arguments.drop_remainder else 0,
    }
    return [(word, sides.open_side(word, **options)) for word in words]


def _load_network(arguments: argparse.Namespace) -> FeatureNetwork:
    from tf_ttur.metrics import inception  # imports TensorFlow, which statistics do without

    return inception.load(arguments.inception, arguments.precision, arguments.trust)


def _compare(arguments: argparse.Namespace, opened: Sequence[sides.Opened]) -> None:
    (first, first_content), (second, second_content), _ = opened
    ranking.check(first_content, second_content)
    network = _load_network(arguments)
    passed = ranking.gather(opened, network, arguments.allow_mixed)
    console.say(_PASSED)
    result = ranking.compare(*passed)
    metric = metric_name(sides.network_name(passed))
    if arguments.json:
        print(json.dumps({"metric": metric, **result, **_provenance(passed)}))
        return
    interval = f"[{result['low']:.4f}, {result['high']:.4f}]"
    print(
        f"{result['answer']}: {metric} of {first} minus that of {second} is "
        f"{result['difference']:.4f} {interval}"
    )


def _measure(
    arguments: argparse.Namespace, names: Sequence[str], opened: Sequence[sides.Opened]
) -> None:
    has_images = [not isinstance(content, Statistics) for _, content in opened]
    measures.check(names, *has_images)
    network = sides.find_network(opened, lambda: _load_network(arguments))
    source, reference = sides.gather(opened, names, network, arguments.allow_mixed)
    if network is not None:
        console.say(_PASSED)
    passed = [source, reference]
    results = measure(names, sides.network_name(passed), source, reference, arguments.seed)
    explanation = (
        frechet.explain(*source.moments, *reference.moments) if arguments.explain else None
    )
    if arguments.json:
        terms = {"explanation": dataclasses.asdict(explanation)} if explanation else {}
        print(json.dumps({"metrics": results, **terms, **_provenance(passed)}))
        return
    counts = ", ".join(f"{side.name}: {_num_images(side)} images" for side in passed)
    for name, result in results.items():
        print(f"{name} {_numbers(result)}  ({counts})")
    if explanation:
        print(explanation)


def _provenance(passed: Sequence[Side]) -> dict[str, list]:
    return {
        "names": [side.name for side in passed],
        "provenance": [side.statistics.origin for side in passed],
    }


def _num_images(side: Side) -> int | str:
    return side.statistics.provenance.get("num_images") or "unknown"


def _numbers(result: measures.Result) -> str:
    """The value, its standard deviation and its interval, as far as they are known."""
    text = f"{result['value']:.4f}"
    if "std" in result:
        text += f" ± {result['std']:.4f}"
    if "low" in result:
        text += f" [{result['low']:.4f}, {result['high']:.4f}]"
    return text
