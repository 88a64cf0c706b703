"""Images in arrays: .npy and .npz, SVHN's .mat, CIFAR-10's batches."""

import pathlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tf_ttur.data import published_archives
from tf_ttur.data.sources.source import Options, Source, identity_of_files
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

EXPECTED = "one uint8 array (n, height, width, 3)"


def open_array(word: str, path: pathlib.Path, options: Options) -> Source:
    """The array of an .npy, or the only one or the one named `images` of an .npz.

    Raises:
      UserError: it cannot be read, or holds something else.
    """
    cure = "save the images as uint8 RGB, channels last: numpy.save(file, images)"
    mode: Literal["r"] | None = "r" if path.suffix == ".npy" else None
    try:
        content = np.load(path, mmap_mode=mode, allow_pickle=False)
        if not isinstance(content, np.ndarray):
            content = _array_of_npz(word, content, cure)
    except files.UNREADABLE as error:
        raise UserError(f"{word} cannot be read ({error})", EXPECTED, cure) from error
    if not is_images(content):
        raise UserError(f"{word} holds {content.dtype} of shape {content.shape}", EXPECTED, cure)
    return of_array(word, content, identity_of_files(path))


def _array_of_npz(word: str, content: Any, cure: str) -> np.ndarray:
    names = content.files
    if "images" in names:
        name = "images"
    elif len(names) == 1:
        name = names[0]
    else:
        raise UserError(f"{word} holds {names}", f"{EXPECTED}, alone or named images", cure)
    archives.check_unpacked_sizes(word, content.zip)
    return content[name]


def open_svhn(word: str, path: pathlib.Path, options: Options) -> Source:
    """The cropped digits of SVHN, from their .mat. Raises `UserError`."""
    return of_array(word, published_archives.svhn(path), identity_of_files(path))


def open_cifar10(word: str, path: pathlib.Path, options: Options) -> Source:
    """The training images of CIFAR-10, from its archive or its folder. Raises `UserError`."""
    images = published_archives.cifar10(path, options.trust_pickle)
    batches = sorted(path.glob("data_batch_*")) if path.is_dir() else [path]
    return of_array(word, images, identity_of_files(*batches))


def is_images(array: np.ndarray) -> bool:
    """Whether an array is uint8 (n, height, width, 3) with n above 0."""
    has_shape = array.ndim == 4 and array.shape[-1] == 3 and len(array) > 0
    return array.dtype == np.uint8 and has_shape


def of_array(
    word: str, images: np.ndarray, identity: str, preparation: dict[str, Any] | None = None
) -> Source:
    """The source of an array.

    Args:
      word: as the user gave it.
      images: uint8 (n, height, width, 3), in memory or memory-mapped.
      identity, preparation: of the `Source`.
    """
    height, width = images.shape[1:3]
    read = indexed(lambda index: images[index], (height, width, 3))
    return Source(word, len(images), identity, read, shape=(height, width), preparation=preparation)


def indexed(
    draw: Callable[[int], np.ndarray], shape: tuple[int, int, int]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """A Python function of an index as a graph operation.

    Args:
      draw: gives one uint8 image of this shape.
      shape: (height, width, 3).
    """

    def read(index: tf.Tensor) -> tf.Tensor:
        image = tf.numpy_function(
            lambda number: np.asarray(draw(number)), [index], tf.uint8, stateful=False
        )
        return tf.ensure_shape(image, shape)

    return read
