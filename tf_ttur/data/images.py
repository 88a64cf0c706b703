"""From raw images to batches: crop, resize, scale, and an order that is a pure function of (seed, epoch)."""

import functools
import hashlib
import io
import json

import numpy as np
import PIL.Image
import tensorflow as tf

from tf_ttur import progress
from tf_ttur.data import order, sources
from tf_ttur.errors import UserError

_GIB = 2**30


class Images:
    """Prepared images of one source.

    A set of at most `memory_gib` lives in memory as uint8. A larger one is read from its source for every batch, which
    needs a source with random access (folder, zip, array).

    Attributes:
      source: the `sources.Source`.
      num_images: how many.
      preparation: dict with the crop and the size, for provenance.
    """

    def __init__(self, source, size=0, crop="none", memory_gib=4.0):
        """Opens the source; nothing is read yet.

        Args:
          source: a `sources.Source`, or a word that names one.
          size: side of the square images in pixels; 0 leaves all images as they are, which must then be of one size.
          crop: "none"; "square" for the largest centred square; or the side of a centred square in pixels, as "108".
            What is cropped is resized to `size` (bilinear with antialiasing); what is not must have that size already.
          memory_gib: limit of what is kept in memory, in GiB of uint8.

        Raises:
          UserError: the source cannot be opened, or its images are known to be of the wrong size.
        """
        self.source = sources.open_source(source) if isinstance(source, str) else source
        self.num_images = self.source.num_images
        resize = "none" if crop == "none" else "bilinear, antialiased, rounded"
        self.preparation = {"size": size, "crop": crop, "resize": resize}
        self._size, self._crop = size, crop
        self._memory_bytes = memory_gib * _GIB
        self._loaded = None
        self._check_size(self.source.word, *self.source.shape)

    @property
    def identity(self):
        """A string that changes with the images or their preparation."""
        return hashlib.sha256(json.dumps([self.source.identity, self.preparation]).encode()).hexdigest()

    @functools.cached_property
    def shape(self):
        """(height, width, 3) of the images; of the first one where neither size nor source tells."""
        if self._size:
            return self._size, self._size, 3
        return next(self.in_order(1)).shape[1:] if None in self.source.shape else (*self.source.shape, 3)

    def in_order(self, batch_size, first=0, count=None):
        """Yields every image once, in the order of the source: uint8 (n, height, width, 3), the last n may be smaller.

        Args:
          batch_size: n.
          first: images that are left out at the start.
          count: images that are taken then; None takes all.
        """
        if self.source.read is None:
            raw = self.source.in_order().skip(first).take(-1 if count is None else count)
        else:  # so that nothing is decoded in vain
            end = self.num_images if count is None else min(first + count, self.num_images)
            raw = tf.data.Dataset.range(first, end).map(self.source.read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        dataset = raw.map(self._prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        yield from self._iterate(dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE))

    def batches(self, seed, first, stride, batch_size):
        """A `tf.data.Dataset` of shuffled batches without end: float32 (batch_size, size, size, 3) in -1 ... 1.

        Args:
          seed, first, stride, batch_size: as in `order.batch_indices`, which says what a batch holds.
        """
        self.check_batches(batch_size * stride)
        image = self._random_access()
        indices = order.batch_indices(seed, first, stride, batch_size, self.num_images)
        if self._loaded is not None:
            dataset = indices.map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        else:
            dataset = indices.unbatch().map(image, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(batch_size, drop_remainder=True)
        dataset = dataset.map(lambda images: scale(images, batch_size, self._size))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def check_batches(self, images_per_update):
        """Makes sure, before any reading, that `batches` can give that many images for each update.

        Raises:
          UserError: there are fewer, or the source is too large for memory and can only be read in order.
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
                "raise that value, or name a folder, zip or .npy array of the images",
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
        for batch in progress.track(self.in_order(256), f"reading {self.source.word}", self.num_images):
            images[position : position + len(batch)] = batch[: self.num_images - position]
            position += len(batch)
        if position != self.num_images:
            raise UserError(f"{self.source.word} gave {position} images", f"the {self.num_images} that it says it has", "prepare it anew")
        return images

    def _prepare(self, image):
        if self._crop != "none":
            height, width = tf.shape(image)[0], tf.shape(image)[1]
            side = tf.minimum(height, width) if self._crop == "square" else tf.constant(int(self._crop))
            image = tf.image.crop_to_bounding_box(image, (height - side) // 2, (width - side) // 2, side, side)
            image = tf.image.resize(tf.cast(image, tf.float32), (self._size, self._size), antialias=True)
            image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        return tf.ensure_shape(image, (self._size or None, self._size or None, 3))

    def _iterate(self, dataset):
        try:
            yield from dataset.as_numpy_iterator()
        except tf.errors.OpError as error:
            self.explain(error)
            raise

    def explain(self, error):
        """Looks for the image behind an error met while reading, one by one; slow, but only a failure comes here.

        Raises:
          UserError: naming the first image that cannot be used. If there is none, the error has another cause, and this
            returns.
        """
        about_data = (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.DataLossError, tf.errors.UnknownError)
        if not isinstance(error, about_data) or self._loaded is not None or not self.source.contents:
            return
        progress.STDERR.print(f"an image cannot be used; looking for it in {self.source.word}", soft_wrap=True)
        first = None
        for name, read in self.source.contents():
            try:
                content = read()
                with PIL.Image.open(io.BytesIO(content)) as image:
                    image.load()
            except Exception as cause:  # Pillow raises many kinds
                raise UserError(f"{name} cannot be decoded ({cause})", "a whole image", "replace or remove this file") from error
            if sources.is_deep(content):
                raise UserError(f"{name} has 16 bits a channel", "RGB, 8 bits, 3 channels", "convert it: which 8 bits are meant, its owner knows") from error
            if image.mode not in ("RGB", "P") or "transparency" in image.info:
                cure = "convert it, for example with Pillow's image.convert('RGB')"
                transparent = ", with transparency" if "transparency" in image.info else ""
                raise UserError(f"{name} is of mode {image.mode}{transparent}", "RGB, 8 bits, 3 channels", cure) from error
            self._check_size(name, image.height, image.width)
            first = first or (name, image.size)
            if not self._size and image.size != first[1]:
                raise UserError(
                    f"{name} has {image.width}x{image.height} pixels, {first[0]} has {first[1][0]}x{first[1][1]}",
                    "images of one size",
                    "resize them beforehand",
                ) from error

    def _check_size(self, name, height, width):
        """Refuses an image, or a source of images, of the wrong size; None is a side that is not known."""
        sides = [side for side in (width, height) if side is not None]
        found = f"{name} has {'x'.join(map(str, sides))} pixels"
        if self._crop == "none" and self._size and any(side != self._size for side in sides):
            cure = "set config.data.crop to 'square' or to a side in pixels, which crops and resizes, or prepare the images"
            raise UserError(found, f"{self._size}x{self._size} (config.data.image_size), as config.data.crop = 'none'", cure)
        if self._crop.isdecimal() and any(side < int(self._crop) for side in sides):
            raise UserError(found, f"at least the {self._crop} of config.data.crop", "lower config.data.crop or use 'square'")


def scale(images, batch_size, size):
    """uint8 0 ... 255 to float32 -1 ... 1, with the static shape that the networks are built for."""
    return tf.ensure_shape(tf.cast(images, tf.float32) / 127.5 - 1.0, (batch_size, size, size, 3))
