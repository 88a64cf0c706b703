"""Images of a `tf.data.Dataset`, which a training takes in the order in which it gives them.

The data set is read once when it is opened: to count its images, to check them, and for a digest of
their content. Then its beginning is read again. If it differs, the data set is not deterministic:
a resumed training continues with other examples than it would have had. A message says so.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import ranges
from tf_ttur.data.channels import to_rgb
from tf_ttur.data.quantisation import to_uint8
from tf_ttur.data.sources.source import Source, identity_of, say_once
from tf_ttur.errors import UserError
from tf_ttur.io import console, digest

COMPARED = 256  # images at the beginning that are read twice

_EXPECTED = "images alone: uint8 or floats in -1 ... 1, (height, width, 3 or 1), or batches of them"
_PYTHON_ERROR = re.compile(r"\w+(Error|Exception|Interrupt|Warning|Exit): ")
_TYPES = (tf.uint8, tf.float16, tf.float32, tf.float64)
_VARIES = "varies"  # the fingerprint of a data set that never gives the same images again


def of_data_set(
    word: str, data_set: tf.data.Dataset, build: Callable[[], tf.data.Dataset]
) -> Source:
    """The `Source` of a data set that ends.

    Args:
      word: of the source.
      data_set: of images, one by one or in batches.
      build: function without arguments that returns it, for each reading anew.

    Raises:
      UserError: its elements are no images, they cannot be used, or it has no end.
    """
    spec = _spec_of_images(word, data_set)
    if int(data_set.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UserError(
            f"{word}: a data set without an end",
            "one that ends: the training repeats it, and the reference of the FID is one pass",
            "leave .repeat() out, or .take(n) as many as one pass is to have",
        )
    is_grey = spec.shape[-1] == 1

    def original() -> tf.data.Dataset:
        return _single_images(build(), spec)

    content = _Content(word, original(), int(data_set.cardinality()), spec)
    fingerprint = _fingerprint(word, content, original)
    height, width = spec.shape[-3:-1]
    return Source(
        word,
        content.num_images,
        identity_of("data set", content.num_images, content.digest),
        stream=lambda: original().map(_to_levels, num_parallel_calls=2, deterministic=True),
        shape=(height, width),
        converted="grey" if is_grey else "",
        keeps_order=True,
        fingerprint=fingerprint,
    )


def _spec_of_images(word: str, data_set: tf.data.Dataset) -> tf.TensorSpec:
    """The spec of the images, or batches, that a data set gives. Raises `UserError`."""
    spec = data_set.element_spec
    if isinstance(spec, tuple | list) and len(spec) == 1:
        [spec] = spec
    cure = "leave the rest out: data_set.map(lambda images, labels: images)"
    if isinstance(spec, dict):
        name = "image" if "image" in spec else next(iter(spec), "image")
        cure = f"leave the rest out: data_set.map(lambda example: example[{name!r}])"
    elif isinstance(spec, tf.TensorSpec):
        if _is_images(spec):
            return spec
        cure = _cure_of(spec)
    raise UserError(f"{word}: a data set of {_describe(spec)}", _EXPECTED, cure)


def _is_images(spec: tf.TensorSpec) -> bool:
    return spec.dtype in _TYPES and spec.shape.rank in (3, 4) and spec.shape[-1] in (1, 3)


def _cure_of(spec: tf.TensorSpec) -> str:
    if spec.shape.rank is None:
        return "say the shape: data_set.map(lambda image: tf.ensure_shape(image, (32, 32, 3)))"
    if spec.shape.rank < 2:
        return "these may be labels: map it to the images"
    if spec.shape[-1] not in (1, 3):
        return "put the channels last; grey images need an axis of one channel: image[..., None]"
    return "convert the images: data_set.map(lambda image: tf.cast(image, tf.uint8))"


def _describe(spec: Any) -> str:
    if isinstance(spec, dict):
        return f"a dict with the keys {', '.join(map(repr, list(spec)[:4]))}"
    if isinstance(spec, tuple | list):
        return f"({', '.join(map(_describe, spec))})"
    if isinstance(spec, tf.TensorSpec):
        shape = "unknown shape" if spec.shape.rank is None else f"shape {tuple(spec.shape)}"
        return f"{spec.dtype.name} of {shape}"
    return type(spec).__name__


def _single_images(data_set: tf.data.Dataset, spec: tf.TensorSpec) -> tf.data.Dataset:
    """The images one by one, in an order that no threads change."""
    if not isinstance(data_set.element_spec, tf.TensorSpec):
        data_set = data_set.map(lambda image: image)
    if spec.shape.rank == 4:
        data_set = data_set.unbatch()
    options = tf.data.Options()
    options.deterministic = True
    return data_set.with_options(options)


def _to_levels(image: tf.Tensor) -> tf.Tensor:
    """One image as uint8 (height, width, 3)."""
    if image.dtype != tf.uint8:
        image = to_uint8(image)
    return to_rgb(image)


class _Content:
    """What one pass over a data set finds.

    Args:
      word: how messages call it.
      images: the data set, of single images.
      cardinality: as the data set tells it, for the progress; negative if unknown.
      spec: of the images, or batches.

    Attributes:
      num_images: the number of images.
      start: SHA-256 of the first `COMPARED` images in their order.
      ordered: SHA-256 of all images in their order.
      digest: of all images in any order.

    Raises:
      UserError: there are no images, or they cannot be used.
    """

    def __init__(
        self, word: str, images: tf.data.Dataset, cardinality: int, spec: tf.TensorSpec
    ) -> None:
        self.num_images = 0
        ordered = hashlib.sha256()
        total = 0
        values = ranges.Tally()
        expected = cardinality if cardinality >= 0 and spec.shape.rank == 3 else None
        with console.Status(f"looking through {word}", 0, expected) as status:
            for image in _read(word, images):
                ordered.update(image.tobytes())
                total = digest.add(total, image[None])
                values.add(word, image[None], None)
                self.num_images += 1
                if self.num_images == ranges.EARLY:
                    ranges.judge(word, values, None, is_measured=False)
                if self.num_images <= COMPARED:
                    self.start = ordered.hexdigest()
                status.show(self.num_images)
        if not self.num_images:
            raise UserError(f"{word}: an empty data set", _EXPECTED, "correct the data set")
        ranges.judge(word, values, None, is_measured=False)
        self.ordered = ordered.hexdigest()
        self.digest = digest.to_hex(total)


def _read(word: str, images: tf.data.Dataset) -> Iterator[np.ndarray]:
    """The images as arrays. Raises `UserError` where the data set fails."""
    try:
        yield from images.as_numpy_iterator()
    except tf.errors.OpError as error:
        raise _failure(word, error) from error


def explain(word: str, error: Exception) -> None:
    """Raises `UserError` if a data set has caused an error while its images were read.

    Args:
      word: how messages call it.
      error: what TensorFlow raised.
    """
    if isinstance(error, tf.errors.OpError) and "IteratorGetNext" in error.message:
        raise _failure(word, error) from error


def _failure(word: str, error: tf.errors.OpError) -> UserError:
    lines = [line.strip() for line in error.message.strip().splitlines()] or [""]
    of_python = [line for line in lines if _PYTHON_ERROR.match(line)]
    return UserError(
        f"{word}: the data set fails ({(of_python or lines)[0]})",
        _EXPECTED,
        "correct the functions of the data set",
    )


def digest_of_start(images: tf.data.Dataset) -> str:
    """SHA-256 of the first `COMPARED` images."""
    result = hashlib.sha256()
    for image in images.take(COMPARED).as_numpy_iterator():
        result.update(image.tobytes())
    return result.hexdigest()


def _fingerprint(word: str, content: _Content, original: Callable[[], tf.data.Dataset]) -> str:
    """A digest that is the same whenever the data set is opened with the same images."""
    if digest_of_start(original()) == content.start:
        return content.ordered
    cure = (
        "For a resume that is exact to the bit, pass a function that builds the data set with "
        "seeds, or leave shuffling and augmentation to the training"
    )
    again = _Content(word, original(), content.num_images, tf.TensorSpec((None, None, 3)))
    if again.digest == content.digest:
        say_once(f"note: {word} gives its images in another order at each reading. {cure}")
        return content.digest
    say_once(f"note: {word} gives other images at each reading. {cure}")
    return _VARIES
