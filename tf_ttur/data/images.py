"""From raw images to batches: cropped, resized, scaled, in an order that is a pure function of
(seed, epoch).
"""

import functools
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import order, sources
from tf_ttur.data.cropping import Cropping
from tf_ttur.data.decoding import UnreadableImage, examine
from tf_ttur.data.sources import Source
from tf_ttur.errors import UserError
from tf_ttur.io import console

_GIB = 2**30
_READ_BATCH = 256  # images that are read at a time where the caller names no number
# Errors of TensorFlow that an image file may be the cause of.
_ABOUT_DATA = (
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.DataLossError,
    tf.errors.UnknownError,
)


class Images:
    """Prepared images of one source; they fulfil the protocol `data.Examples`.

    A set of at most `memory_gib` lives in memory as uint8. A larger one is read from its source for
    every batch, which needs a source with random access (all but TFDS and generators).

    Attributes:
      source: the `sources.Source`.
      num_images: how many.
      preparation: dict with the crop and the size, for provenance.
      skipped: names of the images that `leave_out_unreadable` left out.
    """

    def __init__(
        self, source: Source | str, size: int = 0, crop: str = "none", memory_gib: float = 4.0
    ) -> None:
        """Opens the source; nothing is read yet.

        Args:
          source: a `sources.Source`, or a word that names one.
          size: side of the square images in pixels; 0 leaves all images as they are, which must
            then be of one size.
          crop: as in `cropping.Cropping`. Of a prepared folder it says, like `size`, what must have
            been done; "none" takes whatever has been done.
          memory_gib: limit of what is kept in memory, in GiB of uint8.

        Raises:
          UserError: the source cannot be opened, its images are known to be of the wrong size, or
            it was prepared in another way.
        """
        self.source = open_raw(source) if isinstance(source, str) else source
        self.num_images = self.source.num_images
        self._cropping = Cropping(size, crop)
        self.preparation = self._cropping.record
        if self.source.preparation:
            self._cropping.check_prepared(self.source.word, self.source.preparation)
            self.preparation = self.source.preparation
            self._cropping = Cropping(size, "none")
        self._memory_bytes = memory_gib * _GIB
        self._loaded: tf.Tensor | None = None
        self.skipped: list[str] = []
        self._cropping.check_size(self.source.word, *self.source.shape)

    @property
    def word(self) -> str:
        """The name of the source."""
        return self.source.word

    @property
    def num_examples(self) -> int:
        """`num_images`: the name that all kinds of examples share."""
        return self.num_images

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """(): images have no symbols."""
        return ()

    @property
    def identity(self) -> str:
        """A string that changes with the images or their preparation."""
        return hashlib.sha256(
            json.dumps([self.source.identity, self.preparation]).encode()
        ).hexdigest()

    @functools.cached_property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of all images; of the first where neither size nor source tells."""
        if self._size:
            return self._size, self._size, 3
        height, width = self.source.shape
        if height is None or width is None:
            height, width = next(self.in_order(1)).shape[1:3]
        return height, width, 3

    @property
    def _size(self) -> int:
        return self._cropping.size

    def in_order(
        self, batch_size: int, first: int = 0, count: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yields every image once, in the order of the source: uint8 (n, height, width, 3), the
        last n may be smaller.

        Args:
          batch_size: n.
          first: images that are left out at the start.
          count: images that are taken then; None takes all.

        Raises:
          UserError: naming an image that cannot be used.
        """
        end = self.num_images if count is None else min(first + count, self.num_images)
        dataset = self.source.in_order(first, end - first).map(
            self._cropping.apply, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        # The tuner sleeps between its looks, each time twice as long, and an iterator that ends
        # waits until it wakes: a pass took up to twice its time.
        options = tf.data.Options()
        options.autotune.enabled = False
        dataset = dataset.batch(batch_size).prefetch(2).with_options(options)
        shape = None
        try:
            for batch in dataset.as_numpy_iterator():
                shape = shape or batch.shape[1:]
                # Where sizes change between two batches; within one TensorFlow fails.
                if batch.shape[1:] != shape:
                    raise self._other_size(first, batch.shape[1:], shape)
                yield batch
                first += len(batch)
        except tf.errors.OpError as error:
            self.explain(error, range(first, min(first + batch_size, end)))
            raise

    def _other_size(
        self, index: int, shape: tuple[int, ...], shape_before: tuple[int, ...]
    ) -> UserError:
        if self.source.contents:
            name = self.source.contents(index)[0]
        else:
            name = f"image {index} of {self.word}"
        return UserError(
            f"{name} has {shape[1]}x{shape[0]} pixels, "
            f"those before it {shape_before[1]}x{shape_before[0]}",
            "images of one size",
            "resize them beforehand",
        )

    def readable(self, batch_size: int, first: int = 0) -> Iterator["np.ndarray | UnreadableImage"]:
        """As `in_order`, but an image that cannot be read does not end it: in its place comes its
        `UnreadableImage`.
        """
        while first < self.num_images:
            try:
                for batch in self.in_order(batch_size, first):
                    yield batch
                    first += len(batch)
                return
            except UnreadableImage as error:
                unreadable = error
            if first < unreadable.index:
                yield from self.in_order(batch_size, first, unreadable.index - first)
            yield unreadable
            first = unreadable.index + 1

    def leave_out_unreadable(self) -> None:
        """Reads every image once, and leaves out those that cannot be read; `skipped` and messages
        on stderr name them.

        Raises:
          UserError: no image can be read.
        """
        unreadable = {}
        done = 0
        what = f"looking for images in {self.word} that cannot be read"
        with console.Status(what, 0, self.num_images) as status:
            for batch in self.readable(_READ_BATCH):
                if isinstance(batch, UnreadableImage):
                    unreadable[batch.index] = batch.name
                    console.say(f"left out: {batch.found}")
                    done += 1
                else:
                    done += len(batch)
                status.show(done, {})
        if not unreadable:
            return
        console.say(f"{len(unreadable)} of {self.num_images} images are left out")
        if len(unreadable) == self.num_images:
            raise UserError(
                f"{self.word} has no image that can be read",
                "RGB images with 8 bits",
                "name another source",
            )
        kept = [index for index in range(self.num_images) if index not in unreadable]
        self.source = self.source.subset(kept)
        self.num_images = self.source.num_images
        self.skipped = list(unreadable.values())

    def drop_remainder(self, batch_size: int) -> None:
        """Leaves out the last images that do not fill a batch, as the official tool does. Raises
        `UserError` if none is left.
        """
        if self.num_images < batch_size:
            raise UserError(
                f"{self.word} has {self.num_images} images",
                f"a whole batch of {batch_size}",
                "name a smaller batch size",
            )
        self.num_images -= self.num_images % batch_size

    def batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> tf.data.Dataset:
        """A `tf.data.Dataset` of shuffled batches without end: float32 (batch_size, size, size, 3)
        in -1 ... 1.

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`, which says what a
            batch holds.
        """
        self.check_batches(batch_size * stride)
        image = self._random_access()
        indices = order.batch_indices(seed, first, stride, batch_size, self.num_images, wanted)
        if self._loaded is not None:
            dataset = indices.map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        else:
            dataset = (
                indices.unbatch()
                .map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
                .batch(batch_size, drop_remainder=True)
            )
        dataset = dataset.map(lambda images: scale(images, batch_size, self._size))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def encode(self, batch: tf.Tensor) -> tf.Tensor:
        """A batch as the discriminator takes it: unchanged."""
        return batch

    def check_batches(self, examples_per_update: int) -> None:
        """Makes sure, before any reading, that `batches` can give so many images for each update.

        Raises:
          UserError: there are fewer, or the source is too large for memory and can only be read in
            order.
        """
        if self.num_images < examples_per_update:
            raise UserError(
                f"{self.source.word} has {self.num_images} images",
                f"at least the {examples_per_update} of one update",
                "lower config.batch_size or name a larger data set",
            )
        if self.source.read is None and not self._fits:
            raise UserError(
                f"{self.source.word} takes {self._num_bytes / _GIB:.1f} GiB, "
                "and can only be read in order",
                f"at most config.data.memory_gib = {self._memory_bytes / _GIB:g}",
                "raise that value, or prepare the images once with tf-ttur prepare",
            )

    @property
    def _num_bytes(self) -> int:
        return self.num_images * self._size**2 * 3

    @property
    def _fits(self) -> bool:
        return self._num_bytes <= self._memory_bytes

    def _random_access(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Loads the images if they fit.

        Returns:
          Function from an index to its uint8 image; of loaded images also from indices to images.
        """
        read = self.source.read
        if read is not None and not self._fits:
            return lambda index: self._cropping.apply(read(index))
        if self._loaded is None:
            with tf.device("CPU:0"):  # where tf.data works
                self._loaded = tf.constant(self._load())
        return lambda indices: tf.gather(self._loaded, indices)

    def _load(self) -> np.ndarray:
        images = np.empty((self.num_images, self._size, self._size, 3), np.uint8)
        position = 0
        batches = self.in_order(_READ_BATCH)
        for batch in console.track(batches, f"reading {self.source.word}", self.num_images):
            images[position : position + len(batch)] = batch[: self.num_images - position]
            position += len(batch)
        if position != self.num_images:
            raise UserError(
                f"{self.source.word} gave {position} images",
                f"the {self.num_images} that it says it has",
                "prepare it again",
            )
        return images

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Looks for the image behind an error met while reading.

        Args:
          error: what TensorFlow raised.
          indices: of the images that were being read.

        Raises:
          UserError: naming the first of them that cannot be used. If there is none, the error has
            another cause, and this returns.
        """
        contents = self.source.contents
        read = self.source.read
        if not isinstance(error, _ABOUT_DATA) or self._loaded is not None:
            return
        if contents is None or read is None:
            return
        name_before = None
        for index in indices:
            name, read_bytes = contents(index)
            width, height = examine(name, index, read_bytes, read)
            self._cropping.check_size(name, height, width)
            if name_before is None:
                name_before = name
                size_before = (width, height)
            if not self._size and (width, height) != size_before:
                raise UserError(
                    f"{name} has {width}x{height} pixels, "
                    f"{name_before} has {size_before[0]}x{size_before[1]}",
                    "images of one size",
                    "resize them beforehand",
                ) from error


def open_raw(word: str | pathlib.Path, trust_pickle: bool = False) -> Source:
    """The source of raw images that a word names; arguments as of `sources.open_source`.

    Raises:
      UserError: there is no such thing, or its images are prepared already (`config:CARD`).
    """
    opened = sources.open_source(word, trust_pickle=trust_pickle)
    if isinstance(opened, Images):
        raise UserError(
            f"{word} names images that are already cropped and resized",
            "a source of raw images",
            f"name the source of that card, {opened.word}",
        )
    return opened


def scale(images: tf.Tensor, batch_size: int, size: int) -> tf.Tensor:
    """uint8 0 ... 255 to float32 -1 ... 1, with the static shape that the networks need."""
    return tf.ensure_shape(tf.cast(images, tf.float32) / 127.5 - 1.0, (batch_size, size, size, 3))


def open_images(
    word: str,
    count: int = 50_000,
    seed: int = 0,
    quantisation: str = "round",
    skip_unreadable: bool = False,
    whole_batches: int = 0,
    trust: bool = False,
) -> Images:
    """The images that a word names: the one function behind every SOURCE.

    Args:
      word: see `sources.SOURCES`.
      count, seed, quantisation: of an exported generator.
      skip_unreadable: leaves out images that cannot be read, which takes a pass over all of them.
      whole_batches: a batch size; the last images that do not fill one are left out. 0 leaves none
        out.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.

    Raises:
      UserError: there is no such thing, or it cannot be used.
    """
    opened = sources.open_source(word, count, seed, quantisation, trust=trust)
    images = opened if isinstance(opened, Images) else Images(opened)
    if skip_unreadable:
        images.leave_out_unreadable()
    if whole_batches:
        images.drop_remainder(whole_batches)
    return images


def open_for_training(data: Any) -> Images:
    """The images that `config.data` names. Raises `UserError` if there are none."""
    return Images(data.source, data.image_size, data.crop, data.memory_gib)
