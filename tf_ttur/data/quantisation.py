"""Converts images from the range of the networks, -1 ... 1, to 0 ... 255."""

import tensorflow as tf

from tf_ttur.data import QUANTISATIONS
from tf_ttur.data.ranges import Range
from tf_ttur.registry import is_object, load


@tf.autograph.experimental.do_not_convert  # AutoGraph would try to convert `registry.load`
def quantise(images: tf.Tensor, quantisation: str) -> tf.Tensor:
    """Scales images from -1 ... 1 to 0 ... 255, clips and rounds them.

    The published experiments differ here: DCGAN and BEGAN were evaluated without rounding, WGAN-GP
    with truncated values. Image files hold values rounded to the nearest integer.

    Args:
      images: float of any shape.
      quantisation: "float" (no rounding), "truncate" or "round"; or MODULE:OBJECT of a function of
        float32 0 ... 255.

    Returns:
      float32 of the same shape.

    Raises:
      ValueError: there is no such quantisation.
    """
    if quantisation not in QUANTISATIONS and not is_object(quantisation):
        raise ValueError(f"quantisation {quantisation!r}; expected {QUANTISATIONS.words}")
    return quantise_levels((tf.cast(images, tf.float32) + 1.0) * 127.5, quantisation)


@tf.autograph.experimental.do_not_convert  # as `quantise`
def quantise_levels(levels: tf.Tensor, quantisation: str) -> tf.Tensor:
    """Clips float32 levels to 0 ... 255; what then becomes of fractions, `quantise` says."""
    function = load(QUANTISATIONS.find(quantisation).function)
    return function(tf.clip_by_value(levels, 0.0, 255.0))


@tf.autograph.experimental.do_not_convert  # as `quantise`
def to_levels(images: tf.Tensor, value_range: Range | None, quantisation: str) -> tf.Tensor:
    """Scales float images to 0 ... 255, clips and rounds them.

    Args:
      images: float of any shape.
      value_range: of `ranges.RANGES`; None is (-1, 1).
      quantisation: as in `quantise`.

    Returns:
      float32 of the same shape.
    """
    if value_range in (None, (-1, 1)):
        return quantise(images, quantisation)
    levels = tf.cast(images, tf.float32)
    if value_range == (0, 1):
        levels *= 255.0
    return quantise_levels(levels, quantisation)


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Scales float images of any shape from -1 ... 1 to uint8 0 ... 255, rounded."""
    return tf.cast(quantise(images, "round"), tf.uint8)
