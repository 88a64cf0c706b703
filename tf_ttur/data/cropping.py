"""Crop and resize: what is done to every image of a source before the networks see it."""

import dataclasses
from typing import Any

import tensorflow as tf

from tf_ttur.errors import UserError


@dataclasses.dataclass(frozen=True)
class Cropping:
    """How raw images become images of one size.

    Attributes:
      size: side of the square result in pixels; 0 leaves all images as they are.
      crop: "none"; "square" for the largest centred square; or the side of a centred square in
        pixels, as "108". What is cropped is resized to `size` (bilinear with antialiasing); what is
        not must have that size already.
    """

    size: int
    crop: str

    @property
    def record(self) -> dict[str, Any]:
        """What is done, in words and numbers, for provenance."""
        resize = "none" if self.crop == "none" else "bilinear, antialiased, rounded"
        return {"size": self.size, "crop": self.crop, "resize": resize}

    def apply(self, image: tf.Tensor) -> tf.Tensor:
        """One uint8 (height, width, 3) image, cropped and resized: uint8 (size, size, 3)."""
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
        return tf.ensure_shape(image, (self.size or None, self.size or None, 3))

    def check_size(self, name: str, height: int | None, width: int | None) -> None:
        """Refuses an image, or a source of images, of the wrong size.

        Args:
          name: of the image or the source.
          height, width: in pixels; None is a side that is not known.

        Raises:
          UserError: naming it and both sizes.
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
        """Refuses a source that was prepared in another way than this one.

        Args:
          name: of the source.
          record: the `record` of what was done to its images.

        Raises:
          UserError: naming both ways.
        """
        takes_any_crop = self.crop == "none"
        takes_its_size = self.size in (0, record["size"])
        if self.record != record and not (takes_any_crop and takes_its_size):
            raise UserError(
                f"{name} was prepared with crop {record['crop']} and size {record['size']}",
                f"crop {self.crop} (config.data.crop) "
                f"and size {self.size} (config.data.image_size)",
                "prepare the data like that, or take it as it is: config.data.crop=none and "
                f"config.data.image_size={record['size']}",
            )
