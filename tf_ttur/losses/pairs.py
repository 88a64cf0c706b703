"""The losses of both players as pure functions of the discriminator's outputs.

Each function returns one value per example; the update takes the mean over the global batch. Both
players minimise their losses.
"""

import tensorflow as tf

from tf_ttur.losses import LossPair


def _cross_entropy(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    # -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x)
    return tf.nn.softplus(-real) + tf.nn.softplus(fake)


# Goodfellow et al. 2014, section 3: the generator maximises log D(G(z)). The DCGAN experiments of
# the TTUR paper use it.
NON_SATURATING = LossPair(_cross_entropy, lambda fake: tf.nn.softplus(-fake))

# Goodfellow et al. 2014, eq. 1: the same value function for both players.
MINIMAX = LossPair(_cross_entropy, lambda fake: -tf.nn.softplus(fake))

# Mao et al. 2017 with a = 0, b = c = 1.
LEAST_SQUARES = LossPair(
    lambda real, fake: (tf.square(real - 1) + tf.square(fake)) / 2,
    lambda fake: tf.square(fake - 1) / 2,
    boundary=0.5,
)

# Lim and Ye 2017; Miyato et al. 2018.
HINGE = LossPair(
    lambda real, fake: tf.nn.relu(1 - real) + tf.nn.relu(1 + fake),
    lambda fake: -fake,
)

# Arjovsky et al. 2017; needs a gradient penalty or clipped weights.
WASSERSTEIN = LossPair(lambda real, fake: fake - real, lambda fake: -fake, boundary=None)


def boundary_equilibrium(balance: tf.Variable) -> LossPair:
    """The losses of BEGAN (Berthelot et al. 2017, eq. 5).

    The discriminator returns reconstruction errors.

    Args:
      balance: k_t, the scalar weight of generated examples in the discriminator's loss.
    """
    return LossPair(lambda real, fake: real - balance * fake, lambda fake: fake, boundary=None)


def next_balance(
    balance: tf.Tensor, real: tf.Tensor, fake: tf.Tensor, ratio: float, rate: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of the boundary equilibrium (Berthelot et al. 2017, eq. 5 and 6).

    Args:
      balance: scalar k_t.
      real, fake: scalar mean reconstruction errors of real and of generated examples.
      ratio: gamma, the target ratio of the errors.
      rate: lambda_k, the learning rate of the balance.

    Returns:
      (k_(t+1) in 0 ... 1, the measure of convergence), both scalars.
    """
    imbalance = ratio * real - fake
    return tf.clip_by_value(balance + rate * imbalance, 0.0, 1.0), real + tf.abs(imbalance)


def accuracy(boundary: float, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The share of examples that the discriminator classifies correctly.

    Args:
      boundary: an example whose output is above it counts as classified as real.
      real, fake: (n,) outputs of the discriminator for real and for generated examples.

    Returns:
      A float32 scalar in 0 ... 1.
    """
    correct = tf.concat([real > boundary, fake <= boundary], 0)
    return tf.reduce_mean(tf.cast(correct, tf.float32))
