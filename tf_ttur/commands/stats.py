"""Statistics of a data set, for the Fréchet distance.

    python tools/precalc_stats.py --config configs/svhn.py                     # of an experiment, where its training finds them
    python tools/precalc_stats.py tfds:svhn_cropped/train --output stats/svhn.npz

Interrupted, it goes on where it stopped when it is run again. Parts can be made on several machines and merged:

    python tools/precalc_stats.py SOURCE --output stats.npz --shard 3/16         # writes stats.3-of-16.npz
    python tools/merge_stats.py stats.*-of-16.npz --output stats.npz

Or Apache Beam divides the work, between processes of this machine or on a cluster; all that follows --runner is Beam's:

    python tools/precalc_stats.py SOURCE --output stats.npz --runner=DirectRunner --direct_num_workers=8

SOURCE is a folder or zip of images, an .npy or .npz of uint8 images, tfds:NAME/SPLIT, digits:N, config:configs/svhn.py,
or an exported generator.
"""

import functools
import pathlib
import re
import sys

from absl import flags

from tf_ttur import command, config_flag
from tf_ttur.config import QUANTISATIONS
from tf_ttur.errors import UserError

_CONFIG = config_flag.define()
_OUTPUT = flags.DEFINE_string("output", None, "The .npz to write. [default with --config: the cache]")
_INCEPTION = flags.DEFINE_string("inception", None, "The Inception network: a .pb, the .tgz, a folder with either, or hub:HANDLE.")
_PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "bfloat16", "bf16"], "Of the network, where no config says it.")
_BATCH_SIZE = flags.DEFINE_integer("batch-size", 100, "Images that go through the network at a time.", lower_bound=1)
_QUANTISATION = flags.DEFINE_enum("quantisation", "round", QUANTISATIONS, "Of an exported generator's images.")
_SKIP_UNREADABLE = flags.DEFINE_boolean("skip-unreadable", False, "Leave out images that cannot be read; count and name them.")
_DROP_REMAINDER = flags.DEFINE_boolean("drop-remainder", False, "Leave out the last images that fill no batch, as the official tool does.")
_TRUST = flags.DEFINE_boolean("trust", False, "Let an exported generator or a hub: module hold any operation, on files too.")
_SHARD = flags.DEFINE_string("shard", None, "I/N: only the I-th of N parts of the images, for tools/merge_stats.py. Its file is named OUTPUT.I-of-N.npz.")
_RUNNER = flags.DEFINE_string("runner", None, "Of Apache Beam, as DirectRunner. Comes last: the flags after it are Beam's.")


def split_at_runner(arguments):
    """(arguments up to --runner, arguments after it)."""
    for position, argument in enumerate(arguments):
        name, equals, _ = argument.partition("=")
        if name in ("--runner", "-runner"):
            end = position + (1 if equals else 2)
            return arguments[:end], arguments[end:]
    return arguments, []


def read_shard(text):
    """(i, n) of the text "i/n"."""
    found = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
    number, total = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= total:
        raise UserError(f"--shard {text}", "I/N with 1 <= I <= N < 1,000,000, for example 3/16", "correct it")
    return number, total


def main(beam_flags, arguments):
    for flag in beam_flags:
        if flag.lstrip("-").partition("=")[0].partition(".")[0] in flags.FLAGS:
            raise UserError(f"{flag} after --runner", "Beam's own flags there", "put it before --runner")
    shard = read_shard(_SHARD.value) if _SHARD.value is not None else None
    if shard and not _OUTPUT.value:
        raise UserError(f"--shard {_SHARD.value} without --output", "a file for this part", "name it")
    if not config_flag.given() and (len(arguments) != 1 or not _OUTPUT.value):
        raise UserError(f"{len(arguments)} sources, --output {_OUTPUT.value}", "SOURCE --output FILE.npz, or --config CONFIG", "see --help")
    if config_flag.given() and arguments:
        raise UserError(f"--config together with {arguments[0]}", "one of them", "leave one out")
    for name in ("precision", "batch-size", "quantisation", "skip-unreadable", "drop-remainder"):
        if config_flag.given() and flags.FLAGS[name].present:
            cure = "leave it out; precision and batch size are --config.evaluation.precision and --config.evaluation.feature_batch_size"
            raise UserError(f"--{name} together with --config", "the config says how its images are taken", cure)
    config = config_flag.read(_CONFIG) if config_flag.given() else None
    if _RUNNER.value and _SKIP_UNREADABLE.value:
        cure = "prepare the images once with tools/prepare_data.py --skip-unreadable"
        raise UserError("--skip-unreadable together with --runner", "images that can all be read", cure)
    command.start_tensorflow()
    from tf_ttur import opening
    from tf_ttur.metrics import statistics
    from tf_ttur.training import evaluation

    if config is not None:
        open_both = functools.partial(opening.of_experiment, config, _INCEPTION.value, _TRUST.value)
        limit, batch_size = config.evaluation.reference_samples, config.evaluation.feature_batch_size
    else:
        limit, batch_size = 0, _BATCH_SIZE.value
        how = {"quantisation": _QUANTISATION.value, "skip_unreadable": _SKIP_UNREADABLE.value}
        how["trust"], how["whole_batches"] = _TRUST.value, batch_size if _DROP_REMAINDER.value else 0
        open_both = functools.partial(opening.of_source, arguments[0], how, _INCEPTION.value, command.precision(_PRECISION.value))
    workers = None
    if _RUNNER.value:
        from tf_ttur.metrics import beam

        workers = beam.Workers(open_both, [f"--runner={_RUNNER.value}", *beam_flags])
    images, network = open_both()
    output = _OUTPUT.value
    if config is not None and not output:
        output = config.evaluation.reference or evaluation.reference_path(images, network, limit)
    if shard:
        path = pathlib.Path(output)
        output = path.with_name(f"{path.stem}.{shard[0]}-of-{shard[1]}{path.suffix}")
    make = functools.partial(evaluation.image_statistics, images, network, batch_size, limit, shard=shard, workers=workers)
    statistics.produce(output, lambda partial: make(partial=partial))
    print(output)


if __name__ == "__main__":
    sys.argv, beam_flags = split_at_runner(sys.argv)
    command.run(lambda: config_flag.run(functools.partial(main, beam_flags)))
