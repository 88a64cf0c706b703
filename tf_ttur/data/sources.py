"""Where raw images come from: a folder, a zip, an array, TFDS, or the program's own digits.

A source is named by one word, the same everywhere:

  PATH/            folder, read recursively in sorted order (png, jpg, jpeg, webp; hidden files are left out)
  FILE.zip         the same out of a zip
  FILE.npy, .npz   uint8 array (n, height, width, 3); in an .npz the only array, or the one named `images`
  tfds:NAME/SPLIT  TensorFlow Datasets, prepared on first use; the folder is the variable TFDS_DATA_DIR
  digits:N[:SEED]  N street-number-like images of 32x32 pixels, drawn here
  EXPORT/          an exported generator (a folder with saved_model.pb), which makes `count` images from `seed`
"""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_ttur import files, progress
from tf_ttur.data import digits
from tf_ttur.errors import UserError

PNG, DEEP = b"\x89PNG", b"\x10"  # how a PNG begins, and its bit depth of 16
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_WORDS = "a folder, FILE.zip, FILE.npy, FILE.npz, tfds:NAME/SPLIT, digits:N, or an exported generator"


@dataclasses.dataclass(frozen=True)
class Source:
    """Raw images.

    Attributes:
      word: the name that the user gave.
      num_images: how many there are.
      identity: a string that changes when the images do (names, sizes and times of files; not their content).
      read: function of a scalar int64 index tensor giving one uint8 (height, width, 3) image, for use in `tf.data`;
        None where only reading in order is possible.
      in_order: function without arguments giving a `tf.data.Dataset` of all images.
      shape: (height, width) where all images are known to have it, else (None, None).
      contents: function without arguments giving (name, function that reads the bytes) of every file, for finding the
        one that is bad; None where the images are not files.
    """

    word: str
    num_images: int
    identity: str
    in_order: Callable
    read: Callable | None = None
    shape: tuple = (None, None)
    contents: Callable | None = None


def open_source(word, count=50_000, seed=0):
    """The `Source` that `word` names; `count` and `seed` are for exported generators, all else is taken whole.

    Raises:
      UserError: there is no such thing, or nothing in it.
    """
    word = str(word)
    if word.startswith("tfds:"):
        return _tfds(word)
    if word.startswith("digits:"):
        return _digits(word)
    path = pathlib.Path(word).expanduser()
    if (path / "saved_model.pb").is_file():
        return open_generator(word, count, seed)
    if path.is_dir():
        return _folder(word, path)
    if path.suffix == ".zip" and path.is_file():
        return _zip(word, path)
    if path.suffix in (".npy", ".npz") and path.is_file():
        return _array(word, path)
    if path.exists():
        raise UserError(f"{word} is a file of another kind", _WORDS, "convert it to one of these")
    raise UserError(f"{word} does not exist", _WORDS, "correct the path, or put the data there")


def _random_access(word, num_images, identity, read, **known):
    def in_order():
        return tf.data.Dataset.range(num_images).map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    return Source(word, num_images, identity, in_order, read, **known)


def _folder(word, path):
    found = []
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [pathlib.Path(folder, name) for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    found.sort()
    if not found:
        raise UserError(f"{word} holds no images", f"files that end in {', '.join(SUFFIXES)}", "name the folder of the images")
    names = tf.constant([str(file) for file in found])
    marks = [(str(file.relative_to(path)), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in found]
    return _random_access(
        word,
        len(found),
        _identity(str(path.resolve()), marks),
        lambda index: _decode(tf.io.read_file(names[index])),
        contents=lambda: ((str(file), file.read_bytes) for file in found),
    )


def _zip(word, path):
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{word} is not a readable zip ({error})", "a zip of images", "make or fetch it again") from error
    names = [name for name in archive.namelist() if name.lower().endswith(SUFFIXES)]
    names = [name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    names.sort(key=lambda name: name.split("/"))  # the order of a folder
    if not names:
        raise UserError(f"{word} holds no images", f"members that end in {', '.join(SUFFIXES)}", "name the zip of the images")

    def read(index):
        encoded = tf.numpy_function(lambda i: archive.read(names[i]), [index], tf.string, stateful=False)
        return _decode(tf.ensure_shape(encoded, ()))

    stat = path.stat()
    return _random_access(
        word,
        len(names),
        _identity(str(path.resolve()), stat.st_size, stat.st_mtime_ns),
        read,
        contents=lambda: ((f"{word}:{name}", functools.partial(archive.read, name)) for name in names),
    )


def _array(word, path):
    expected = "one uint8 array (n, height, width, 3)"
    cure = "save the images as uint8 RGB, channels last: numpy.save(file, images)"
    try:
        content = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if not isinstance(content, np.ndarray):
            names = content.files
            name = "images" if "images" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise UserError(f"{word} holds {names}", f"{expected}, alone or named images", cure)
            content = content[name]
    except files.UNREADABLE as error:
        raise UserError(f"{word} cannot be read ({error})", expected, cure) from error
    if content.dtype != np.uint8 or content.ndim != 4 or content.shape[-1] != 3 or not len(content):
        raise UserError(f"{word} holds {content.dtype} of shape {content.shape}", expected, cure)
    stat = path.stat()
    identity = _identity(str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    shape = content.shape[1:]
    return _random_access(word, len(content), identity, _indexed(lambda i: content[i], shape), shape=shape[:2])


def _digits(word):
    fields = word.split(":")[1:]
    if len(fields) not in (1, 2) or not all(field.isdecimal() for field in fields) or int(fields[0]) < 1:
        raise UserError(f"{word}", "digits:N or digits:N:SEED with whole numbers", "for example digits:8192")
    count, seed = int(fields[0]), int(fields[1]) if len(fields) == 2 else 0
    read = _indexed(lambda i: digits.draw(i, seed), (digits.SIZE, digits.SIZE, 3))
    return _random_access(word, count, _identity(word, digits.VERSION), read, shape=(digits.SIZE, digits.SIZE))


def open_generator(word, count, seed):
    """An exported generator as a source of `count` images."""
    path = pathlib.Path(word).expanduser()
    try:
        model = tf.saved_model.load(str(path))
        shape = model.signatures["sample"].structured_outputs["images"].shape
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        raise UserError(f"{word} is not an exported generator ({error})", "a folder that tools/export.py wrote", "export it again") from error

    def in_order():
        images = model.signatures["sample"](count=tf.constant(count), seed=tf.constant(seed))["images"]
        return tf.data.Dataset.from_tensor_slices(images)

    fingerprint = (path / "fingerprint.pb").read_bytes().hex() if (path / "fingerprint.pb").is_file() else ""
    return Source(word, count, _identity(str(path.resolve()), fingerprint, count, seed), in_order, shape=tuple(shape[1:3]))


def _indexed(draw, shape):
    """A Python function of an index as a graph operation."""

    def read(index):
        return tf.ensure_shape(tf.numpy_function(lambda i: np.asarray(draw(i)), [index], tf.uint8, stateful=False), shape)

    return read


def _tfds(word):
    name, _, split = word.removeprefix("tfds:").partition("/")
    expected, cure = "tfds:NAME/SPLIT of a data set with images", "for example tfds:cifar10/train or tfds:svhn_cropped/train"
    if not name or not split:
        raise UserError(word, expected, cure)
    import tensorflow_datasets as tfds  # slow to import, and not needed for files

    try:
        builder = tfds.builder(name, try_gcs=False)
        if not builder.is_prepared():
            progress.STDERR.print(f"TFDS has no prepared {name}; downloading it to {builder.data_dir}", soft_wrap=True)
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError as error:
        raise UserError(f"TFDS has no data set {name}", expected, cure) from error
    except Exception as error:  # TFDS and its downloader raise whatever the network and the host give them
        raise UserError(
            f"TFDS cannot prepare {name} ({type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''})",
            f"{name} prepared under {tfds.core.constants.DATA_DIR}, or an internet connection",
            "set TFDS_DATA_DIR to a folder that holds it, or name a folder, zip or array of the images instead",
        ) from error
    try:
        num_images = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise UserError(f"{name} has no split {split}", f"one of {list(builder.info.splits)}, or slices and sums of them", cure) from error
    if "image" not in builder.info.features or builder.info.features["image"].shape[-1] != 3:
        raise UserError(f"{name} has the features {list(builder.info.features)}", "RGB images under image", cure)

    def in_order():
        config = tfds.ReadConfig(interleave_cycle_length=1, add_tfds_id=False)
        decoders = tfds.decode.PartialDecoding({"image": True})
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=config, decoders=decoders)
        return dataset.map(lambda example: example["image"], num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    identity = _identity(name, str(builder.version), split, num_images)
    return Source(word, num_images, identity, in_order, shape=tuple(builder.info.features["image"].shape[:2]))


def _decode(encoded):
    """One image of any channel count as uint8; JPEG by the accurate transform, which gives libjpeg's (and Pillow's) values."""
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=0, expand_animations=False),
    )
    # TensorFlow would keep the upper half of 16-bit samples without a word. The depth of a PNG is its byte 24.
    depth = tf.cond(tf.strings.length(encoded) > 24, lambda: tf.strings.substr(encoded, 24, 1), lambda: "")
    deep = (tf.strings.substr(encoded, 0, 4) == PNG) & (depth == DEEP)
    rules = [tf.debugging.assert_equal(tf.shape(image)[-1], 3, "not an RGB image"), tf.debugging.assert_equal(deep, False, "16 bits a channel")]
    with tf.control_dependencies(rules):
        return tf.ensure_shape(image, (None, None, 3))


def is_deep(content):
    """Whether the bytes are a PNG with 16 bits a channel."""
    return content[:4] == PNG and content[24:25] == DEEP


def _identity(*parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
