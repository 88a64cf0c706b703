"""From the range of the networks to that of images."""

import tensorflow as tf

from tf_ttur.data import QUANTISATIONS
from tf_ttur.registry import is_object, load


@tf.autograph.experimental.do_not_convert  # which would try to convert the import of a name
def quantise(images: tf.Tensor, quantisation: str) -> tf.Tensor:
    """-1 ... 1 to float32 0 ... 255, clipped.

    The experiments differ in it: DCGAN and BEGAN measured fractions, WGAN-GP truncated values;
    files hold rounded ones.

    Args:
      images: float of any shape.
      quantisation: "float" leaves fractions, "truncate" and "round" give whole numbers; or
        MODULE:OBJECT of a function of float32 0 ... 255.

    Raises:
      ValueError: there is no such quantisation.
    """
    if quantisation not in QUANTISATIONS and not is_object(quantisation):
        raise ValueError(f"quantisation {quantisation!r}; expected {QUANTISATIONS.words}")
    function = load(QUANTISATIONS.find(quantisation).function)
    return function(tf.clip_by_value((tf.cast(images, tf.float32) + 1.0) * 127.5, 0, 255))


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """-1 ... 1 to uint8 0 ... 255, rounded."""
    return tf.cast(quantise(images, "round"), tf.uint8)
