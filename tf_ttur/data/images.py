"""From raw images to batches: crop, resize, scale, and an order that is a pure function of (seed,
epoch).
"""

import functools
import hashlib
import io
import json
import warnings
from typing import Any

import numpy as np
import PIL.Image
import tensorflow as tf

from tf_ttur.data import order, sources
from tf_ttur.errors import UserError
from tf_ttur.io import console

_GIB = 2**30


class UnreadableImage(UserError):
    """An image file that cannot be decoded, or is not RGB with 8 bits.

    Attributes:
      name: of the file.
      index: of the image in its source.
    """

    def __init__(self, name, index, found, expected, cure):
        super().__init__(f"{name} {found}", expected, cure)
        self.name, self.index = name, index


class Images:
    """Prepared images of one source.

    A set of at most `memory_gib` lives in memory as uint8. A larger one is read from its source for
    every batch, which needs a source with random access (all but TFDS and generators).

    Attributes:
      source: the `sources.Source`.
      num_images: how many.
      preparation: dict with the crop and the size, for provenance.
      skipped: names of the images that `leave_out_unreadable` left out.
    """

    def __init__(self, source, size=0, crop="none", memory_gib=4.0):
        """Opens the source; nothing is read yet.

        Args:
          source: a `sources.Source`, or a word that names one.
          size: side of the square images in pixels; 0 leaves all images as they are, which must
            then be of one size.
          crop: "none"; "square" for the largest centred square; or the side of a centred square in
            pixels, as "108". What is cropped is resized to `size` (bilinear with antialiasing);
            what is not must have that size already. Of a prepared folder it says, like `size`, what
            must have been done; "none" takes whatever has been done.
          memory_gib: limit of what is kept in memory, in GiB of uint8.

        Raises:
          UserError: the source cannot be opened, its images are known to be of the wrong size, or
            it was prepared in another way.
        """
        self.source = sources.open_source(source) if isinstance(source, str) else source
        self.num_images = self.source.num_images
        resize = "none" if crop == "none" else "bilinear, antialiased, rounded"
        self.preparation = {"size": size, "crop": crop, "resize": resize}
        if self.source.preparation:
            self._check_prepared()
            self.preparation, crop = self.source.preparation, "none"
        self._size, self._crop = size, crop
        self._memory_bytes = memory_gib * _GIB
        self._loaded = None
        self.skipped = []
        self._check_size(self.source.word, *self.source.shape)

    @property
    def word(self):
        """The name of the source."""
        return self.source.word

    @property
    def num_examples(self):
        """`num_images`: the name that all kinds of examples share."""
        return self.num_images

    @property
    def vocabulary(self):
        """(): images have no symbols."""
        return ()

    @property
    def identity(self):
        """A string that changes with the images or their preparation."""
        return hashlib.sha256(
            json.dumps([self.source.identity, self.preparation]).encode()
        ).hexdigest()

    @functools.cached_property
    def shape(self):
        """(height, width, 3) of the images; of the first one where neither size nor source tells."""
        if self._size:
            return self._size, self._size, 3
        return (
            next(self.in_order(1)).shape[1:]
            if None in self.source.shape
            else (*self.source.shape, 3)
        )

    def in_order(self, batch_size, first=0, count=None):
        """Yields every image once, in the order of the source: uint8 (n, height, width, 3), the
        last n may be smaller.

        Args:
          batch_size: n.
          first: images that are left out at the start.
          count: images that are taken then; None takes all.
        """
        end = self.num_images if count is None else min(first + count, self.num_images)
        raw = self.source.in_order(first, end - first)
        dataset, known = (
            raw.map(self._prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True),
            None,
        )
        # The tuner sleeps between its looks, each time twice as long, and an iterator that ends
        # waits until it wakes: a pass took up to twice its time.
        options = tf.data.Options()
        options.autotune.enabled = False
        try:
            for batch in (
                dataset.batch(batch_size).prefetch(2).with_options(options).as_numpy_iterator()
            ):
                known = known or batch.shape[1:]
                if (
                    batch.shape[1:] != known
                ):  # where they change between two batches; within one TensorFlow fails
                    name = (
                        self.source.contents(first)[0]
                        if self.source.contents
                        else f"image {first} of {self.word}"
                    )
                    found = f"{name} has {batch.shape[2]}x{batch.shape[1]} pixels, those before it {known[1]}x{known[0]}"
                    raise UserError(found, "images of one size", "resize them beforehand")
                yield batch
                first += len(batch)
        except tf.errors.OpError as error:
            self.explain(error, range(first, min(first + batch_size, end)))
            raise

    def readable(self, batch_size, first=0):
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

    def leave_out_unreadable(self):
        """Reads every image once, and leaves those out that cannot be read: `skipped` names them,
        and stderr does.
        """
        unreadable, read = {}, 0
        with console.Status(
            f"looking for images in {self.word} that cannot be read", 0, self.num_images
        ) as status:
            for batch in self.readable(256):
                if isinstance(batch, UnreadableImage):
                    unreadable[batch.index] = batch.name
                    console.STDERR.print(f"left out: {batch.found}", soft_wrap=True, markup=False)
                read += 1 if isinstance(batch, UnreadableImage) else len(batch)
                status.show(read, {})
        if unreadable:
            console.STDERR.print(
                f"{len(unreadable)} of {self.num_images} images are left out", markup=False
            )
            if len(unreadable) == self.num_images:
                raise UserError(
                    f"{self.word} has no image that can be read",
                    "RGB images with 8 bits",
                    "name another source",
                )
            self.source = self.source.subset(
                [index for index in range(self.num_images) if index not in unreadable]
            )
            self.num_images, self.skipped = self.source.num_images, list(unreadable.values())

    def drop_remainder(self, batch_size):
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

    def batches(self, seed, first, stride, batch_size, wanted=None):
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

    def encode(self, batch):
        """A batch as the discriminator takes it: as it is."""
        return batch

    def check_batches(self, images_per_update):
        """Makes sure, before any reading, that `batches` can give that many images for each update.

        Raises:
          UserError: there are fewer, or the source is too large for memory and can only be read in
            order.
        """
        if self.num_images < images_per_update:
            raise UserError(
                f"{self.source.word} has {self.num_images} images",
                f"at least the {images_per_update} of one update",
                "lower config.batch_size or name a larger data set",
            )
        if self.source.read is None and not self._fits:
            raise UserError(
                f"{self.source.word} takes {self.num_images * self._size**2 * 3 / _GIB:.1f} GiB, and can only be read in order",
                f"at most config.data.memory_gib = {self._memory_bytes / _GIB:g}",
                "raise that value, or prepare the images once with tf-ttur prepare",
            )

    @property
    def _fits(self):
        return self.num_images * self._size**2 * 3 <= self._memory_bytes

    def _random_access(self):
        """Loads the images if they fit, and gives the function index -> uint8 image(s)."""
        if not self._fits:
            return lambda index: self._prepare(self.source.read(index))
        if self._loaded is None:
            with tf.device("CPU:0"):  # where tf.data works
                self._loaded = tf.constant(self._load())
        return lambda indices: tf.gather(self._loaded, indices)

    def _load(self):
        images = np.empty((self.num_images, self._size, self._size, 3), np.uint8)
        position = 0
        for batch in console.track(
            self.in_order(256), f"reading {self.source.word}", self.num_images
        ):
            images[position : position + len(batch)] = batch[: self.num_images - position]
            position += len(batch)
        if position != self.num_images:
            raise UserError(
                f"{self.source.word} gave {position} images",
                f"the {self.num_images} that it says it has",
                "prepare it anew",
            )
        return images

    def _prepare(self, image):
        if self._crop != "none":
            height, width = tf.shape(image)[0], tf.shape(image)[1]
            side = (
                tf.minimum(height, width)
                if self._crop == "square"
                else tf.constant(int(self._crop))
            )
            image = tf.image.crop_to_bounding_box(
                image, (height - side) // 2, (width - side) // 2, side, side
            )
            image = tf.image.resize(
                tf.cast(image, tf.float32), (self._size, self._size), antialias=True
            )
            image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        return tf.ensure_shape(image, (self._size or None, self._size or None, 3))

    def explain(self, error, indices):
        """Looks for the image behind an error met while reading.

        Args:
          error: what TensorFlow raised.
          indices: of the images that were being read.

        Raises:
          UserError: naming the first of them that cannot be used. If there is none, the error has
            another cause, and this returns.
        """
        about_data = (
            tf.errors.InvalidArgumentError,
            tf.errors.NotFoundError,
            tf.errors.DataLossError,
            tf.errors.UnknownError,
        )
        if (
            not isinstance(error, about_data)
            or self._loaded is not None
            or not self.source.contents
        ):
            return
        known = None
        for index in indices:
            name, read = self.source.contents(index)
            size = self._examine(name, index, read)
            self._check_size(name, size[1], size[0])
            known = known or (name, size)
            if not self._size and size != known[1]:
                raise UserError(
                    f"{name} has {size[0]}x{size[1]} pixels, {known[0]} has {known[1][0]}x{known[1][1]}",
                    "images of one size",
                    "resize them beforehand",
                ) from error

    def _examine(self, name, index, read):
        """(width, height) of an image file; raises `UnreadableImage`."""
        try:
            content = read()
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "error", PIL.Image.DecompressionBombWarning
                )  # above sources.MAX_PIXELS, before it is decoded
                image = PIL.Image.open(io.BytesIO(content))
            with image:
                image.load()
        except Exception as error:  # Pillow raises many kinds
            reason = "no known format" if isinstance(error, PIL.UnidentifiedImageError) else error
            raise UnreadableImage(
                name,
                index,
                f"cannot be decoded ({reason})",
                "a whole image",
                "replace or remove this file",
            ) from error
        rgb = "RGB, 8 bits, 3 channels"
        if sources.is_deep(content):
            raise UnreadableImage(
                name,
                index,
                "has 16 bits a channel",
                rgb,
                "convert it: which 8 bits are meant, its owner knows",
            )
        if image.mode not in ("RGB", "P") or "transparency" in image.info:
            transparent = ", with transparency" if "transparency" in image.info else ""
            cure = "convert it, for example with Pillow's image.convert('RGB')"
            raise UnreadableImage(name, index, f"is of mode {image.mode}{transparent}", rgb, cure)
        try:
            with tf.device("CPU:0"):
                self.source.read(tf.constant(index, tf.int64))
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0]
            raise UnreadableImage(
                name,
                index,
                f"cannot be decoded by TensorFlow ({reason})",
                rgb,
                "save it anew as PNG",
            ) from error
        return image.size

    def _check_prepared(self):
        """Refuses a source that was prepared in another way than is asked for."""
        made, wanted = self.source.preparation, self.preparation
        if wanted != made and (wanted["crop"] != "none" or wanted["size"] not in (0, made["size"])):
            raise UserError(
                f"{self.source.word} was prepared with crop {made['crop']} and size {made['size']}",
                f"crop {wanted['crop']} (config.data.crop) and size {wanted['size']} (config.data.image_size)",
                f"prepare the data like that, or take it as it is: config.data.crop=none and config.data.image_size={made['size']}",
            )

    def _check_size(self, name, height, width):
        """Refuses an image, or a source of images, of the wrong size; None is a side that is not
        known.
        """
        sides = [side for side in (width, height) if side is not None]
        found = f"{name} has {'x'.join(map(str, sides))} pixels"
        if self._crop == "none" and self._size and any(side != self._size for side in sides):
            cure = "set the crop to 'square' or to a side in pixels (config.data.crop, --crop), which also resizes, or resize the images"
            raise UserError(
                found,
                f"{self._size}x{self._size} (config.data.image_size, --size), as the crop is 'none'",
                cure,
            )
        if self._crop.isdecimal() and any(side < int(self._crop) for side in sides):
            raise UserError(
                found,
                f"at least the {self._crop} of the crop (config.data.crop, --crop)",
                "lower it or use 'square'",
            )


def scale(images, batch_size, size):
    """uint8 0 ... 255 to float32 -1 ... 1, with the static shape that the networks are built for."""
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
      word: see `sources`.
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
