"""Where raw images come from: a folder, an archive, an array, TFDS, or the program's own digits.

A source is named by one word, the same everywhere:

  PATH/            folder, read recursively in sorted order (png, jpg, jpeg, webp; hidden files are left out)
  FILE.zip         the same out of a zip
  FILE.npy, .npz   uint8 array (n, height, width, 3); in an .npz the only array, or the one named `images`
  PREPARED/        what tf-ttur prepare wrote
  FILE.mat         the cropped digits of SVHN
  FILE.tar.gz      CIFAR-10's archive, also unpacked: the training images (tfds:cifar10/test has the others)
  LSUN_lmdb/       folder with data.mdb, an LMDB whose values are png, jpg or webp
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
import re
import stat
import zipfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_ttur import registry
from tf_ttur.data import archives, digits
from tf_ttur.data.exported import Exported
from tf_ttur.data.lmdb_file import LmdbFile
from tf_ttur.errors import UserError
from tf_ttur.io import console, files

PREPARED_IMAGES, PREPARED_RECORD = "images.npy", "prepared.json"  # in a prepared folder
PNG, DEEP = b"\x89PNG", b"\x10"  # how a PNG begins, and its bit depth of 16
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_PIXELS = 2**28 // 3  # of an image: 256 MiB as RGB, and Pillow's own limit
MAX_FILE_BYTES = 2**28  # of an image's file inside a zip, unpacked
_WORDS = "a folder, FILE.zip, FILE.npy, FILE.npz, FILE.mat, FILE.tar.gz, tfds:NAME/SPLIT, digits:N, or an exported generator"


@dataclasses.dataclass(frozen=True)
class Source:
    """Raw images.

    Attributes:
      word: the name that the user gave.
      num_images: how many there are.
      identity: a string that changes when the images do (names, sizes and times of files; not their
        content).
      read: function of a scalar int64 index tensor giving one uint8 (height, width, 3) image, for
        use in `tf.data`; None where only reading in order is possible.
      stream: function without arguments giving a `tf.data.Dataset` of all images; only where there
        is no `read`.
      shape: (height, width) where all images are known to have it, else (None, None).
      contents: function of an index giving (name, function that reads the bytes) of the image's
        file; None where the images are not files.
      preparation: dict with the crop and the size that a prepared folder was made with; None for
        all others.
      quantisation: "uint8", or how a generator's output became 0 ... 255.
      formats: list of the endings of the image files, such as [".jpg"]; empty where the images are
        not files.
    """

    word: str
    num_images: int
    identity: str
    read: Callable | None = None
    stream: Callable | None = None
    shape: tuple = (None, None)
    contents: Callable | None = None
    preparation: dict | None = None
    quantisation: str = "uint8"
    formats: list = dataclasses.field(default_factory=list)

    def in_order(self, first=0, count=None):
        """A `tf.data.Dataset` of `count` images from `first` on, or of all from there."""
        if self.read is None:
            return self.stream().skip(first).take(-1 if count is None else count)
        end = self.num_images if count is None else min(first + count, self.num_images)
        return tf.data.Dataset.range(first, end).map(
            self.read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def subset(self, indices):
        """A `Source` of the images with these indices, in their order; needs random access."""
        kept = tf.constant(indices, tf.int64)
        return dataclasses.replace(
            self,
            num_images=len(indices),
            identity=_identity(
                self.identity, hashlib.sha256(np.asarray(indices, np.int64)).hexdigest()
            ),
            read=lambda index: self.read(kept[index]),
            contents=self.contents and (lambda index: self.contents(int(indices[index]))),
        )


def open_source(word, count=50_000, seed=0, quantisation="round", trust_pickle=False, trust=False):
    """The `Source` that `word` names.

    Args:
      word: see the top of this file.
      count, seed, quantisation: of an exported generator, as in `Exported.blocks`; all else is
        taken whole, as it is.
      trust_pickle: whether CIFAR-10 may be read from its version for Python, as in
        `archives.cifar10`.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.

    Raises:
      UserError: there is no such thing, nothing in it, or more in it than can be trusted.
    """
    word = str(word)
    if not word:
        raise UserError("an empty word for images", _WORDS, "name the images")
    if word.startswith("tfds:"):
        return _tfds(word)
    if word.startswith("digits:"):
        return _digits(word)
    if word.startswith("config:"):
        return registry.import_object("tf_ttur.config.examples:open_images")(word)
    path = pathlib.Path(word).expanduser()
    if (path / "saved_model.pb").is_file():
        return _generator(word, count, seed, quantisation, trust)
    if (path / PREPARED_RECORD).is_file():
        return _prepared(word, path)
    if (path / "data.mdb").is_file():
        return _lmdb(word, path / "data.mdb")
    if archives.is_cifar10(path) or path.name.endswith(archives.TARS) and path.is_file():
        return _cifar10(word, path, trust_pickle)
    if path.is_dir():
        return _folder(word, path)
    if path.suffix == ".zip" and path.is_file():
        return _zip(word, path)
    if path.suffix in (".npy", ".npz") and path.is_file():
        return _array(word, path)
    if path.suffix == ".mat" and path.is_file():
        return _of_array(word, archives.svhn(path), _identity_of_files(path))
    if path.exists():
        raise UserError(f"{word} is a file of another kind", _WORDS, "convert it to one of these")
    raise UserError(f"{word} does not exist", _WORDS, "correct the path, or put the data there")


def _folder(word, path):
    found = []
    for folder, _, names in files.walk(path):
        found += [
            os.path.join(folder, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    found.sort(key=lambda name: name.replace(os.sep, "\0"))  # by folder, then by name
    if not found:
        raise UserError(
            f"{word} holds no images",
            f"files that end in {', '.join(SUFFIXES)}",
            "name the folder of the images",
        )
    identity = hashlib.sha256(str(path.resolve()).encode())
    for name in found:  # one by one, as there may be millions
        stat = os.stat(name)
        identity.update(
            json.dumps([name.removeprefix(str(path)), stat.st_size, stat.st_mtime_ns]).encode()
        )
    names = tf.constant(found)
    return Source(
        word,
        len(found),
        identity.hexdigest(),
        lambda index: _decode(tf.io.read_file(names[index])),
        contents=lambda index: (found[index], pathlib.Path(found[index]).read_bytes),
        formats=_endings(found),
    )


def _zip(word, path):
    try:
        archive = zipfile.ZipFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{word} is not a readable zip ({error})", "a zip of images", "make or fetch it again"
        ) from error
    members = archive.namelist()
    for member in archive.infolist():
        _check_zipped(word, member)
    names = [name for name in members if name.lower().endswith(SUFFIXES)]
    names = [
        name
        for name in names
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    ]
    names.sort(key=lambda name: name.split("/"))  # the order of a folder
    if not names:
        database = any(name.endswith("data.mdb") for name in members)
        cure = (
            "unpack it, and name the folder of its data.mdb"
            if database
            else "name the zip of the images"
        )
        raise UserError(
            f"{word} holds no images", f"members that end in {', '.join(SUFFIXES)}", cure
        )

    def fetch(index):
        with archive.open(names[index]) as file:
            return file.read(
                archive.getinfo(names[index]).file_size
            )  # no more than the directory says, whatever is packed there

    return dataclasses.replace(
        _of_files(word, path, len(names), lambda index: names[index], fetch),
        formats=_endings(names),
    )


def _endings(names):
    return sorted({os.path.splitext(name)[1].lower() for name in names})


def _check_zipped(word, member):
    archives.check_member(word, member.filename)
    files.check_packing(word, member)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UserError(
            f"{word} has the link {member.filename}",
            "plain files",
            "make the zip again with the files themselves",
        )
    if member.filename.lower().endswith(SUFFIXES) and member.file_size > MAX_FILE_BYTES:
        found = f"{member.filename} of {word} takes {member.file_size:,} bytes when it is unpacked"
        raise UserError(
            found,
            f"an image file of at most {MAX_FILE_BYTES:,} bytes",
            "do not use this zip, or leave that file out",
        )


def _lmdb(word, path):
    try:
        database = LmdbFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})",
            "an LMDB as LSUN publishes them, whole",
            "fetch it again",
        ) from error
    if not len(database):
        raise UserError(
            f"{path} holds no images", "an LMDB of images", "name the folder of another data.mdb"
        )
    return _of_files(
        word,
        path,
        len(database),
        lambda index: database.key(index).decode(errors="replace"),
        database.value,
    )


def _of_files(word, path, num_images, name, fetch):
    """A source of encoded images inside the file `path`; `name` and `fetch` give an image's name
    and bytes by its index.
    """

    def read(index):
        encoded = tf.numpy_function(fetch, [index], tf.string, stateful=False)
        return _decode(tf.ensure_shape(encoded, ()))

    def contents(index):
        return f"{word}:{name(index)}", functools.partial(fetch, index)

    return Source(word, num_images, _identity_of_files(path), read, contents=contents)


def _array(word, path):
    expected = "one uint8 array (n, height, width, 3)"
    cure = "save the images as uint8 RGB, channels last: numpy.save(file, images)"
    try:
        content = np.load(
            path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False
        )
        if not isinstance(content, np.ndarray):
            names = content.files
            name = "images" if "images" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise UserError(f"{word} holds {names}", f"{expected}, alone or named images", cure)
            files.check_unpacked_sizes(word, content.zip)
            content = content[name]
    except files.UNREADABLE as error:
        raise UserError(f"{word} cannot be read ({error})", expected, cure) from error
    if content.dtype != np.uint8 or content.ndim != 4 or content.shape[-1] != 3 or not len(content):
        raise UserError(f"{word} holds {content.dtype} of shape {content.shape}", expected, cure)
    return _of_array(word, content, _identity_of_files(path))


def _of_array(word, images, identity, **known):
    shape = images.shape[1:]
    return Source(
        word, len(images), identity, _indexed(lambda i: images[i], shape), shape=shape[:2], **known
    )


def _prepared(word, path):
    expected, cure = (
        "the folder that tf-ttur prepare wrote, whole",
        "prepare the data again, into another folder",
    )
    try:
        record = json.loads((path / PREPARED_RECORD).read_text())
        if "num_lines" in record:
            raise ValueError("it is of lines, for config.data.dir")
        images = np.load(path / PREPARED_IMAGES, mmap_mode="r", allow_pickle=False)
        size, preparation = record["size"], {key: record[key] for key in ("size", "crop", "resize")}
        identity = _identity(record["images_digest"], record["source_identity"], preparation)
        wanted = np.dtype(np.uint8), (record["num_images"], size, size, 3)
    except (*files.UNREADABLE, KeyError) as error:
        raise UserError(
            f"{word} cannot be read ({type(error).__name__}: {error})", expected, cure
        ) from error
    if (images.dtype, images.shape) != wanted:
        raise UserError(
            f"{word} holds {images.dtype} of shape {images.shape}",
            f"{expected}: {wanted[0]} of shape {wanted[1]}",
            cure,
        )
    return _of_array(word, images, identity, preparation=preparation)


def _cifar10(word, path, trust_pickle):
    images = archives.cifar10(path, trust_pickle)
    return _of_array(
        word,
        images,
        _identity_of_files(*(sorted(path.glob("data_batch_*")) if path.is_dir() else [path])),
    )


def _digits(word):
    fields = re.fullmatch(r"digits:0*([1-9][0-9]{0,8})(?::([0-9]{1,9}))?", word)
    if not fields:
        raise UserError(
            f"{word}",
            "digits:N or digits:N:SEED with whole numbers of up to 9 digits, N above 0",
            "for example digits:8192",
        )
    count, seed = int(fields[1]), int(fields[2] or 0)
    read = _indexed(lambda i: digits.draw(i, seed), (digits.SIZE, digits.SIZE, 3))
    return Source(
        word, count, _identity(word, digits.VERSION), read, shape=(digits.SIZE, digits.SIZE)
    )


def _generator(word, count, seed, quantisation, trust):
    exported = Exported(word, trust)
    if exported.makes != "images":
        raise UserError(
            f"{word} generates {exported.makes}",
            "a generator of images",
            "tf-ttur sample writes its lines",
        )
    exported.check_blocks()
    identity = _identity(
        str(pathlib.Path(word).expanduser().resolve()),
        exported.fingerprint,
        count,
        seed,
        quantisation,
    )

    def stream():
        kind = tf.TensorSpec(
            (None, *exported.shape), tf.uint8 if quantisation == "round" else tf.float32
        )
        return tf.data.Dataset.from_generator(
            lambda: exported.blocks(count, seed, quantisation), output_signature=kind
        ).unbatch()

    return Source(
        word, count, identity, stream=stream, shape=exported.shape[:2], quantisation=quantisation
    )


def _indexed(draw, shape):
    """A Python function of an index as a graph operation."""

    def read(index):
        return tf.ensure_shape(
            tf.numpy_function(lambda i: np.asarray(draw(i)), [index], tf.uint8, stateful=False),
            shape,
        )

    return read


def _tfds(word):
    name, _, split = word.removeprefix("tfds:").partition("/")
    expected, cure = (
        "tfds:NAME/SPLIT of a data set with images",
        "for example tfds:cifar10/train or tfds:svhn_cropped/train",
    )
    if not name or not split:
        raise UserError(word, expected, cure)
    import tensorflow_datasets as tfds  # slow to import, and not needed for files

    try:
        builder = tfds.builder(name, try_gcs=False)
        if not builder.is_prepared():
            console.STDERR.print(
                f"TFDS has no prepared {name}; downloading it to {builder.data_dir}", soft_wrap=True
            )
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError as error:
        raise UserError(f"TFDS has no data set {name}", expected, cure) from error
    except (
        Exception
    ) as error:  # TFDS and its downloader raise whatever the network and the host give them
        raise UserError(
            f"TFDS cannot prepare {name} ({type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''})",
            f"{name} prepared under {tfds.core.constants.DATA_DIR}, or an internet connection",
            "set TFDS_DATA_DIR to a folder that holds it, or name a folder, zip or array of the images instead",
        ) from error
    try:
        num_images = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{name} has no split {split}",
            f"one of {list(builder.info.splits)}, or slices and sums of them",
            cure,
        ) from error
    if "image" not in builder.info.features or builder.info.features["image"].shape[-1] != 3:
        raise UserError(
            f"{name} has the features {list(builder.info.features)}", "RGB images under image", cure
        )

    def stream():
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

    identity = _identity(name, str(builder.version), split, num_images)
    return Source(
        word,
        num_images,
        identity,
        stream=stream,
        shape=tuple(builder.info.features["image"].shape[:2]),
    )


def _decode(encoded):
    """One image of any channel count as uint8; JPEG by the accurate transform, which gives
    libjpeg's (and Pillow's) values.

    Refuses a decompression bomb by its header, before anything is decoded.
    """
    pixels = tf.reduce_prod(tf.cast(_size_in_header(encoded), tf.float64))
    with tf.control_dependencies(
        [tf.debugging.Assert(pixels <= MAX_PIXELS, [f"more than {MAX_PIXELS:,} pixels"])]
    ):
        encoded = tf.identity(encoded)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=0, expand_animations=False),
    )
    # TensorFlow would keep the upper half of 16-bit samples without a word. The depth of a PNG is
    # its byte 24.
    depth = tf.cond(
        tf.strings.length(encoded) > 24, lambda: tf.strings.substr(encoded, 24, 1), lambda: ""
    )
    deep = (tf.strings.substr(encoded, 0, 4) == PNG) & (depth == DEEP)
    rules = [
        tf.debugging.assert_equal(tf.shape(image)[-1], 3, "not an RGB image"),
        tf.debugging.assert_equal(deep, False, "16 bits a channel"),
    ]
    with tf.control_dependencies(rules):
        return tf.ensure_shape(image, (None, None, 3))


def _size_in_header(encoded):
    """The two sides in pixels that the header of a PNG, JPEG or WebP tells: int64 (2,). Raises what
    TensorFlow does for all else.
    """
    head = tf.cast(tf.io.decode_raw(encoded, tf.uint8, fixed_length=30), tf.int64)

    def number(position, count):
        """The little-endian number of so many bytes."""
        return tf.reduce_sum(
            head[position : position + count] * [256**power for power in range(count)]
        )

    def is_there(position, text):
        return number(position, 4) == int.from_bytes(text, "little")

    png = tf.stack(
        [
            tf.reduce_sum(head[position : position + 4] * [2**24, 2**16, 2**8, 1])
            for position in (16, 20)
        ]
    )
    lossy = tf.stack([number(26, 2), number(28, 2)]) % 2**14
    lossless = tf.stack([number(21, 4), number(21, 4) // 2**14]) % 2**14 + 1
    extended = tf.stack([number(24, 3), number(27, 3)]) + 1
    webp = tf.where(
        is_there(12, b"VP8X"), extended, tf.where(is_there(12, b"VP8L"), lossless, lossy)
    )
    return tf.cond(
        is_there(0, PNG) | is_there(0, b"RIFF") & is_there(8, b"WEBP"),
        lambda: tf.where(is_there(0, PNG), tf.where(is_there(12, b"IHDR"), png, MAX_PIXELS), webp),
        lambda: tf.cast(tf.image.extract_jpeg_shape(encoded)[:2], tf.int64),
    )


def is_deep(content):
    """Whether the bytes are a PNG with 16 bits a channel."""
    return content[:4] == PNG and content[24:25] == DEEP


def _identity(*parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _identity_of_files(*paths):
    parts = []
    for path in paths:
        stat = path.stat()
        parts += [str(path.resolve()), stat.st_size, stat.st_mtime_ns]
    return _identity(*parts)
