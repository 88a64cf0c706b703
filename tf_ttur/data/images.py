"""From raw images to shuffled batches: images are cropped, resized and scaled.

The order is a pure function of (seed, epoch).
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import order, pillow, sources
from tf_ttur.data.channels import AS_RGB
from tf_ttur.data.cropping import Cropping
from tf_ttur.data.decoding import Decoder, UnreadableImage, examine
from tf_ttur.data.resizing import Resizing, cure_of_sizes, find_resizing
from tf_ttur.data.sources import Source, data_sets
from tf_ttur.data.sources.source import say_once
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.wording import counted

_GIB = 2**30
_FINGERPRINTED = 64  # images of which the fingerprint is the digest
_READ_BATCH = 256  # images read at a time, unless the caller gives a number
# {key of `Images.counts`: how these images are called, and what is said about them}
_CONVERTED = {
    "grey": ("grey image", "; the one channel is used as R, G and B"),
    "opaque_alpha": ("image", " whose alpha is 255 everywhere; it is dropped"),
}
# Errors of TensorFlow that an image file may have caused.
_ABOUT_DATA = (
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.DataLossError,
    tf.errors.UnknownError,
)


class Images:
    """Prepared images of one source; they fulfil the protocol `data.Examples`.

    A set of at most `memory_gib` lives in memory as uint8. A larger one is read from its source for
    every batch, which needs a source with random access (all but TFDS and generators). A source
    that keeps its order (`Source.keeps_order`) is always read, and never shuffled.

    Attributes:
      source: the `sources.Source`.
      num_images: the number of images.
      preparation: dict with the crop and the size, for provenance.
      resizing: what `resize` did after that; None for nothing.
      skipped: names of the images that `leave_out_unreadable` left out.
      selection: what `take_first` or `take_random` took, for provenance; "" for all images.
    """

    def __init__(
        self,
        source: Source | str,
        size: int = 0,
        crop: str = "none",
        memory_gib: float = 4.0,
        jpeg_quality: int = 0,
        channels: int = 3,
        flip: bool = False,
    ) -> None:
        """Opens the source; nothing is read yet.

        Args:
          source: a `sources.Source`, or a word that names one.
          size: side of the square images in pixels; 0 leaves all images unchanged, and then all
            must have the same size.
          crop: as in `cropping.Cropping`. For a prepared folder, crop and size must be those that
            it was prepared with; the crop "none" accepts any.
          memory_gib: the largest set that is kept in memory, in GiB of uint8.
          jpeg_quality: as in `cropping.Cropping`. For a prepared folder, 0 accepts any if the crop
            is "none".
          channels: of the batches, 3 for RGB or 1 for grey. Other methods give RGB in any case.
          flip: whether `batches` mirrors each image with probability 1/2 (`order.coins`).

        Raises:
          UserError: the source cannot be opened, its images are known to have the wrong size, or it
            was prepared with another crop, size or JPEG quality.
        """
        self.source = open_raw(source) if isinstance(source, str) else source
        self.num_images = self.source.num_images
        self._cropping = Cropping(size, crop, jpeg_quality, channels)
        self.preparation = self._cropping.record
        if self.source.preparation:
            self._cropping.check_prepared(self.source.word, self.source.preparation)
            self._cropping = Cropping(size, "none", channels=channels)
            self.preparation = self.source.preparation
            if channels == 1:
                self.preparation = self.preparation | {"channels": AS_RGB}
        elif self.source.decoder:
            self.preparation = self.preparation | self.source.decoder.conversion.record
        self._flip = flip
        self._memory_bytes = memory_gib * _GIB
        self._loaded: tf.Tensor | None = None
        self.skipped: list[str] = []
        self.selection = ""
        self.resizing: Resizing | None = None
        self._resizings: list[Resizing] = []
        self._said: dict[str, int] = {}
        self._cropping.check_size(self.source.word, *self.source.shape)
        if self.source.converted:
            self._say_counts()

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
    def notes(self) -> list[str]:
        """What to know about where the images come from, in words."""
        notes = []
        if self.source.num_subfolders:
            notes.append(f"{counted(self.source.num_subfolders, 'subfolder')} merged")
        left_out = sum(self.source.left_out.values()) + len(self.skipped)
        if left_out:
            notes.append(f"{counted(left_out, 'file')} left out")
        return notes

    @property
    def identity(self) -> str:
        """A string that changes with the images or their preparation."""
        values: list[Any] = [self.source.identity, self.preparation]
        values += [dataclasses.asdict(resizing) for resizing in self._resizings]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()

    @functools.cached_property
    def fingerprints(self) -> dict[str, str]:
        """Digests of the prepared images in their order.

        "fingerprint" is that of up to 64 images, spread over the set. If the set is kept in memory,
        which loads it, "digest" is that of all. Only for images of one known size. A source that
        has a fingerprint of its own gives that one.

        Raises:
          UserError: an image cannot be used; the message names it.
        """
        if self.source.fingerprint:
            of_content = [self.source.fingerprint, self.preparation]
            return {"fingerprint": sources.identity_of(*of_content)}
        image = self._random_access()
        last = self.num_images - 1
        chosen = np.unique(np.linspace(0, last, _FINGERPRINTED).round().astype(np.int64))
        sample = hashlib.sha256(str(self.num_images).encode())
        for index in chosen.tolist():
            try:
                with tf.device("CPU:0"):
                    sample.update(image(tf.constant(index, tf.int64)).numpy())
            except tf.errors.OpError as error:
                self.explain(error, [index])
                raise
        digests = {"fingerprint": sample.hexdigest()}
        if self._loaded is not None:
            of_all = hashlib.sha256()
            for first in range(0, self.num_images, _READ_BATCH):
                of_all.update(self._loaded[first : first + _READ_BATCH].numpy())
            digests["digest"] = of_all.hexdigest()
        return digests

    @functools.cached_property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of all images. If size and source do not say, the first is read."""
        if self._size:
            return self._size, self._size, 3
        height, width = self.source.shape
        if height is None or width is None:
            height, width = next(self._in_order(1, count=1)).shape[1:3]
        return height, width, 3

    @property
    def _size(self) -> int:
        return self._resizings[-1].size if self._resizings else self._cropping.size

    def _prepare(self, image: tf.Tensor) -> tf.Tensor:
        """Crops and resizes one image of the source."""
        image = self._cropping.apply(image)
        for resizing in self._resizings:
            image = _resized(image, resizing)
        return image

    def _prepare_for_networks(self, image: tf.Tensor) -> tf.Tensor:
        """As `_prepare`, with the channels that the networks take."""
        return self._prepare(image)[..., : self._channels]

    @property
    def _channels(self) -> int:
        return self._cropping.channels

    def in_order(
        self, batch_size: int, first: int = 0, count: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yields every image once, in the order of the source.

        Args:
          batch_size: images per batch.
          first: number of images to skip at the start.
          count: number of images to read after that; None reads all.

        Yields:
          uint8 (n, height, width, 3); n is batch_size, or less for the last batch.

        Raises:
          UserError: an image cannot be used; the message names it.
        """
        yield from self._in_order(batch_size, first, count)
        self._say_counts()

    def _in_order(
        self, batch_size: int, first: int = 0, count: int | None = None
    ) -> Iterator[np.ndarray]:
        end = self.num_images if count is None else min(first + count, self.num_images)
        dataset = self.source.in_order(first, end - first).map(
            self._prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        options = strict_options()
        # The autotuner sleeps between its checks, twice as long each time, and an iterator that
        # ends waits until it wakes up. With it, a pass took up to twice the time.
        options.autotune.enabled = False
        dataset = dataset.batch(batch_size).prefetch(2).with_options(options)
        shape = None
        try:
            for batch in dataset.as_numpy_iterator():
                shape = shape or batch.shape[1:]
                # The size changes between two batches; within a batch TensorFlow would fail.
                if batch.shape[1:] != shape:
                    raise self._other_size(first, batch.shape[1:], shape)
                yield batch
                first += len(batch)
        except tf.errors.OpError as error:
            self.explain(error, range(first, min(first + batch_size, end)))
            raise

    def counts(self, first: int = 0, end: int | None = None) -> dict[str, int]:
        """How many images were converted to RGB, of those that this process has read so far.

        Args:
          first, end: counts images from `first` on, and before `end`; None counts all.

        Returns:
          dict with "grey" and "opaque_alpha", without those that are 0; see `pillow.Picture`.
        """
        end = self.num_images if end is None else end
        if self.source.converted:
            return {self.source.converted: end - first}
        return self.source.decoder.counts(range(first, end)) if self.source.decoder else {}

    def _say_counts(self) -> None:
        """Says how many images were converted to RGB, if it has not been said.

        For networks of one channel grey images stay grey.
        """
        counts = self.counts()
        if self._channels == 1:
            counts.pop("grey", None)
        for name, (noun, fate) in _CONVERTED.items():
            if counts.get(name, 0) > self._said.get(name, 0):
                say_once(f"{self.word}: {counted(counts[name], noun)}{fate}")
        self._said = counts

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
            cure_of_sizes(min(*shape[:2], *shape_before[:2])),
        )

    def readable(self, batch_size: int, first: int = 0) -> Iterator["np.ndarray | UnreadableImage"]:
        """As `in_order`, but continues after an image that cannot be read.

        Yields:
          Batches as `in_order` does, and an `UnreadableImage` for each image that cannot be read.
        """
        while first < self.num_images:
            try:
                for batch in self._in_order(batch_size, first):
                    yield batch
                    first += len(batch)
                break
            except UnreadableImage as error:
                unreadable = error
            if first < unreadable.index:
                yield from self._in_order(batch_size, first, unreadable.index - first)
            yield unreadable
            first = unreadable.index + 1
        self._say_counts()

    def leave_out_unreadable(self) -> None:
        """Reads every image once, and leaves out those that cannot be read.

        `skipped` and messages on stderr name them.

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
                status.show(done)
        if not unreadable:
            return
        console.say(f"left out {len(unreadable)} of {counted(self.num_images, 'image')}")
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

    def take_first(self, count: int) -> None:
        """Leaves out all images but the first `count`. Raises `UserError` if there are fewer."""
        self._check_enough(count)
        if count < self.num_images:
            self._take(range(count), f"the first {count} of {self.num_images}")

    def take_random(self, count: int, seed: int) -> None:
        """Leaves out all images but `count` random ones, which stay in their order.

        Args:
          count: number of images, drawn without replacement.
          seed: decides, together with `count` and the number of images, which ones.

        Raises:
          UserError: there are fewer.
        """
        self._check_enough(count)
        if count < self.num_images:
            drawn = np.random.default_rng(seed).choice(self.num_images, count, replace=False)
            what = f"{count} of {self.num_images}, drawn with seed {seed}"
            self._take(sorted(drawn.tolist()), what)

    def _check_enough(self, count: int) -> None:
        if count > self.num_images:
            raise UserError(
                f"{self.word} has {counted(self.num_images, 'image')}",
                f"at least {count}, so that each side has as many",
                "ask for fewer, or measure against statistics of all of them (tf-ttur stats)",
            )

    def _take(self, indices: Sequence[int], what: str) -> None:
        self.source = self.source.subset(indices)
        self.num_images = self.source.num_images
        self.selection = what

    def resize(self, resizing: Resizing) -> None:
        """Brings all images to one size, before anything is read. The last call counts last.

        Args:
          resizing: what to do. Only one in whole numbers is recorded, as `resizing`; one in floats
            is part of the way into a network, and belongs to its protocol.
        """
        self._resizings.append(resizing)
        if not resizing.in_floats:
            self.resizing = resizing
        self.__dict__.pop("shape", None)  # of the images so far

    def drop_remainder(self, batch_size: int) -> None:
        """Leaves out the last images that do not fill a batch, as the official tool does.

        Raises:
          UserError: no image is left.
        """
        if self.num_images < batch_size:
            raise UserError(
                f"{self.word} has {counted(self.num_images, 'image')}",
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
        """An endless `tf.data.Dataset` of shuffled batches.

        Each batch is float32 (batch_size, size, size, channels) in -1 ... 1.

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`, which says what a
            batch holds.

        Raises:
          UserError: as in `check_batches`, or an image cannot be used.
        """
        self.check_batches(batch_size * stride)
        if self.source.keeps_order:
            dataset = self._batches_as_given(first, batch_size, wanted)
        else:
            dataset = self._shuffled_batches(seed, first, stride, batch_size, wanted)
        if self._flip:
            numbers = order.batch_numbers(first, wanted)
            dataset = tf.data.Dataset.zip(dataset, numbers).map(
                lambda images, number: _mirrored(
                    images, order.coins(seed, number, stride, batch_size)
                )
            )
        shape = (batch_size, self._size, self._size, self._channels)
        return dataset.map(lambda images: scale(images, shape)).prefetch(tf.data.AUTOTUNE)

    def all_in_memory(self, max_bytes: int) -> tf.Tensor | None:
        """All images, uint8 (num_images, size, size, channels), for `batch_of`.

        Args:
          max_bytes: how many they may take.

        Returns:
          None if they take more, or can only be read in their order.
        """
        if self.source.keeps_order or not self._fits or self._num_bytes > max_bytes:
            return None
        self._random_access()
        return self._loaded

    def batch_of(
        self, images: tf.Variable, seed: np.ndarray, number: tf.Tensor, stride: int, batch_size: int
    ) -> tf.Tensor:
        """One of `batches`, computed on the device on which `images` are.

        Args:
          images: all of them, as `all_in_memory` gives them. A variable, because TensorFlow gathers
            uint8 from variables on a GPU, but not from tensors.
          seed, stride, batch_size: as in `batches`.
          number: scalar int64, of the batch.
        """
        with tf.device("CPU:0"):  # where TensorFlow shuffles
            indices = order.indices_of_batch(seed, number, stride, batch_size, self.num_images)
        batch = tf.raw_ops.ResourceGather(resource=images.handle, indices=indices, dtype=tf.uint8)
        if self._flip:
            batch = _mirrored(batch, order.coins(seed, number, stride, batch_size))
        return scale(batch, (batch_size, self._size, self._size, self._channels))

    def _shuffled_batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: Callable[[tf.Tensor], tf.Tensor] | None,
    ) -> tf.data.Dataset:
        """The batches as uint8."""
        image = self._random_access()
        indices = order.batch_indices(seed, first, stride, batch_size, self.num_images, wanted)
        if self._loaded is not None:
            return indices.map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return (
            indices.unbatch()
            .map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .batch(batch_size, drop_remainder=True)
        )

    def indices(
        self, seed: np.ndarray, first: int, stride: int, batch_size: int
    ) -> tf.data.Dataset:
        """The indices of the images in `batches`."""
        if self.source.keeps_order:
            return order.indices_as_given(first, batch_size, self.num_images)
        return order.batch_indices(seed, first, stride, batch_size, self.num_images)

    def _batches_as_given(
        self, first: int, batch_size: int, wanted: Callable[[tf.Tensor], tf.Tensor] | None
    ) -> tf.data.Dataset:
        """The batches as uint8, in the order of the source; see `order.indices_as_given`."""
        assert self.source.stream is not None
        images = self.source.stream().repeat()
        images = images.skip(self._position(first * batch_size))
        images = images.map(
            self._prepare_for_networks, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        numbered = images.batch(batch_size, drop_remainder=True).enumerate(first)
        if wanted is not None:
            numbered = numbered.filter(lambda number, _: wanted(number))
        return numbered.map(lambda _, images: images)

    def _position(self, number: int) -> int:
        """Where, in repeated passes over an ordered source, image `number` can be found.

        That is `number`, or its position in the first pass if the second pass begins as the first
        one does: then a resume need not skip all images that the training has seen.
        """
        if number < self.num_images:
            return number
        assert self.source.stream is not None
        console.say(f"skipping the images of {self.word} that this run has seen")
        passes = self.source.stream().repeat()
        start = data_sets.digest_of_start(self.source.stream())
        second = data_sets.digest_of_start(passes.skip(self.num_images))
        return number % self.num_images if start == second else number

    def encode(self, batch: tf.Tensor) -> tf.Tensor:
        """A batch as the discriminator takes it: unchanged."""
        return batch

    def check_batches(self, examples_per_update: int) -> None:
        """Checks, before anything is read, that there are enough images for one update.

        Raises:
          UserError: there are fewer, or the source is too large for memory and can only be read in
            order.
        """
        if self.num_images < examples_per_update:
            raise UserError(
                f"{self.source.word} has {counted(self.num_images, 'image')}",
                f"at least the {examples_per_update} of one update",
                "lower config.batch_size or name a larger data set",
            )
        if self.source.read is None and not self._fits and not self.source.keeps_order:
            raise UserError(
                f"{self.source.word} takes {self._num_bytes / _GIB:.1f} GiB "
                "and can only be read in order",
                f"at most config.data.memory_gib = {self._memory_bytes / _GIB:g}",
                "raise that value, or prepare the images once with tf-ttur prepare",
            )

    @property
    def _num_bytes(self) -> int:
        return self.num_images * self._size**2 * self._channels

    @property
    def _fits(self) -> bool:
        return self._num_bytes <= self._memory_bytes

    def _random_access(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Loads the images if they fit.

        Returns:
          Function of an index that returns its uint8 image. For loaded images it also takes a
          tensor of indices.
        """
        read = self.source.read
        if read is not None and not self._fits:
            return lambda index: self._prepare_for_networks(read(index))
        if self._loaded is None:
            with tf.device("CPU:0"):  # where tf.data works
                self._loaded = tf.constant(self._load())
        return lambda indices: tf.gather(self._loaded, indices)

    def _load(self) -> np.ndarray:
        channels = self._channels
        images = np.empty((self.num_images, self._size, self._size, channels), np.uint8)
        position = 0
        batches = self.in_order(_READ_BATCH)
        for batch in console.track(batches, f"reading {self.source.word}", self.num_images):
            images[position : position + len(batch)] = batch[
                : self.num_images - position, ..., :channels
            ]
            position += len(batch)
        if position != self.num_images:
            raise UserError(
                f"{self.source.word} gave {counted(position, 'image')}",
                f"the {self.num_images} that it says it has",
                "prepare it again",
            )
        return images

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Looks for the image that caused an error while it was read.

        Args:
          error: what TensorFlow raised.
          indices: of the images that were being read.

        Raises:
          UserError: one of them cannot be used; the message names the first. Otherwise the error
            has another cause, and this returns.
        """
        contents = self.source.contents
        read = self.source.read
        if not isinstance(error, _ABOUT_DATA) or self._loaded is not None:
            return
        if self.source.keeps_order:
            data_sets.explain(self.word, error)
            return
        decoder = self.source.decoder or Decoder()
        if contents is None or read is None:
            if not self._size:
                self._explain_sizes(error, indices)
            return
        name_before = None
        for index in indices:
            name, read_bytes = contents(index)
            width, height = examine(name, index, read_bytes, read, decoder)
            self._cropping.check_size(name, height, width)
            if name_before is None:
                name_before = name
                size_before = (width, height)
            if not self._size and (width, height) != size_before:
                raise UserError(
                    f"{name} has {width}x{height} pixels, "
                    f"{name_before} has {size_before[0]}x{size_before[1]}",
                    "images of one size",
                    cure_of_sizes(min(width, height, *size_before)),
                ) from error

    def _explain_sizes(self, error: Exception, indices: Iterable[int]) -> None:
        """Raises `UserError` if images of a source without files, such as TFDS, differ in size."""
        ordered = sorted(indices)
        if not ordered:
            return
        shape = None
        images = self.source.in_order(ordered[0], len(ordered)).map(self._prepare)
        for index, image in zip(ordered, images.as_numpy_iterator(), strict=False):
            shape = shape or image.shape
            if image.shape != shape:
                raise self._other_size(index, image.shape, shape) from error


def open_raw(
    word: str | pathlib.Path, trust_pickle: bool = False, background: str = "", depth: int = 0
) -> Source:
    """The source of raw images that a word names.

    Args:
      word, trust_pickle, background, depth: as in `sources.open_source`.

    Raises:
      UserError: as in `sources.open_source`, or the images are already prepared (`config:CARD`).
    """
    opened = sources.open_source(
        word, trust_pickle=trust_pickle, background=background, depth=depth
    )
    if isinstance(opened, Images):
        raise UserError(
            f"{word} names images that are already cropped and resized",
            "a source of raw images",
            f"name the source of that card, {opened.word}",
        )
    return opened


def strict_options() -> tf.data.Options:
    """Options of a `tf.data` pipeline that refuses to batch images of different shapes.

    By default TensorFlow joins a `map` and the `batch` after it to one operation, which compares
    only the numbers of values: 64x40 pixels after 40x64 were scrambled without a word.
    """
    options = tf.data.Options()
    options.experimental_optimization.map_and_batch_fusion = False
    return options


def _resized(image: tf.Tensor, resizing: Resizing) -> tf.Tensor:
    """As `pillow.resized`, for use in `tf.data`, where it runs in several threads."""
    pixels = tf.numpy_function(
        lambda image: pillow.resized(image, resizing),
        [image],
        tf.float32 if resizing.in_floats else image.dtype,
        stateful=False,
    )
    return tf.ensure_shape(pixels, (resizing.size, resizing.size, 3))


def _mirrored(images: tf.Tensor, is_mirrored: tf.Tensor) -> tf.Tensor:
    """The (n, height, width, channels) images, left and right changed where bool (n,) is true."""
    chosen = tf.reshape(is_mirrored, (-1, 1, 1, 1))
    return tf.where(chosen, tf.reverse(images, [2]), images)


def scale(images: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Scales images from 0 ... 255 to -1 ... 1.

    Args:
      images: uint8 of this shape.
      shape: (batch_size, size, size, channels), the static shape that the networks need.

    Returns:
      float32 of the same shape.
    """
    return tf.ensure_shape(tf.cast(images, tf.float32) / 127.5 - 1.0, shape)


def open_images(
    word: str,
    count: int = 50_000,
    seed: int = 0,
    quantisation: str = "round",
    skip_unreadable: bool = False,
    whole_batches: int = 0,
    trust: bool = False,
    first: int = 0,
    sample: int = 0,
    background: str = "",
    depth: int = 0,
    size: int | None = None,
    crop: str | None = None,
    filter: str | None = None,
    value_range: tuple[float, float] | None = None,
) -> Images:
    """The images that a SOURCE names; all commands open their images with this function.

    Args:
      word: see `sources.SOURCES`.
      count, seed, quantisation: of an exported generator, as in `sources.Options`.
      skip_unreadable: whether to leave out images that cannot be read; this takes a pass over all
        images.
      whole_batches: a batch size; the last images that do not fill a batch are left out. 0 keeps
        all images.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.
      first: as in `Images.take_first`; 0 takes all images.
      sample: as in `Images.take_random`, with `seed`; 0 takes all images.
      background, depth: as in `pillow.conversion`. They apply only to image files.
      size, crop, filter: as in `resizing.find_resizing`.
      value_range: what the values of an array mean, of `ranges.RANGES`; other sources do not need
        it.

    Raises:
      UserError: the word names no images, they cannot be used, or there are too few.
    """
    # Long: its options.
    wanted = find_resizing(size, crop, filter)
    opened = sources.open_source(
        word,
        count,
        seed,
        quantisation,
        trust=trust,
        background=background,
        depth=depth,
        value_range=value_range,
        is_measured=True,
    )
    images = opened if isinstance(opened, Images) else Images(opened)
    if wanted is not None:
        images.resize(wanted)
    if skip_unreadable:
        images.leave_out_unreadable()
    if first:
        images.take_first(first)
    if sample:
        images.take_random(sample, seed)
    if whole_batches:
        images.drop_remainder(whole_batches)
    return images


def open_for_training(data: Any) -> Images:
    """The images that `config.data` names. Raises `UserError` if there are none."""
    return of_config(data.source, data)


def of_config(source: Source | str, data: Any) -> Images:
    """The images of a source, prepared as `config.data` says. Raises `UserError` as `Images`."""
    return Images(
        source,
        data.image_size,
        data.crop,
        data.memory_gib,
        data.jpeg_quality,
        data.channels,
        data.flip,
    )
