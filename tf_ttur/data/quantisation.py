"""From the range of the networks to that of images."""

import tensorflow as tf

from tf_ttur.data import QUANTISATIONS
from tf_ttur.registry import is_object, load


def quantise(images, how):
    """-1 ... 1 to float32 0 ... 255, clipped: "float" leaves fractions, "truncate" and "round" give
    whole numbers.

    The experiments differ in it: DCGAN and BEGAN measured fractions, WGAN-GP truncated ones; files
    hold rounded ones.
    """
    if how not in QUANTISATIONS and not is_object(how):
        raise ValueError(f"quantisation {how!r}; expected {QUANTISATIONS.words}")
    function = load(QUANTISATIONS.find(how))
    return function(tf.clip_by_value((tf.cast(images, tf.float32) + 1.0) * 127.5, 0, 255))


def to_uint8(images):
    """-1 ... 1 to 0 ... 255, rounded."""
    return tf.cast(quantise(images, "round"), tf.uint8)
