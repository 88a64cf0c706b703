"""Images of TensorFlow Datasets."""

import pathlib
from typing import Any

import tensorflow as tf

from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError
from tf_ttur.io import console

_EXPECTED = "tfds:NAME/SPLIT of a data set with images"
_CURE = "for example tfds:cifar10/train or tfds:svhn_cropped/train"


def open_tfds(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of tfds:NAME/SPLIT, prepared on first use.

    Raises:
      UserError: there is no such data set or split, it has no images, or it cannot be prepared.
    """
    name, _, split = word.removeprefix("tfds:").partition("/")
    if not name or not split:
        raise UserError(word, _EXPECTED, _CURE)
    import tensorflow_datasets as tfds  # slow to import, and not needed for files

    builder = _prepare(name)
    info = builder.info
    try:
        num_images = info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{name} has no split {split}",
            f"one of {list(info.splits)}, or slices and sums of them",
            _CURE,
        ) from error
    if "image" not in info.features or info.features["image"].shape[-1] != 3:
        raise UserError(
            f"{name} has the features {list(info.features)}", "RGB images under image", _CURE
        )

    def stream() -> tf.data.Dataset:
        config = tfds.ReadConfig(interleave_cycle_length=1, add_tfds_id=False)
        decoders = tfds.decode.PartialDecoding({"image": True})
        dataset = builder.as_dataset(
            split=split, shuffle_files=False, read_config=config, decoders=decoders
        )
        return dataset.map(
            lambda example: example["image"],
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    height, width = info.features["image"].shape[:2]
    return Source(
        word,
        num_images,
        identity_of(name, str(builder.version), split, num_images),
        stream=stream,
        shape=(height, width),
    )


def _prepare(name: str) -> Any:
    """The builder of a data set that is on disk. Raises `UserError` if it cannot get there."""
    import tensorflow_datasets as tfds  # as in `open_tfds`

    try:
        builder = tfds.builder(name, try_gcs=False)
        if not builder.is_prepared():
            console.say(f"TFDS has no prepared {name}; downloading it to {builder.data_dir}")
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError as error:
        raise UserError(f"TFDS has no data set {name}", _EXPECTED, _CURE) from error
    except Exception as error:  # whatever the network and the host give its downloader
        first_line = str(error).strip().partition("\n")[0]
        raise UserError(
            f"TFDS cannot prepare {name} ({type(error).__name__}: {first_line})",
            f"{name} prepared under {tfds.core.constants.DATA_DIR}, or an internet connection",
            "set TFDS_DATA_DIR to a folder that holds it, "
            "or name a folder, zip or array of the images instead",
        ) from error
    return builder
