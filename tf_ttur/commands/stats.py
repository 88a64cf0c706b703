"""Statistics of a data set, for the Fréchet distance.

    tf-ttur stats --config svhn                                 # of an experiment, where its
    training finds them tf-ttur stats tfds:svhn_cropped/train --output stats/svhn.npz

If interrupted, run it again: it resumes where it stopped. Parts can be computed on several machines
  and merged:

    tf-ttur stats SOURCE --output stats.npz --shard 3/16        # writes stats.3-of-16.npz
    tf-ttur merge-stats stats.*-of-16.npz --output stats.npz

Or Apache Beam divides the work, between processes of this machine or on a cluster; all that follows
--runner is Beam's:

    tf-ttur stats SOURCE --output stats.npz --runner=DirectRunner --direct_num_workers=8

SOURCE is a folder or zip of images, an .npy or .npz of uint8 images, tfds:NAME/SPLIT, digits:N,
config:svhn, or an exported generator.
"""

import argparse
import functools
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from ml_collections import ConfigDict

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError


def main(words: Sequence[str]) -> None:
    words, beam_flags = split_at_runner(list(words))
    parser = _parser()
    _check_beam_flags(beam_flags, parser)
    arguments = parser.parse_args(words)
    shard = _read_shard(arguments.shard) if arguments.shard is not None else None
    config = _check_together(arguments)
    program.start_tensorflow()
    from tf_ttur.metrics import extraction, statistics

    if config is not None:
        limit = config.evaluation.reference_samples
        batch_size = config.evaluation.feature_batch_size
        open_both = functools.partial(open_experiment, config, arguments.inception, arguments.trust)
    else:
        limit = 0
        batch_size = arguments.batch_size
        options = {
            "quantisation": arguments.quantisation,
            "skip_unreadable": arguments.skip_unreadable,
            "whole_batches": batch_size if arguments.drop_remainder else 0,
            "trust": arguments.trust,
        }
        open_both = functools.partial(
            open_source, arguments.source, options, arguments.inception, arguments.precision
        )
    workers = _workers(open_both, arguments.runner, beam_flags) if arguments.runner else None
    images, network = open_both()
    output = arguments.output
    if not output:
        output = config.evaluation.reference or extraction.reference_path(images, network, limit)
    if shard:
        path = pathlib.Path(output)
        output = path.with_name(f"{path.stem}.{shard[0]}-of-{shard[1]}{path.suffix}")
    compute = functools.partial(
        extraction.image_statistics,
        images,
        network,
        batch_size,
        limit,
        shard=shard,
        workers=workers,
    )
    statistics.produce(output, lambda partial: compute(partial=partial))
    print(output)


def open_source(
    word: str, options: dict[str, Any], inception_path: str | None, precision: str
) -> tuple[Any, Any]:
    """(images, network) of a SOURCE. Also called in other processes, which have not started
    TensorFlow yet.

    Args:
      word, options: of the images, as `data.images.open_images` takes them. What it trusts is the
        network as well.
      inception_path, precision: of the network, as `inception.load` takes them.
    """
    program.start_tensorflow()
    from tf_ttur.data.images import open_images
    from tf_ttur.metrics import inception

    return open_images(word, **options), inception.load(
        inception_path, precision, options.get("trust", False)
    )


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
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="only the I-th of N parts of the images, for merge-stats; its file is named OUTPUT.I-of-N.npz",
    )
    parser.add_argument(
        "--runner",
        metavar="RUNNER",
        help="of Apache Beam, as DirectRunner. Comes last: the flags after it are Beam's",
    )
    flags.add_images(parser)
    flags.add_generator(parser, count=False)
    flags.add_network(parser)
    flags.add_config(parser)
    return parser


def _check_beam_flags(beam_flags: list[str], parser: flags.Parser) -> None:
    known = {option for action in parser._actions for option in action.option_strings}
    for flag in beam_flags:
        name = "--" + flag.lstrip("-").partition("=")[0]
        if flag.startswith("-") and (name in known or name.startswith("--config.")):
            raise UserError(
                f"{flag} after --runner", "Beam's own flags there", "put it before --runner"
            )


def _check_together(arguments: argparse.Namespace) -> ConfigDict | None:
    """Refuses flags that do not go together; gives the config where the command line names one."""
    given = arguments.config is not None
    if arguments.shard and not arguments.output:
        raise UserError(
            f"--shard {arguments.shard} without --output", "a file for this part", "name it"
        )
    if not given and (arguments.source is None or not arguments.output):
        found = f"{0 if arguments.source is None else 1} sources, --output {arguments.output}"
        raise UserError(found, "SOURCE --output FILE.npz, or --config CARD", "see --help")
    if given and arguments.source is not None:
        raise UserError(
            f"--config together with {arguments.source}", "one of them", "leave one out"
        )
    if not given and flags.overrides(arguments):
        raise UserError(
            "--config.KEY without --config",
            "the experiment that it changes",
            "name it, or leave the flag out",
        )
    defaults = {"precision": "float32", "batch_size": 100, "quantisation": "round"}
    defaults |= {"skip_unreadable": False, "drop_remainder": False}
    for name, default in defaults.items():
        if given and getattr(arguments, name) != default:
            cure = (
                "leave it out; precision and batch size are --config.evaluation.precision and "
                "--config.evaluation.feature_batch_size"
            )
            flag = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{flag} together with --config", "the config says how its images are taken", cure
            )
    config = flags.read_config(arguments) if given else None
    if arguments.runner and arguments.skip_unreadable:
        cure = "prepare the images once with tf-ttur prepare --skip-unreadable"
        raise UserError(
            "--skip-unreadable together with --runner", "images that can all be read", cure
        )
    return config


def _read_shard(text: str) -> tuple[int, int]:
    """(i, n) of the text "i/n"."""
    found = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
    number, total = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= total:
        raise UserError(
            f"--shard {text}", "I/N with 1 <= I <= N < 1,000,000, for example 3/16", "correct it"
        )
    return number, total


def _workers(open_both: Callable[[], tuple[Any, Any]], runner: str, beam_flags: list[str]) -> Any:
    from tf_ttur.metrics import beam

    return beam.Workers(open_both, [f"--runner={runner}", *beam_flags])
