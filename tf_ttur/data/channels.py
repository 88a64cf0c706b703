"""Grey images: of RGB images for networks of one channel, and as RGB for feature networks."""

import tensorflow as tf

# ITU-R 601 in fixed point, as Pillow's convert("L") computes it.
_RED, _GREEN, _BLUE = 19595, 38470, 7471
_ONE = 2**16

# What provenance says of grey images that a feature network has seen.
AS_RGB = "1, used as R, G and B"


def to_grey(image: tf.Tensor) -> tf.Tensor:
    """Brightness, to the bit that of Pillow's `convert("L")`; equal channels stay as they are.

    Args:
      image: uint8 (..., 3).

    Returns:
      uint8 (..., 1).
    """
    wide = tf.cast(image, tf.int32)
    total = _RED * wide[..., :1] + _GREEN * wide[..., 1:2] + _BLUE * wide[..., 2:]
    return tf.cast((total + _ONE // 2) // _ONE, tf.uint8)


def to_rgb(images: tf.Tensor) -> tf.Tensor:
    """Images with their one channel used as R, G and B; images (..., 3) as they are."""
    return tf.concat([images] * 3, -1) if images.shape[-1] == 1 else images
