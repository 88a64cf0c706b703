"""Losses of the two players as pure functions of the discriminator's outputs.

Each function gives one value per example; the update takes the mean over the global batch. Both players minimise.
"""

from typing import NamedTuple

import tensorflow as tf


class LossPair(NamedTuple):
    """discriminator(real_logits, fake_logits) and generator(fake_logits); all of shape (n,).

    `boundary` is the logit above which the discriminator takes an example for real; None where it does not say so.
    """

    discriminator: callable
    generator: callable
    boundary: float | None = 0.0


# -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x)
_softplus, _relu = tf.nn.softplus, tf.nn.relu

PAIRS = {
    # Goodfellow et al. 2014, section 3: the generator maximises log D(G(z)). The TTUR experiments with DCGAN.
    "non_saturating": LossPair(lambda real, fake: _softplus(-real) + _softplus(fake), lambda fake: _softplus(-fake)),
    # Goodfellow et al. 2014, eq. 1: the same value function for both.
    "minimax": LossPair(lambda real, fake: _softplus(-real) + _softplus(fake), lambda fake: -_softplus(fake)),
    # Mao et al. 2017 with a = 0, b = c = 1.
    "least_squares": LossPair(
        lambda real, fake: (tf.square(real - 1) + tf.square(fake)) / 2, lambda fake: tf.square(fake - 1) / 2, boundary=0.5
    ),
    # Lim and Ye 2017; Miyato et al. 2018.
    "hinge": LossPair(lambda real, fake: _relu(1 - real) + _relu(1 + fake), lambda fake: -fake),
    # Arjovsky et al. 2017; to be used with the gradient penalty.
    "wasserstein": LossPair(lambda real, fake: fake - real, lambda fake: -fake, boundary=None),
}


def pair(name, balance=None):
    """The `LossPair` of a config's loss.

    Args:
      name: one of PAIRS, or "boundary_equilibrium" (Berthelot et al. 2017, eq. 5), where the discriminator gives
        reconstruction errors.
      balance: for the latter, k_t: the scalar weight of generated examples in the discriminator's loss.
    """
    if name == "boundary_equilibrium":
        return LossPair(lambda real, fake: real - balance * fake, lambda fake: fake, boundary=None)
    return PAIRS[name]


def accuracy(pair, real, fake):
    """The share of real and of generated examples that the discriminator takes for what they are, a scalar.

    Args:
      pair: a `LossPair` with a boundary.
      real, fake: (n,) logits.
    """
    right = tf.concat([real > pair.boundary, fake <= pair.boundary], 0)
    return tf.reduce_mean(tf.cast(right, tf.float32))


def next_balance(balance, real, fake, ratio, rate):
    """k_(t+1) of the boundary equilibrium, and its measure of convergence (Berthelot et al. 2017, eq. 5 and 6).

    Args:
      balance: scalar k_t.
      real, fake: scalar mean reconstruction errors of real and of generated examples.
      ratio, rate: gamma and lambda_k.
    """
    imbalance = ratio * real - fake
    return tf.clip_by_value(balance + rate * imbalance, 0.0, 1.0), real + tf.abs(imbalance)


def gradient_penalty(discriminator, real, fake, mix):
    """(|grad D(x)| - 1)^2 at x between real and fake examples (Gulrajani et al. 2017).

    Args:
      discriminator: function of a batch giving logits (n,); of groups of examples where it scores several together.
      real, fake: (n, ...) examples.
      mix: (n,) in 0 ... 1, the share of the fake example.

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
    # The root has an infinite derivative at 0.
    return tf.square(tf.sqrt(tf.maximum(squares, 1e-12)) - 1)
