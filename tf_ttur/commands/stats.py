"""Computes the statistics of a data set, for the Fréchet distance.

    tf-ttur stats --config svhn    # of an experiment, written where its training looks for them
    tf-ttur stats tfds:svhn_cropped/train --output stats/svhn.npz

--features keeps the features of all images too. Such a file stands in the place of the images in
tf-ttur fid, also for kid and prdc, and gives statistics without the network:

    tf-ttur stats SOURCE --features features.npz
    tf-ttur stats features.npz --output stats.npz

If interrupted, run it again: it resumes. Several machines can each compute a part; then merge them:

    tf-ttur stats SOURCE --output stats.npz --shard 3/16        # writes stats.3-of-16.npz
    tf-ttur merge-stats stats.*-of-16.npz --output stats.npz

Apache Beam can divide the work between processes of this machine or of a cluster. All flags after
--runner are passed to Beam:

    tf-ttur stats SOURCE --output stats.npz --runner=DirectRunner --direct_num_workers=8

SOURCE takes the forms in the table at the end.
"""

import argparse
import functools
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from tf_ttur.commands import flags, program
from tf_ttur.data import sources
from tf_ttur.errors import UserError
from tf_ttur.metrics import features, protocols, statistics
from tf_ttur.metrics.networks import FeatureNetwork

# The flags that have no effect with --config, because the config decides.
_DECIDED_BY_CONFIG = (
    "--network",
    "--precision",
    "--batch-size",
    "--quantisation",
    "--skip-unreadable",
    "--drop-remainder",
    "--background",
    "--depth",
    "--protocol",
    "--value-range",
    *flags.SIZES,
)

OpenBoth = Callable[[], tuple[Any, Any]]  # returns (images, network)


class _Task(NamedTuple):
    """The work of one command line.

    Attributes:
      open_both: function that opens the images and the network; other processes call it too.
      batch_size: images per batch of the network; 0 as `metrics.batch_size` chooses it.
      limit: maximum number of images; 0 takes all.
    """

    open_both: OpenBoth
    batch_size: int
    limit: int


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    words, beam_flags = split_at_runner(list(words))
    parser = _parser()
    _check_beam_flags(beam_flags, parser)
    arguments = parser.parse_args(words)
    shard = _read_shard(arguments.shard) if arguments.shard is not None else None
    config = _check_together(arguments)
    task = _task_of_source(arguments) if config is None else _task_of_config(arguments, config)
    output = _check_output(arguments, config, shard)
    if arguments.source is not None and features.is_features(arguments.source):
        _write_of_features(arguments, output)
        return
    keeper = _keeper(arguments, output)
    program.start_tensorflow()
    from tf_ttur.metrics import extraction
    from tf_ttur.metrics.batch_size import feature_batch_size

    workers = _workers(task.open_both, arguments.runner, beam_flags) if arguments.runner else None
    images, network = task.open_both()
    batch_size = feature_batch_size(task.batch_size, network)
    if keeper and output is None:
        extraction.keep_features(images, network, keeper, batch_size, task.limit)
        print(keeper.path)
        return
    path = output or extraction.reference_path(images, network, task.limit)
    compute = functools.partial(
        extraction.image_statistics,
        images,
        network,
        batch_size,
        task.limit,
        shard=shard,
        workers=workers,
        keeper=keeper,
    )
    result = statistics.produce(path, lambda partial: compute(partial=partial), arguments.overwrite)
    print(path)
    if keeper:
        keeper.finish(result)
        print(keeper.path)


def _write_of_features(arguments: flags.Arguments, output: pathlib.Path | None) -> None:
    """Writes the statistics of a features file."""
    used = {"--output", "--overwrite"}
    flags.refuse_unused(
        arguments,
        sorted(arguments.given - used),
        f"has no effect on the features of {arguments.source}",
        "images as SOURCE",
    )
    assert output is not None  # as `_check_source` has seen
    kept = features.load(arguments.source)
    kept.statistics().save(output, overwrite=True)  # as it has been checked
    print(output)


def _keeper(arguments: flags.Arguments, output: pathlib.Path | None) -> features.Keeper | None:
    """What writes the features; None where none are to be kept."""
    if arguments.features is None:
        flags.refuse_unused(
            arguments,
            ["--features-dtype", "--features-logits"],
            "without --features",
            "features that are kept",
            "leave it out, or name the file with --features FILE.npz",
        )
        return None
    places = [place for place in (arguments.source, output) if place is not None]
    path = features.check_output(arguments.features, sources=places, overwrite=arguments.overwrite)
    if output is not None and path == output:
        raise UserError(
            f"--features {path} is the file of --output", "another file", "choose another name"
        )
    return features.Keeper(path, arguments.features_dtype, arguments.features_logits)


def open_source(
    word: str,
    options: dict[str, Any],
    inception_path: str | None,
    precision: str,
    network: str | None = None,
    protocol: str = protocols.OFFICIAL,
) -> tuple[Any, Any]:
    """Opens the images of a SOURCE and the network.

    Processes that have not started TensorFlow yet call this too.

    Args:
      word: the SOURCE.
      options: keyword arguments of `data.images.open_images`. `trust` applies to the network too.
      inception_path, precision: of the network, as in `inception.load`.
      network: as in `own_networks.load`; None takes the Inception network.
      protocol: of `protocols.PROTOCOLS`.

    Returns:
      (images, network).

    Raises:
      UserError: the images or the network cannot be used.
    """
    program.start_tensorflow()
    from tf_ttur.data.images import open_images
    from tf_ttur.metrics import inception, own_networks

    images = open_images(word, **options)  # before the network, which may have to be downloaded
    entry = protocols.find(protocol).entry
    if entry is not None:
        images.resize(entry)
    trust = options.get("trust", False)
    loaded: FeatureNetwork
    if network is not None:
        loaded = own_networks.load(network, trust, images.shape)
    else:
        loaded = inception.load(inception_path, precision, trust)
    return images, protocols.adapt(loaded, protocol)


def open_experiment(
    config: ConfigDict, inception_path: str | None, trust: bool = False
) -> tuple[Any, Any]:
    """Opens the images and the network of an experiment as its training does.

    Args:
      config: of the experiment.
      inception_path: as in `open_source`.
      trust: whether the network may hold any operation.

    Returns:
      (images, network).

    Raises:
      UserError: as in `open_source`.
    """
    program.start_tensorflow()
    from tf_ttur.config.examples import images_of
    from tf_ttur.training import evaluation

    return images_of(config), evaluation.load_network(config, inception_path, trust)


def split_at_runner(words: list[str]) -> tuple[list[str], list[str]]:
    """Splits a command line into (words up to --runner and its value, words after that)."""
    for position, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name in ("--runner", "-runner"):
            end = position + (1 if equals else 2)
            return words[:end], words[end:]
    return words, []


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "stats")
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="the images; or use --config")
    parser.add_argument(
        "--output", metavar="FILE.npz", help="the file to write [with --config: in the cache]"
    )
    flags.add_overwrite(parser)
    kept = parser.add_argument_group("features")
    kept.add_argument(
        "--features", metavar="FILE.npz", help="the file in which to keep the features"
    )
    kept.add_argument(
        "--features-dtype",
        choices=features.DTYPES,
        default="float32",
        help="float16 takes half the space; the distance moves by little [float32]",
    )
    kept.add_argument(
        "--features-logits",
        action="store_true",
        help="keep the classes of all images too, for the Inception Score",
    )
    parts = parser.add_argument_group("computing in parts")
    parts.add_argument(
        "--shard",
        metavar="I/N",
        help="compute only the I-th of N parts of the images, for merge-stats; "
        "its file is named OUTPUT.I-of-N.npz",
    )
    parts.add_argument(
        "--runner",
        metavar="RUNNER",
        help="a runner of Apache Beam, such as DirectRunner; all flags after it are passed to Beam",
    )
    flags.add_protocol(flags.add_images(parser))
    flags.add_generator(parser)
    flags.add_network(parser, own=True)
    flags.add_config(parser)
    flags.append_sources(parser)
    return parser


def _check_beam_flags(beam_flags: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Refuses flags of this command among those of Beam."""
    own = {option for action in parser._actions for option in action.option_strings}
    for flag in beam_flags:
        name = "--" + flag.lstrip("-").partition("=")[0]
        if flag.startswith("-") and (name in own or name.startswith("--config.")):
            raise UserError(
                f"{flag} after --runner", "Beam's own flags there", "put it before --runner"
            )


def _check_together(arguments: flags.Arguments) -> ConfigDict | None:
    """Refuses flags that exclude each other; returns the config, or None for a SOURCE."""
    flags.check_own_network(arguments)
    if arguments.shard is not None and arguments.output is None:
        raise UserError(
            f"--shard {arguments.shard} without --output", "a file for this part", "name it"
        )
    if arguments.config is None:
        _check_source(arguments)
    else:
        _check_experiment(arguments)
    if arguments.features is not None and (arguments.shard is not None or arguments.runner):
        flag = "--runner" if arguments.runner else "--shard"
        raise UserError(
            f"--features together with {flag}", "one of them", "compute all images in one process"
        )
    if arguments.features is not None and arguments.protocol == "adm":
        raise UserError(
            "--features together with --protocol adm",
            "statistics, which hold its spatial features",
            "name a file of statistics with --output",
        )
    config = flags.read_optional_config(arguments)
    if arguments.runner and arguments.protocol == "adm":
        raise UserError(
            "--protocol adm together with --runner",
            "spatial features, which the workers of Beam do not compute",
            "divide the images with --shard",
        )
    if arguments.runner and arguments.skip_unreadable:
        cure = "prepare the images once with tf-ttur prepare --skip-unreadable"
        raise UserError(
            "--skip-unreadable together with --runner", "images that can all be read", cure
        )
    return config


def _check_source(arguments: flags.Arguments) -> None:
    if arguments.source is None or (arguments.output is None and arguments.features is None):
        has_source = arguments.source is not None
        raise UserError(
            "there is no file to write to" if has_source else "there is no SOURCE",
            "SOURCE --output FILE.npz, SOURCE --features FILE.npz, or --config CARD",
            "add --output FILE.npz" if has_source else "name the images",
        )
    source = arguments.source
    flags.refuse_unused_by(arguments, [(source, sources.options_of(source))])


def _check_experiment(arguments: flags.Arguments) -> None:
    if arguments.source is not None:
        raise UserError(
            f"--config together with {arguments.source}", "one of them", "leave one out"
        )
    flags.refuse_unused(
        arguments,
        _DECIDED_BY_CONFIG,
        "together with --config",
        "the config decides how its images are read",
        "leave it out; precision and batch size are --config.evaluation.precision and "
        "--config.evaluation.feature_batch_size",
    )


def _task_of_config(arguments: flags.Arguments, config: ConfigDict) -> _Task:
    return _Task(
        functools.partial(open_experiment, config, arguments.inception, arguments.trust),
        config.evaluation.feature_batch_size,
        config.evaluation.reference_samples,
    )


def _task_of_source(arguments: flags.Arguments) -> _Task:
    options = {
        "quantisation": arguments.quantisation,
        "skip_unreadable": arguments.skip_unreadable,
        "background": arguments.background,
        "depth": arguments.depth,
        "size": arguments.size,
        "crop": arguments.crop,
        "filter": arguments.filter,
        "value_range": arguments.value_range,
        "whole_batches": arguments.batch_size if arguments.drop_remainder else 0,
        "trust": arguments.trust,
    }
    opener = functools.partial(
        open_source,
        arguments.source,
        options,
        arguments.inception,
        arguments.precision,
        arguments.network,
        arguments.protocol,
    )
    return _Task(opener, arguments.batch_size, 0)


def _check_output(
    arguments: flags.Arguments, config: ConfigDict | None, shard: tuple[int, int] | None
) -> pathlib.Path | None:
    """The file to write, checked; None for the cache."""
    word = arguments.output
    what = "--output"
    if word is None and config is not None and config.evaluation.reference:
        word = config.evaluation.reference
        what = "config.evaluation.reference"
    if word is None:
        return None

    def rename(path: pathlib.Path) -> pathlib.Path:
        if shard is None:
            return path
        return path.with_name(f"{path.stem}.{shard[0]}-of-{shard[1]}{path.suffix}")

    return statistics.check_output(
        word,
        what=what,
        sources=[] if arguments.source is None else [arguments.source],
        overwrite=arguments.overwrite,
        rename=rename,
    )


def _read_shard(text: str) -> tuple[int, int]:
    """(i, n) of the text "i/n"."""
    matched = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
    number, total = map(int, matched.groups()) if matched else (0, 0)
    if not 1 <= number <= total:
        raise UserError(
            f"--shard {text}", "I/N with 1 <= I <= N < 1,000,000, for example 3/16", "correct it"
        )
    return number, total


def _workers(open_both: OpenBoth, runner: str, beam_flags: Sequence[str]) -> Any:
    from tf_ttur.metrics import beam

    return beam.Workers(open_both, [f"--runner={runner}", *beam_flags])
