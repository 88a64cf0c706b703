"""What every kind of source becomes: a `Source`. This file imports no TensorFlow by itself."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

# The files of a prepared folder.
PREPARED_IMAGES = "images.npy"
PREPARED_RECORD = "prepared.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """What a command line may say about a source besides its word.

    Attributes:
      count: images that an exported generator makes.
      seed: of an exported generator.
      quantisation: of an exported generator, as in `quantisation.quantise`.
      trust_pickle: whether CIFAR-10 may be read from its version for Python, as in
        `published_archives.cifar10`.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.
    """

    count: int = 50_000
    seed: int = 0
    quantisation: str = "round"
    trust_pickle: bool = False
    trust: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """Raw images.

    Attributes:
      word: the name that the user gave.
      num_images: how many there are.
      identity: a string that changes when the images do (for files: with their names, sizes and
        times, not with their content).
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
    read: "Callable[[tf.Tensor], tf.Tensor] | None" = None
    stream: "Callable[[], tf.data.Dataset] | None" = None
    shape: tuple[int | None, int | None] = (None, None)
    contents: Callable[[int], tuple[str, Callable[[], bytes]]] | None = None
    preparation: dict[str, Any] | None = None
    quantisation: str = "uint8"
    formats: list[str] = dataclasses.field(default_factory=list)

    def in_order(self, first: int = 0, count: int | None = None) -> "tf.data.Dataset":
        """A `tf.data.Dataset` of `count` images from `first` on, or of all from there."""
        import tensorflow as tf  # slow to import, and not needed to say what sources there are

        if self.read is None:
            assert self.stream is not None
            return self.stream().skip(first).take(-1 if count is None else count)
        end = self.num_images if count is None else min(first + count, self.num_images)
        return tf.data.Dataset.range(first, end).map(
            self.read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def subset(self, indices: Sequence[int]) -> "Source":
        """A `Source` of the images with these indices, in their order; needs random access."""
        import tensorflow as tf  # as in `in_order`

        read = self.read
        contents = self.contents
        assert read is not None
        kept = tf.constant(indices, tf.int64)
        chosen = hashlib.sha256(np.asarray(indices, np.int64).tobytes()).hexdigest()
        return dataclasses.replace(
            self,
            num_images=len(indices),
            identity=identity_of(self.identity, chosen),
            read=lambda index: read(kept[index]),
            contents=contents and (lambda index: contents(int(indices[index]))),
        )


def identity_of(*values: Any) -> str:
    """A string that changes with these values, which JSON can hold."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def identity_of_files(*paths: pathlib.Path) -> str:
    """A string that changes with the places, sizes or times of these files."""
    values: list[str | int] = []
    for path in paths:
        status = path.stat()
        values += [str(path.resolve()), status.st_size, status.st_mtime_ns]
    return identity_of(*values)
