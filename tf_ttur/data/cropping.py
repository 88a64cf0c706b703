"""What is done to every image of a source before the networks see it: crop, resize, JPEG."""

import dataclasses
from typing import Any

import tensorflow as tf

from tf_ttur.data import channels
from tf_ttur.errors import UserError


@dataclasses.dataclass(frozen=True)
class Cropping:
    """How raw images become images of one size.

    Attributes:
      size: side of the square result in pixels; 0 leaves all images unchanged.
      crop: "none"; "square" for the largest centred square; or the side of a centred square in
        pixels, such as "108". A cropped image is resized to `size` (bilinear with antialiasing).
        With "none" the images must already have that size.
      jpeg_quality: 1 ... 100 compresses every image to JPEG at this quality, after crop and resize,
        and decodes it again; 0 does not. libjpeg's defaults with chroma at half the resolution give
        the pixels that Pillow's `save(quality=...)` gives, to the bit.
      channels: 1 makes every image grey before anything else is done; 3 does not.
    """

    size: int
    crop: str
    jpeg_quality: int = 0
    channels: int = 3

    @property
    def record(self) -> dict[str, Any]:
        """The crop, the size, the method of resizing, JPEG quality and channels, for provenance.

        There is no word of JPEG and of channels where nothing is done, as in the records of version
        0.1.0.
        """
        resize = "none" if self.crop == "none" else "bilinear, antialiased, rounded"
        record: dict[str, Any] = {"size": self.size, "crop": self.crop, "resize": resize}
        if self.jpeg_quality:
            record["jpeg_quality"] = self.jpeg_quality
        if self.channels == 1:
            record["channels"] = channels.AS_RGB
        return record

    def apply(self, image: tf.Tensor) -> tf.Tensor:
        """Makes one image grey, crops, resizes and compresses it.

        Args:
          image: uint8 (height, width, 3).

        Returns:
          uint8 (size, size, 3), of a grey image three times the same; the image itself if nothing
          is to be done.
        """
        if self.channels == 1:
            image = channels.to_grey(image)
        if self.crop != "none":
            height = tf.shape(image)[0]
            width = tf.shape(image)[1]
            if self.crop == "square":
                side = tf.minimum(height, width)
            else:
                side = tf.constant(int(self.crop))
            top = (height - side) // 2
            left = (width - side) // 2
            image = tf.image.crop_to_bounding_box(image, top, left, side, side)
            image = tf.cast(image, tf.float32)
            image = tf.image.resize(image, (self.size, self.size), antialias=True)
            image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        if self.jpeg_quality:
            form = "rgb" if self.channels == 3 else "grayscale"
            encoded = tf.io.encode_jpeg(image, form, self.jpeg_quality)
            image = tf.io.decode_jpeg(
                encoded, channels=self.channels, dct_method="INTEGER_ACCURATE"
            )
        return tf.ensure_shape(channels.to_rgb(image), (self.size or None, self.size or None, 3))

    def check_size(self, name: str, height: int | None, width: int | None) -> None:
        """Refuses an image, or a source of images, of the wrong size.

        Args:
          name: of the image or the source.
          height, width: in pixels; None if unknown.

        Raises:
          UserError: the size is wrong; the message names the image and both sizes.
        """
        sides = [side for side in (width, height) if side is not None]
        found = f"{name} has {'x'.join(map(str, sides))} pixels"
        if self.crop == "none" and self.size and any(side != self.size for side in sides):
            raise UserError(
                found,
                f"{self.size}x{self.size} (config.data.image_size, --size), as the crop is 'none'",
                "set the crop to 'square' or to a side in pixels (config.data.crop, --crop), "
                "which also resizes, or resize the images",
            )
        if self.crop.isdecimal() and any(side < int(self.crop) for side in sides):
            raise UserError(
                found,
                f"at least the {self.crop} of the crop (config.data.crop, --crop)",
                "lower it or use 'square'",
            )

    def check_prepared(self, name: str, record: dict[str, Any]) -> None:
        """Refuses a source that was prepared with another crop, size or JPEG quality.

        Args:
          name: of the source.
          record: the `record` of the cropping that prepared it.

        Raises:
          UserError: one of them differs; the message names what was done and what was asked for.
        """
        quality = record.get("jpeg_quality", 0)
        takes_any_crop = self.crop == "none"
        takes_its_size = self.size in (0, record["size"])
        takes_its_quality = self.jpeg_quality in (0, quality)
        takes_it = takes_any_crop and takes_its_size and takes_its_quality
        recorded = {key: record[key] for key in ("size", "crop", "resize")}
        if quality:
            recorded["jpeg_quality"] = quality
        asked = dataclasses.replace(self, channels=3).record
        if asked != recorded and not takes_it:
            done = f"crop {record['crop']} and size {record['size']}"
            wanted = (
                f"crop {self.crop} (config.data.crop) and size {self.size} (config.data.image_size)"
            )
            if quality != self.jpeg_quality:
                done += f", JPEG quality {quality or 'none'}"
                wanted += f", JPEG quality {self.jpeg_quality or 'none'} (config.data.jpeg_quality)"
            raise UserError(
                f"{name} was prepared with {done}",
                wanted,
                "prepare the data with these, or use them as they are: config.data.crop=none, "
                f"config.data.image_size={record['size']} and config.data.jpeg_quality=0",
            )
