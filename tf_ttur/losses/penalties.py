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
    squares = _squared_gradient(discriminator, _between(real, fake, mix))
    # The square root has an infinite derivative at 0.
    return tf.square(tf.sqrt(tf.maximum(squares, 1e-12)) - 1)


def zero_centered(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor,
) -> tf.Tensor:
    """|grad D(x)|^2 at x between real and fake examples (Thanh-Tung et al. 2019).

    Arguments and result as of `gradient_penalty`.
    """
    return _squared_gradient(discriminator, _between(real, fake, mix))


def r1(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor,
) -> tf.Tensor:
    """|grad D(x)|^2 / 2 at real examples x (Mescheder et al. 2018, eq. 9).

    Arguments and result as of `gradient_penalty`; `fake` and `mix` are not used.
    """
    return _squared_gradient(discriminator, real) / 2


def r2(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor,
) -> tf.Tensor:
    """|grad D(x)|^2 / 2 at generated examples x (Mescheder et al. 2018, eq. 10).

    Arguments and result as of `gradient_penalty`; `real` and `mix` are not used.
    """
    return _squared_gradient(discriminator, fake) / 2


def _between(real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    mix = tf.reshape(mix, [-1] + [1] * (real.shape.rank - 1))
    return real + mix * (fake - real)


def _squared_gradient(
    discriminator: Callable[[tf.Tensor], tf.Tensor], examples: tf.Tensor
) -> tf.Tensor:
    """|grad D|^2 at each example, (n,)."""
    with tf.GradientTape() as tape:
        tape.watch(examples)
        outputs = discriminator(examples)
    gradients = tape.gradient(outputs, examples)
    return tf.reduce_sum(tf.square(gradients), axis=list(range(1, examples.shape.rank)))
