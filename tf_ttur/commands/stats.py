"""Statistics of a data set, for the Fréchet distance.

    tf-ttur stats --config svhn               # of an experiment, where its training looks for them
    tf-ttur stats tfds:svhn_cropped/train --output stats/svhn.npz

If interrupted, run it again: it resumes. Several machines can each compute a part; then merge them:

    tf-ttur stats SOURCE --output stats.npz --shard 3/16        # writes stats.3-of-16.npz
    tf-ttur merge-stats stats.*-of-16.npz --output stats.npz

Or Apache Beam divides the work, between processes of this machine or on a cluster. All flags after
--runner are Beam's:

    tf-ttur stats SOURCE --output stats.npz --runner=DirectRunner --direct_num_workers=8

SOURCE is a folder or zip of images, an .npy or .npz of uint8 images, tfds:NAME/SPLIT, digits:N,
config:svhn, or an exported generator.
"""

import argparse
import functools
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError

# The flags of images that an experiment decides itself, with their defaults.
_DECIDED_BY_CONFIG = {
    "precision": "float32",
    "batch_size": 100,
    "quantisation": "round",
    "skip_unreadable": False,
    "drop_remainder": False,
}

OpenBoth = Callable[[], tuple[Any, Any]]  # gives (images, network)


class _Task(NamedTuple):
    """What is measured.

    Attributes:
      open_both: opens the images and the network; also called in other processes.
      batch_size: images that go through the network at a time.
      limit: images that are taken at most; 0 takes all.
      output: the file to write; "" for the cache.
    """

    open_both: OpenBoth
    batch_size: int
    limit: int
    output: str


def main(words: Sequence[str]) -> None:
    words, beam_flags = split_at_runner(list(words))
    parser = _parser()
    _check_beam_flags(beam_flags, parser)
    arguments = parser.parse_args(words)
    shard = _read_shard(arguments.shard) if arguments.shard is not None else None
    config = _check_together(arguments)
    task = _task_of_source(arguments) if config is None else _task_of_config(arguments, config)
    program.start_tensorflow()
    from tf_ttur.metrics import extraction, statistics

    workers = _workers(task.open_both, arguments.runner, beam_flags) if arguments.runner else None
    images, network = task.open_both()
    output = task.output or extraction.reference_path(images, network, task.limit)
    if shard:
        path = pathlib.Path(output)
        output = path.with_name(f"{path.stem}.{shard[0]}-of-{shard[1]}{path.suffix}")
    compute = functools.partial(
        extraction.image_statistics,
        images,
        network,
        task.batch_size,
        task.limit,
        shard=shard,
        workers=workers,
    )
    statistics.produce(output, lambda partial: compute(partial=partial))
    print(output)


def open_source(
    word: str, options: dict[str, Any], inception_path: str | None, precision: str
) -> tuple[Any, Any]:
    """(images, network) of a SOURCE.

    Other processes, which have not started TensorFlow yet, call this too.

    Args:
      word: names the images.
      options: of `data.images.open_images`. `trust` holds for the network as well.
      inception_path, precision: of the network, as `inception.load` takes them.
    """
    program.start_tensorflow()
    from tf_ttur.data.images import open_images
    from tf_ttur.metrics import inception

    images = open_images(word, **options)  # before the network, which may have to be downloaded
    return images, inception.load(inception_path, precision, options.get("trust", False))


def open_experiment(
    config: ConfigDict, inception_path: str | None, trust: bool = False
) -> tuple[Any, Any]:
    """(images, network) of an experiment, as its training opens them; see `open_source`."""
    program.start_tensorflow()
    from tf_ttur.config.examples import images_of
    from tf_ttur.training import evaluation

    return images_of(config), evaluation.load_network(config, inception_path, trust)


def split_at_runner(words: list[str]) -> tuple[list[str], list[str]]:
    """(arguments up to --runner and its value, arguments after it)."""
    for position, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name in ("--runner", "-runner"):
            end = position + (1 if equals else 2)
            return words[:end], words[end:]
    return words, []


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "stats")
    parser.add_argument(
        "source", metavar="SOURCE", nargs="?", help="the images; or name an experiment by --config"
    )
    parser.add_argument(
        "--output", metavar="FILE.npz", help="the file to write [with --config: in the cache]"
    )
    parts = parser.add_argument_group("computing in parts")
    parts.add_argument(
        "--shard",
        metavar="I/N",
        help="only the I-th of N parts of the images, for merge-stats; "
        "its file is named OUTPUT.I-of-N.npz",
    )
    parts.add_argument(
        "--runner",
        metavar="RUNNER",
        help="of Apache Beam, such as DirectRunner. Comes last: the flags after it are Beam's",
    )
    flags.add_images(parser)
    flags.add_generator(parser, count=False)
    flags.add_network(parser)
    flags.add_config(parser)
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


def _check_together(arguments: argparse.Namespace) -> ConfigDict | None:
    """Refuses flags that do not go together; returns the config, None for a SOURCE."""
    if arguments.shard and not arguments.output:
        raise UserError(
            f"--shard {arguments.shard} without --output", "a file for this part", "name it"
        )
    if arguments.config is None:
        _check_source(arguments)
    else:
        _check_experiment(arguments)
    config = flags.read_optional_config(arguments)
    if arguments.runner and arguments.skip_unreadable:
        cure = "prepare the images once with tf-ttur prepare --skip-unreadable"
        raise UserError(
            "--skip-unreadable together with --runner", "images that can all be read", cure
        )
    return config


def _check_source(arguments: argparse.Namespace) -> None:
    if arguments.source is None or not arguments.output:
        sources = 0 if arguments.source is None else 1
        found = f"{sources} sources, --output {arguments.output}"
        raise UserError(found, "SOURCE --output FILE.npz, or --config CARD", "see --help")


def _check_experiment(arguments: argparse.Namespace) -> None:
    if arguments.source is not None:
        raise UserError(
            f"--config together with {arguments.source}", "one of them", "leave one out"
        )
    for name, default in _DECIDED_BY_CONFIG.items():
        if getattr(arguments, name) != default:
            raise UserError(
                f"--{name.replace('_', '-')} together with --config",
                "the config decides how its images are read",
                "leave it out; precision and batch size are --config.evaluation.precision and "
                "--config.evaluation.feature_batch_size",
            )


def _task_of_config(arguments: argparse.Namespace, config: ConfigDict) -> _Task:
    return _Task(
        functools.partial(open_experiment, config, arguments.inception, arguments.trust),
        config.evaluation.feature_batch_size,
        config.evaluation.reference_samples,
        arguments.output or config.evaluation.reference,
    )


def _task_of_source(arguments: argparse.Namespace) -> _Task:
    options = {
        "quantisation": arguments.quantisation,
        "skip_unreadable": arguments.skip_unreadable,
        "whole_batches": arguments.batch_size if arguments.drop_remainder else 0,
        "trust": arguments.trust,
    }
    opener = functools.partial(
        open_source, arguments.source, options, arguments.inception, arguments.precision
    )
    return _Task(opener, arguments.batch_size, 0, arguments.output)


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
