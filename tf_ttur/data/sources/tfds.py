"""Images of TensorFlow Datasets."""

import pathlib
import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_ttur.data.channels import to_rgb
from tf_ttur.data.sources import tfds_builders
from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError

_EXPECTED = "tfds:NAME/SPLIT, also tfds:NAME/CONFIG:VERSION/SPLIT"
_CURE = "for example tfds:cifar10/train, tfds:cifar10/train[:1000] or tfds:svhn_cropped/train"
# A version is of numbers or asterisks, so that the colon of a slice is none.
_WORD = re.compile(
    r"tfds:(?P<name>\w+)(?:/(?P<config>[^:/\[\]]+))??"
    r"(?::(?P<version>[\d*]+\.[\d*]+\.[\d*]+))?/(?P<split>[^/]+)"
)
_SUFFIXES = {"jpeg": ".jpg", "png": ".png"}


class Word(NamedTuple):
    """What a word names.

    Attributes:
      name: of the data set, with its configuration if the word has one, as in TFDS.
      version: "" takes the one that TFDS prepares.
      split: a split, or slices and sums of splits.
    """

    name: str
    version: str
    split: str

    @property
    def builder(self) -> str:
        """The name and the version, as TFDS takes them."""
        return f"{self.name}:{self.version}" if self.version else self.name


def open_tfds(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of tfds:NAME[/CONFIG][:VERSION]/SPLIT, prepared on first use.

    A data set that is prepared is opened without access to a network.

    Raises:
      UserError: there is no such data set or split, it has no images, or it cannot be prepared.
    """
    parts = parse(word)
    builder = tfds_builders.prepared_builder(parts.builder, parts.split)
    num_images = count(builder, parts)
    name, feature = _image_feature(parts.name, builder.info)
    is_grey = feature.shape[-1] == 1
    reading: dict[str, Any]
    if has_random_access(builder):
        reading = {"read": _reader(builder, parts.split, name)}
    else:
        reading = {"stream": lambda: _stream(builder, parts.split, name)}
    height, width = feature.shape[:2]
    suffix = _SUFFIXES.get(getattr(feature, "encoding_format", None) or "")
    return Source(
        word,
        num_images,
        identity_of(parts.name, str(builder.version), parts.split, num_images),
        shape=(height, width),
        formats=[suffix] if suffix else [],
        converted="grey" if is_grey else "",
        **reading,
    )


def parse(word: str) -> Word:
    """What tfds:NAME[/CONFIG][:VERSION]/SPLIT names. Raises `UserError` for another word."""
    matched = _WORD.fullmatch(word)
    if not matched:
        raise UserError(word, _EXPECTED, _CURE)
    name = matched["name"]
    if matched["config"]:
        name += f"/{matched['config']}"
    return Word(name, matched["version"] or "", matched["split"])


def count(builder: Any, parts: Word) -> int:
    """The number of examples of a split. Raises `UserError` if there is no such split."""
    splits = builder.info.splits
    try:
        num_examples = splits[parts.split].num_examples
    except Exception as error:  # TFDS raises errors of many types for what is no slice
        raise UserError(
            f"{parts.name} has no split {parts.split}",
            f"one of {list(splits)}, or slices and sums of them",
            _CURE,
        ) from error
    if not num_examples:
        counts = {split: splits[split].num_examples for split in splits}
        raise UserError(
            f"the split {parts.split} of {parts.name} is empty",
            f"examples; the splits have {counts}",
            _CURE,
        )
    return num_examples


def _image_feature(data_set: str, info: Any) -> tuple[str, Any]:
    """(name, feature) of the images of a data set.

    They are under `image`, or the only ones.

    Raises:
      UserError: there are none, or they are neither RGB nor grey with 8 bits.
    """
    import tensorflow_datasets as tfds  # slow to import, and not needed for files

    features = dict(info.features.items()) if hasattr(info.features, "items") else {}
    names = [name for name, each in features.items() if type(each) is tfds.features.Image]
    if "image" in features:
        names = ["image"]
    if len(names) != 1:
        listed = ", ".join(f"{name}: {_shape_of(each)}" for name, each in features.items())
        raise UserError(
            f"{data_set} has the features {listed or info.features}",
            "images under image, or one feature of images",
            _CURE,
        )
    feature = features[names[0]]
    shape = feature.shape
    dtype = np.dtype(getattr(feature, "np_dtype", None) or object)
    if len(shape) != 3 or shape[-1] not in (1, 3) or dtype != np.uint8:
        raise UserError(
            f"{data_set} has {names[0]} of shape {shape} and type {dtype}",
            "images of shape (height, width, 3), or (height, width, 1), and type uint8",
            _CURE,
        )
    return names[0], feature


def _shape_of(feature: Any) -> str:
    shape = getattr(feature, "shape", None)
    return f"{type(feature).__name__} {shape}" if shape else type(feature).__name__


def has_random_access(builder: Any) -> bool:
    """Whether a prepared data set lies in files that allow random access, which `records` reads."""
    return getattr(builder.info.file_format, "value", None) == "array_record"


def records(builder: Any, split: str, is_decoded: bool = True) -> Any:
    """The examples of a split in files that allow random access.

    Args:
      builder: of the data set.
      split: as in `Word`.
      is_decoded: whether to give dicts of arrays, and not serialised bytes.

    Returns:
      A sequence.

    Raises:
      UserError: the package that reads them is missing.
    """
    import tensorflow_datasets as tfds  # as in `_image_feature`

    methods = tfds.decode.DeserializeMethod
    method = methods.DESERIALIZE_AND_DECODE if is_decoded else methods.RAW_BYTES
    try:
        return builder.as_data_source(split=split, deserialize_method=method)
    except ImportError as error:
        raise UserError(
            f"{builder.info.full_name} is stored as array_record ({error})",
            "the Python package array_record, which reads it",
            "install it: pip install array_record",
        ) from error


def _reader(builder: Any, split: str, name: str) -> Any:
    """A function of an index, as `Source.read`, for files that allow random access."""
    import tensorflow_datasets as tfds  # as in `_image_feature`

    serialised = records(builder, split, is_decoded=False)
    features = tfds.decode.PartialDecoding({name: True}).extract_features(builder.info.features)

    def read(index: tf.Tensor) -> tf.Tensor:
        record = tf.numpy_function(
            lambda number: serialised[int(number)], [index], tf.string, stateful=False
        )
        image = features.deserialize_example(tf.ensure_shape(record, ()))[name]
        return to_rgb(image)

    return read


def in_order(builder: Any, split: str, name: str) -> tf.data.Dataset:
    """The examples {name: value} of a split in order, with one feature alone."""
    import tensorflow_datasets as tfds  # as in `_image_feature`

    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        read_config=tfds.ReadConfig(interleave_cycle_length=1, add_tfds_id=False),
        decoders=tfds.decode.PartialDecoding({name: True}),
    )


def _stream(builder: Any, split: str, name: str) -> tf.data.Dataset:
    """All images in order, for files that can only be read from their beginning."""
    return in_order(builder, split, name).map(
        lambda example: to_rgb(example[name]),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
