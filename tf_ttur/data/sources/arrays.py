"""Images in arrays: .npy and .npz, SVHN's .mat, CIFAR-10's batches."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tf_ttur.data import array_files, published_archives, ranges
from tf_ttur.data.quantisation import to_levels
from tf_ttur.data.sources.source import Options, Source, identity_of, identity_of_files, say_once
from tf_ttur.errors import UserError
from tf_ttur.io import files


def open_array(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of a .npy or .npz; `array_files.image_array` says which array of an .npz they are.

    Raises:
      UserError: the file cannot be read, or holds something else.
    """
    cure = "save the images as uint8 RGB, channels last: numpy.save(file, images)"
    try:
        headers = array_files.read_headers(path)
        name = array_files.image_array(headers)
        if name is None:
            raise _refusal(word, path, headers)
        if name:
            with np.load(path, allow_pickle=False) as content:
                images = content[name]
        else:
            images = np.load(path, mmap_mode=_mmap_mode(path), allow_pickle=False)
    except files.UNREADABLE as error:
        expected = array_files.IMAGES
        raise array_files.unreadable(word, path, error, expected, cure) from error
    _say_what_is_ignored(word, name, headers)
    return of_values(word, images, identity_of_files(path), options)


def _refusal(word: str, path: pathlib.Path, headers: Mapping[str, array_files.Header]) -> UserError:
    if array_files.has_statistics(headers):
        return UserError(
            f"{word} holds statistics and no images: {array_files.describe(headers)}",
            array_files.IMAGES,
            "name the images that they were made of",
        )
    return array_files.refusal(word, path, headers)


def _mmap_mode(path: pathlib.Path) -> Literal["r"] | None:
    return "r" if path.suffix.lower() == ".npy" else None


def _say_what_is_ignored(word: str, name: str, headers: Mapping[str, array_files.Header]) -> None:
    others = {other: header for other, header in headers.items() if other != name}
    if others:
        say_once(
            f"{word}: the images are {name} ({headers[name]}); "
            f"ignored: {array_files.describe(others)}"
        )


def open_svhn(word: str, path: pathlib.Path, options: Options) -> Source:
    """The cropped digits of SVHN, from their .mat. Raises `UserError`."""
    return of_array(word, published_archives.svhn(path), identity_of_files(path))


def open_cifar10(word: str, path: pathlib.Path, options: Options) -> Source:
    """The training images of CIFAR-10, from its archive or its folder. Raises `UserError`."""
    images = published_archives.cifar10(path, options.trust_pickle)
    batches = sorted(path.glob("data_batch_*")) if path.is_dir() else [path]
    return of_array(word, images, identity_of_files(*batches))


def of_values(word: str, images: np.ndarray, identity: str, options: Options) -> Source:
    """The `Source` of an array of a user, whose values have to be judged.

    Args:
      word, identity: as in `of_array`.
      images: as in `of_array`; or float (n, height, width, 3) or (n, height, width, 1), which is
        rounded to uint8.
      options: `value_range` says what the values mean, `is_measured` whether it could.

    Raises:
      UserError: as of `ranges.judge`.
    """
    value_range = options.value_range
    ranges.judge_array(word, images, value_range, options.is_measured)
    if images.dtype == np.uint8:
        return of_array(word, images, identity)
    value_range = value_range or (-1, 1)

    def to_uint8(image: np.ndarray) -> np.ndarray:
        return to_levels(image, value_range, "round").numpy().astype(np.uint8)

    return dataclasses.replace(
        of_array(word, images, identity_of(identity, value_range), convert=to_uint8),
        quantisation="round",
        value_range=value_range,
    )


def of_array(
    word: str,
    images: np.ndarray,
    identity: str,
    preparation: dict[str, Any] | None = None,
    convert: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Source:
    """The `Source` of an array.

    Args:
      word: as the user gave it.
      images: (n, height, width, 3), in memory or memory-mapped. Of grey images, (n, height, width)
        or (n, height, width, 1), the one channel is used three times.
      identity, preparation: of the `Source`.
      convert: function that makes uint8 of one image; None if the images are uint8.
    """
    height, width = images.shape[1:3]
    is_grey = images.ndim == 3 or images.shape[-1] == 1

    def draw(index: int) -> np.ndarray:
        image = images[index] if convert is None else convert(images[index])
        return np.repeat(image.reshape(height, width, 1), 3, axis=-1) if is_grey else image

    read = indexed(draw, (height, width, 3))
    return Source(
        word,
        len(images),
        identity,
        read,
        shape=(height, width),
        preparation=preparation,
        converted="grey" if is_grey else "",
    )


def indexed(
    draw: Callable[[int], np.ndarray], shape: tuple[int, int, int]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Turns a Python function of an index into a graph operation.

    Args:
      draw: function of an index that returns one uint8 image of this shape.
      shape: (height, width, 3).

    Returns:
      Function of a scalar int64 tensor that returns the image as a uint8 tensor.
    """

    def read(index: tf.Tensor) -> tf.Tensor:
        image = tf.numpy_function(
            lambda number: np.asarray(draw(number)), [index], tf.uint8, stateful=False
        )
        return tf.ensure_shape(image, shape)

    return read
