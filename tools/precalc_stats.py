"""Statistics of a data set, for the Fréchet distance.

    python tools/precalc_stats.py --config configs/svhn.py                     # of an experiment, where its training finds them
    python tools/precalc_stats.py tfds:svhn_cropped/train --output stats/svhn.npz

Interrupted, it goes on where it stopped when it is run again. Parts can be made on several machines and merged:

    python tools/precalc_stats.py SOURCE --output part-3.npz --shard 3/16
    python tools/merge_stats.py part-*.npz --output stats.npz

SOURCE is a folder or zip of images, an .npy or .npz of uint8 images, tfds:NAME/SPLIT, digits:N, config:configs/svhn.py,
or an exported generator.
"""

from absl import flags

from tf_ttur import command, config_flag
from tf_ttur.config import QUANTISATIONS
from tf_ttur.errors import UserError

_CONFIG = config_flag.define()
_OUTPUT = flags.DEFINE_string("output", None, "The .npz to write. [default with --config: the cache]")
_INCEPTION = flags.DEFINE_string("inception", None, "The Inception network: a .pb, the .tgz, a folder with either, or hub:HANDLE.")
_PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "bfloat16"], "Of the network, where no config says it.")
_BATCH_SIZE = flags.DEFINE_integer("batch-size", 100, "Images that go through the network at a time.", lower_bound=1)
_QUANTISATION = flags.DEFINE_enum("quantisation", "round", QUANTISATIONS, "Of an exported generator's images.")
_SKIP_UNREADABLE = flags.DEFINE_boolean("skip-unreadable", False, "Leave out images that cannot be read; count and name them.")
_DROP_REMAINDER = flags.DEFINE_boolean("drop-remainder", False, "Leave out the last images that do not fill a batch, as the official tool does.")
_SHARD = flags.DEFINE_string("shard", None, "I/N: only the I-th of N parts of the images, for tools/merge_stats.py.")


def read_shard(text):
    """(i, n) of the text "i/n"."""
    number, slash, total = text.partition("/")
    if not (slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise UserError(f"--shard {text}", "I/N with 1 <= I <= N, for example 3/16", "correct it")
    return int(number), int(total)


def main(arguments):
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
    command.start_tensorflow()
    from tf_ttur import inputs
    from tf_ttur.metrics import inception, statistics
    from tf_ttur.training import evaluation

    if config is not None:
        images = evaluation.open_images(config)
        network = evaluation.load_network(config, _INCEPTION.value)
        limit, batch_size = config.evaluation.reference_samples, config.evaluation.feature_batch_size
        output = _OUTPUT.value or config.evaluation.reference or evaluation.reference_path(images, network, limit)
    else:
        whole_batches = _BATCH_SIZE.value if _DROP_REMAINDER.value else 0
        images = inputs.open_images(
            arguments[0], quantisation=_QUANTISATION.value, skip_unreadable=_SKIP_UNREADABLE.value, whole_batches=whole_batches
        )
        network = inception.load(_INCEPTION.value, _PRECISION.value)
        limit, batch_size, output = 0, _BATCH_SIZE.value, _OUTPUT.value
    statistics.produce(output, lambda partial: evaluation.image_statistics(images, network, batch_size, limit, partial=partial, shard=shard))
    print(output)


if __name__ == "__main__":
    command.run(lambda: config_flag.run(main))
