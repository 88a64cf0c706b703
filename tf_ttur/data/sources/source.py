"""The class `Source`, to which every kind of SOURCE is opened.

Importing this file does not import TensorFlow.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_ttur.io import console

if TYPE_CHECKING:
    import tensorflow as tf

    from tf_ttur.data.decoding import Decoder

# The word of examples that a Python program has passed, as a config stores it.
GIVEN = "given:examples"
# The files of a prepared folder.
PREPARED_IMAGES = "images.npy"
PREPARED_RECORD = "prepared.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """The flags of a command line that change how a source is opened.

    Attributes:
      count: number of images that an exported generator generates.
      seed: of an exported generator.
      quantisation: of an exported generator, as in `quantisation.quantise`.
      trust_pickle: whether CIFAR-10 may be read from its Python version, as in
        `published_archives.cifar10`.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.
      background, depth: of image files, as in `pillow.conversion`.
      value_range: what the values of an array mean, of `ranges.RANGES`; None as of -1 ... 1.
      is_measured: whether the caller knows `value_range`, which advice may then name.
    """

    count: int = 50_000
    seed: int = 0
    quantisation: str = "round"
    trust_pickle: bool = False
    trust: bool = False
    background: str = ""
    depth: int = 0
    value_range: tuple[float, float] | None = None
    is_measured: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """Raw images.

    Attributes:
      word: the name that the user gave.
      num_images: the number of images.
      identity: a string that changes when the images do. For files it depends on names, sizes and
        times, not on the content.
      read: function of a scalar int64 index tensor that returns one uint8 (height, width, 3) image,
        for use in `tf.data`; None if the images can only be read in order.
      stream: function without arguments that returns a `tf.data.Dataset` of all images; None if
        there is a `read`.
      shape: (height, width) if all images are known to have this size, otherwise (None, None).
      contents: function of an index that returns (name of the image's file, function that reads its
        bytes); None if the images are not files.
      preparation: dict with the crop and the size that a prepared folder was made with; None for
        all other sources.
      quantisation: "uint8", or how a generator's output was converted to 0 ... 255.
      formats: list of the suffixes of the image files, such as [".jpg"]; empty if the images are
        not files.
      converted: what all images were before they were converted to RGB: "grey", or "".
      decoder: of image files; None if the images are not files.
      left_out: {ending: number of files} that are no images by their endings.
      num_subfolders: the number of folders within the source that hold images.
      keeps_order: whether a training takes the images in the order of `stream`, again and again,
        instead of shuffling them.
      fingerprint: digest of the content, where opening the source has read all of it; otherwise "".
      value_range: of an array of floats, before it was rounded; None for all other sources.
    """

    word: str
    num_images: int
    identity: str
    read: "Callable[[tf.Tensor], tf.Tensor] | None" = None
    stream: "Callable[[], tf.data.Dataset] | None" = None
    shape: tuple[int | None, int | None] = (None, None)
    contents: Callable[[int], tuple[str, Callable[[], bytes]]] | None = None
    preparation: dict[str, Any] | None = None
    quantisation: str = "uint8"
    formats: list[str] = dataclasses.field(default_factory=list)
    converted: str = ""
    decoder: "Decoder | None" = None
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)
    num_subfolders: int = 0
    keeps_order: bool = False
    fingerprint: str = ""
    value_range: tuple[float, float] | None = None

    def in_order(self, first: int = 0, count: int | None = None) -> "tf.data.Dataset":
        """A `tf.data.Dataset` of images in the order of the source.

        Args:
          first: index of the first image.
          count: number of images; None takes all from `first` on.
        """
        import tensorflow as tf  # slow to import, and not needed to list the kinds of sources

        if self.read is None:
            assert self.stream is not None
            return self.stream().skip(first).take(-1 if count is None else count)
        end = self.num_images if count is None else min(first + count, self.num_images)
        return tf.data.Dataset.range(first, end).map(
            self.read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def subset(self, indices: Sequence[int]) -> "Source":
        """The `Source` of the images with these indices, which must ascend."""
        import tensorflow as tf  # as in `in_order`

        read = self.read
        contents = self.contents
        chosen = hashlib.sha256(np.asarray(indices, np.int64).tobytes()).hexdigest()
        subset = dataclasses.replace(
            self,
            num_images=len(indices),
            identity=identity_of(self.identity, chosen),
            fingerprint=self.fingerprint and identity_of(self.fingerprint, chosen),
            contents=contents and (lambda index: contents(int(indices[index]))),
            decoder=self.decoder and self.decoder.subset(indices),
        )
        if read is None:
            return dataclasses.replace(subset, stream=lambda: self._stream_of(indices))
        kept = tf.constant(indices, tf.int64)

        def read_kept(index: "tf.Tensor") -> "tf.Tensor":
            return read(kept[index])

        return dataclasses.replace(subset, read=read_kept)

    def _stream_of(self, indices: Sequence[int]) -> "tf.data.Dataset":
        """The images with these indices, of a source that can only be read in order."""
        import tensorflow as tf  # as in `in_order`

        assert self.stream is not None
        mask = np.zeros(self.num_images, bool)
        mask[indices] = True
        is_kept = tf.constant(mask)

        def keeps(index: "tf.Tensor", image: "tf.Tensor") -> "tf.Tensor":
            return is_kept[index]

        def image_of(index: "tf.Tensor", image: "tf.Tensor") -> "tf.Tensor":
            return image

        numbered = self.stream().take(self.num_images).enumerate()
        return numbered.filter(keeps).map(image_of).take(len(indices))


def identity_of(*values: Any) -> str:
    """A string that changes with these values, which must be serialisable as JSON."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def identity_of_files(*paths: pathlib.Path) -> str:
    """A string that changes with the paths, sizes or modification times of these files."""
    values: list[str | int] = []
    for path in paths:
        status = path.stat()
        values += [str(path.resolve()), status.st_size, status.st_mtime_ns]
    return identity_of(*values)


@functools.cache
def say_once(text: str) -> None:
    """Says a message once per process, however often a source is opened."""
    console.say(text)
