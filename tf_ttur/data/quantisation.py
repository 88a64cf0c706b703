"""From the range of the networks to that of images."""

import tensorflow as tf


def quantise(images, how):
    """-1 ... 1 to float32 0 ... 255, clipped: "float" leaves fractions, "truncate" and "round" give whole numbers.

    The experiments differ in it: DCGAN and BEGAN measured fractions, WGAN-GP truncated ones; files hold rounded ones.
    """
    whole = {"float": tf.identity, "truncate": tf.floor, "round": tf.round}
    if how not in whole:
        raise ValueError(f"quantisation {how!r}; expected {', '.join(whole)}")
    return whole[how](tf.clip_by_value((tf.cast(images, tf.float32) + 1.0) * 127.5, 0, 255))


def to_uint8(images):
    """-1 ... 1 to 0 ... 255, rounded."""
    return tf.cast(quantise(images, "round"), tf.uint8)
