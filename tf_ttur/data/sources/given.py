"""Images of a Python object: an array, a list of pictures, a data set, or a function of one.

Floats are of -1 ... 1, by the rule of `data.ranges`. They are rounded to the 256 levels of image
files, so that training and evaluation see the same images.
"""

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import passed, ranges
from tf_ttur.data.array_files import Header
from tf_ttur.data.quantisation import to_uint8
from tf_ttur.data.sources import data_sets, hugging_face
from tf_ttur.data.sources.arrays import of_array
from tf_ttur.data.sources.source import Source, identity_of, identity_of_files
from tf_ttur.errors import UserError

EXPECTED = (
    "images: an array (n, height, width, 3), or grey, uint8 or floats in -1 ... 1; a "
    "tf.data.Dataset; a datasets.Dataset; a Source; or a function without arguments that returns "
    "one of these"
)


def of_object(word: str, thing: Any) -> Source:
    """The images of an object.

    Args:
      word: how messages call the object; the `word` of the source.
      thing: the object. A function without arguments is called, for a `tf.data.Dataset` each time
        that it is read.

    Raises:
      UserError: the object is something else, its images cannot be used, or the function fails.
    """
    function = None
    if callable(thing) and not isinstance(thing, type) and not hasattr(thing, "get_weights"):
        function = thing
        thing = _call(word, function)
    if isinstance(thing, Source):
        return _checked(word, thing)
    if isinstance(thing, tf.data.Dataset):
        given = thing
        build = (lambda: _call(word, function)) if function else (lambda: given)
        return data_sets.of_data_set(word, thing, build)
    if hugging_face.is_data_set(thing):
        return hugging_face.of_data_set(word, thing)
    array = passed.to_array(thing)
    if array is None:
        raise UserError(f"{word}: {passed.describe(thing)}", EXPECTED, _cure_of(thing))
    return _of_array(word, array)


def _call(word: str, function: Any) -> Any:
    try:
        return function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise UserError(
            f"{word} fails ({type(error).__name__}: {error})", EXPECTED, "correct the function"
        ) from error


def _checked(word: str, source: Source) -> Source:
    if (source.read is None) == (source.stream is None):
        number = "neither" if source.read is None else "both"
        raise UserError(
            f"{word}: a Source with {number} of read and stream",
            "one of them: read for random access, else stream",
            "correct the Source",
        )
    if source.num_images < 1:
        raise UserError(
            f"{word}: a Source of {source.num_images} images",
            "1 image or more",
            "correct the Source",
        )
    return dataclasses.replace(source, word=word)


def _cure_of(thing: Any) -> str:
    """What to do with an object that is no set of images."""
    if hasattr(thing, "get_weights"):
        return "pass images: a model that makes them is exported and named as EXPORT/"
    if isinstance(thing, tuple | list) and thing:
        arrays = [passed.to_array(item) for item in thing]
        if isinstance(thing, tuple) and arrays[0] is not None and arrays[0].ndim in (3, 4):
            return "pass the images alone, without labels"
        if len({array.shape for array in arrays if array is not None}) > 1:
            return "resize the images to one size"
    if hasattr(thing, "__iter__"):
        return "collect the images in one array, or use tf.data.Dataset.from_generator"
    return "pass one of these"


def _of_array(word: str, array: np.ndarray) -> Source:
    is_float = array.dtype.kind == "f"
    header = Header(np.dtype(np.uint8) if is_float else array.dtype, array.shape)
    if not header.is_images:
        raise UserError(f"{word}: {array.dtype} {array.shape}", EXPECTED, _cure_of_shape(array))
    filename = getattr(array, "filename", None)  # of a memory-mapped array
    # A file is not read as a whole before the training.
    judged = array[: ranges.EARLY] if filename else array
    ranges.judge_array(word, judged, None, is_measured=False)
    if filename:
        file = identity_of_files(pathlib.Path(filename))
        identity = identity_of(file, array.shape, str(array.dtype))
    else:
        digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        kind = [str(array.dtype)] if is_float else []
        identity = identity_of("array", array.shape, digest, *kind)
    return of_array(word, array, identity, convert=_levels if is_float else None)


def _levels(image: np.ndarray) -> np.ndarray:
    return to_uint8(tf.constant(image, tf.float32)).numpy()


def _cure_of_shape(array: np.ndarray) -> str:
    """What to do with an array that is no set of images."""
    shape = array.shape
    if len(shape) == 4 and shape[-1] not in (1, 3) and shape[1] in (1, 3):
        return "put the channels last: images.transpose(0, 2, 3, 1)"
    if len(shape) == 4 and shape[-1] == 4:
        return "put the images on a background, and pass their first three channels"
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "this is one image, and a set is needed; one image as a set is image[None]"
    if len(shape) == 1:
        return "these may be labels: pass the images"
    if len(shape) == 2:
        return "if each row is an image, reshape it: rows.reshape(-1, height, width, channels)"
    if 0 in shape:
        return "pass at least one image"
    return "convert the images to uint8, channels last"
