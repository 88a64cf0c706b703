"""Fréchet Inception Distance between two sets of images, with its 95 % interval.

Other measures can be computed in the same pass.

    tf-ttur fid SOURCE REFERENCE
    tf-ttur fid SOURCE REFERENCE --metrics fid,fid_inf,kid,is,prdc --json
    tf-ttur fid SOURCE REFERENCE --explain          # the terms of the distance, and its computation
    tf-ttur fid FIRST SECOND --compare REFERENCE    # is FIRST better? yes, no or inconclusive

SOURCE, REFERENCE, FIRST and SECOND take the forms in the table at the end, an .npz of statistics
(also from the official tool or from pytorch-fid), or an .npz of features, which tf-ttur stats
--features writes. The value is called fid only with the original network; with any other network,
its name contains the name of that network. --network measures by features of your own;
docs/metrics.md has recipes for DINOv2 and CLIP.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.data import sources
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import frechet, measures, protocols, ranking, sides
from tf_ttur.metrics.features import is_features
from tf_ttur.metrics.measures.comparison import Side, measure
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.results import in_words
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.registry import is_object
from tf_ttur.wording import counted

# The flags of images and of the network that measures them.
_OF_IMAGES = (
    *("--count", "--sample", "--skip-unreadable", "--drop-remainder", "--seed"),
    *("--inception", "--network", "--precision", "--batch-size", "--trust", "--cache-features"),
)
_OF_FEATURES = ("--count", "--sample", "--seed")  # those that features in place of images obey
_DRAWN = ("kid",)  # measures whose value depends on the seed
_PASSED = "all images have been read; computing distances and their uncertainty"


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    names = _names(arguments)
    _check_flags(arguments, names)
    opened = _open(arguments, names)
    if arguments.compare is not None:
        _compare(arguments, opened)
    else:
        _measure(arguments, names, opened)


def _names(arguments: flags.Arguments) -> list[str]:
    """The measures that are named, or those of the protocol that the sides can give."""
    if arguments.metrics is not None:
        return protocols.measure_names(arguments.protocol, arguments.metrics.split(","))
    default = protocols.find(arguments.protocol).default
    if arguments.compare is not None:
        default = ("fid",)
    names = protocols.measure_names(arguments.protocol, default)
    words = [arguments.source, arguments.reference]
    prefers = sides.prefer_images(words, names)
    has_images = [
        not sides.is_statistics(word, prefer) for word, prefer in zip(words, prefers, strict=True)
    ]
    chosen = protocols.possible(names, has_images)
    if left_out := [name for name in names if name not in chosen]:
        console.say(f"without {', '.join(left_out)}: only statistics are known of a side")
    return chosen


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "fid")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("reference", metavar="REFERENCE")
    _add_measures(parser)
    images = flags.add_images(parser)
    number = images.add_mutually_exclusive_group()
    number.add_argument(
        "--count",
        type=flags.positive,
        metavar="N",
        help="measure the first N images of each side; an exported generator generates N "
        "[all; 50000 of a generator]",
    )
    number.add_argument(
        "--sample",
        type=flags.positive,
        metavar="N",
        help="measure N random images of each side, drawn with --seed without replacement",
    )
    images.add_argument(
        "--cache-features",
        action="store_true",
        help="keep the features of all images in the cache folder, and take them from there the "
        "next time (8 to 12 kB per image)",
    )
    flags.add_generator(parser)
    flags.add_network(parser, own=True)
    parser.epilog = flags.describe_registry(measures.MEASURES)
    flags.append_sources(parser)
    return parser


def _add_measures(parser: flags.Parser) -> None:
    group = parser.add_argument_group("the measures")
    group.add_argument(
        "--metrics",
        metavar="NAMES",
        help="comma-separated measures, of those listed below, with options as in kid:degree=2 "
        "[fid; with --protocol adm fid,sfid,is,pr]",
    )
    flags.add_protocol(group)
    group.add_argument(
        "--compare",
        metavar="REFERENCE",
        help="say whether the first set is nearer to this one than the second is",
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
        help="seed of an exported generator, of --sample, and of the blocks of KID [0]",
    )
    group.add_argument(
        "--allow-mixed",
        action="store_true",
        help="compare features of different precision, although this changes the distance",
    )


def _check_flags(arguments: flags.Arguments, names: Sequence[str]) -> None:
    """Refuses flags that exclude each other, and unknown measures."""
    measures.find(names)
    flags.check_own_network(arguments)
    if arguments.cache_features and arguments.protocol == "adm":
        raise UserError(
            "--cache-features together with --protocol adm",
            "one of them: the spatial features are not kept",
            "leave --cache-features out",
        )
    if arguments.compare is not None and names != ["fid"]:
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


def _check_used(
    arguments: flags.Arguments, words: Sequence[str], names: Sequence[str], has_features: bool
) -> None:
    """Refuses flags that have no effect on sides with these words of images, and measures."""
    kinds = [sources.kind_of(word) for word in words]
    if not kinds:
        unused = [flag for flag in _OF_IMAGES if not has_features or flag not in _OF_FEATURES]
        alone = "features and statistics alone" if has_features else "statistics alone"
        flags.refuse_unused(arguments, unused, f"with {alone}", "a side of images")
    if None in kinds:
        return  # what opens this word says what is wrong with it
    has_generator = "generator" in kinds
    draws_measure = not arguments.compare and any(
        name in _DRAWN or is_object(name) for name, _ in map(measures.split, names)
    )
    if not (has_generator or arguments.sample or draws_measure):
        flags.refuse_unused(
            arguments,
            ["--seed"],
            "where nothing is random",
            "an exported generator, --sample, or the measure kid",
        )


def _open(arguments: flags.Arguments, names: Sequence[str]) -> list[sides.Opened]:
    words = [arguments.source, arguments.reference]
    if arguments.compare is not None:
        words.append(arguments.compare)
    if arguments.compare is None:
        prefers = sides.prefer_images(words, names)
    else:
        prefers = [True, True, False]
    words_and_preferences = list(zip(words, prefers, strict=True))
    not_statistics = [
        word for word, prefer in words_and_preferences if not sides.is_statistics(word, prefer)
    ]
    of_images = [word for word in not_statistics if not is_features(word)]
    has_features = len(of_images) < len(not_statistics)
    flags.refuse_unused_by(
        arguments,
        [(word, sides.options_of(word, prefer)) for word, prefer in words_and_preferences],
    )
    _check_used(arguments, of_images, names, has_features)
    if not_statistics:
        program.start_tensorflow()
    options = {
        "batch_size": arguments.batch_size,
        "cache": arguments.cache_features,
        "count": arguments.count or arguments.sample or 50_000,
        "first": arguments.count or 0,
        "sample": arguments.sample or 0,
        "seed": arguments.seed,
        "quantisation": arguments.quantisation,
        "skip_unreadable": arguments.skip_unreadable,
        "background": arguments.background,
        "depth": arguments.depth,
        "size": arguments.size,
        "crop": arguments.crop,
        "filter": arguments.filter,
        "value_range": arguments.value_range,
        "protocol": arguments.protocol,
        "trust": arguments.trust,
        "whole_batches": arguments.batch_size if arguments.drop_remainder else 0,
    }
    return [
        (word, sides.open_side(word, prefer_images=prefer, **options))
        for word, prefer in words_and_preferences
    ]


def _load_network(arguments: argparse.Namespace, opened: Sequence[sides.Opened]) -> FeatureNetwork:
    # These import TensorFlow, which statistics do without.
    from tf_ttur.metrics import inception, own_networks

    network: FeatureNetwork
    if arguments.network is not None:
        shape = sides.first_shape(opened)
        network = own_networks.load(arguments.network, arguments.trust, shape)
    else:
        network = inception.load(arguments.inception, arguments.precision, arguments.trust)
    return protocols.adapt(network, arguments.protocol)


def _compare(arguments: argparse.Namespace, opened: Sequence[sides.Opened]) -> None:
    (first, first_content), (second, second_content), _ = opened
    ranking.check(first_content, second_content)
    network = sides.find_network(opened, lambda: _load_network(arguments, opened))
    passed = ranking.gather(opened, network, arguments.allow_mixed)
    console.say(_PASSED)
    result = ranking.compare(*passed)
    metric = protocols.value_name(arguments.protocol, sides.network_name(passed), "fid")
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
    network = sides.find_network(opened, lambda: _load_network(arguments, opened))
    source, reference = sides.gather(opened, names, network, arguments.allow_mixed)
    if any(has_images):
        console.say(_PASSED)
    passed = [source, reference]
    results = measure(
        names,
        sides.network_name(passed),
        source,
        reference,
        arguments.seed,
        arguments.protocol,
    )
    explanation = (
        frechet.explain(*source.moments, *reference.moments) if arguments.explain else None
    )
    if arguments.json:
        terms = {"explanation": dataclasses.asdict(explanation)} if explanation else {}
        print(json.dumps({"metrics": results, **terms, **_provenance(passed)}))
        return
    counts = ", ".join(f"{side.name}: {_num_images(side)}" for side in passed)
    for name, result in results.items():
        print(f"{name} {in_words(result)}  ({counts})")
    if explanation:
        print(explanation)


def _provenance(passed: Sequence[Side]) -> dict[str, list]:
    return {
        "names": [side.name for side in passed],
        "provenance": [side.statistics.origin for side in passed],
    }


def _num_images(side: Side) -> str:
    number = side.statistics.provenance.get("num_images")
    return counted(number, "image") if number else "unknown number of images"
