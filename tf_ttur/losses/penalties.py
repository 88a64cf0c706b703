"""Penalties on the discriminator, which are added to its loss."""

from collections.abc import Callable

import tensorflow as tf


def gradient_penalty(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor,
) -> tf.Tensor:
    """(|grad D(x)| - 1)^2 at x between real and fake examples (Gulrajani et al. 2017).

    Args:
      discriminator: function of a batch that returns logits (n,), or one logit per group of
        examples if it scores several together.
      real, fake: (n, ...) float32 examples.
      mix: (n,) float32 in 0 ... 1, the share of the fake example in x.

    Returns:
      (n,) penalties.
    """
    mix = tf.reshape(mix, [-1] + [1] * (real.shape.rank - 1))
    between = real + mix * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(between)
        logits = discriminator(between)
    gradients = tape.gradient(logits, between)
    squares = tf.reduce_sum(tf.square(gradients), axis=list(range(1, real.shape.rank)))
    # The square root has an infinite derivative at 0.
    return tf.square(tf.sqrt(tf.maximum(squares, 1e-12)) - 1)
