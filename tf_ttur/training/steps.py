"""One step of each player as a function of its arguments: loss, gradients, optimizer.

Losses are means over the global batch: each replica divides its mean by the number of replicas, and
the optimizers add up the replicas' gradients.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from tf_ttur.losses import LossPair


class WeightedPenalty(NamedTuple):
    """A term of the discriminator's loss.

    Attributes:
      weight: by which it is multiplied.
      function: as `losses.penalties.gradient_penalty`.
    """

    weight: float
    function: Callable[..., tf.Tensor]


class Step(NamedTuple):
    """The result of a step.

    Attributes:
      loss: float32 scalar, this replica's share of the mean over the global batch.
      faults: float32 vector, above 0 where the loss (first), the gradient of a trainable variable
        (in their order) or the variable after the step (likewise) is not finite, or too large to be
        squared.
    """

    loss: tf.Tensor
    faults: tf.Tensor


class DiscriminatorStep(NamedTuple):
    """The result of a step of the discriminator.

    Attributes:
      step: loss and faults.
      real, fake: the discriminator's outputs for real and generated examples, (n,) each.
    """

    step: Step
    real: tf.Tensor
    fake: tf.Tensor


def mean(values: tf.Tensor, replicas: int) -> tf.Tensor:
    """This replica's share of the mean over the global batch."""
    return tf.reduce_mean(values) / replicas


def discriminator_step(
    discriminator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: LossPair,
    penalties: Sequence[WeightedPenalty],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor | None,
    replicas: int,
) -> DiscriminatorStep:
    """Moves the discriminator by one step.

    Args:
      discriminator: the network, in training mode.
      optimizer: of the discriminator.
      loss: of both players.
      penalties: further terms of the discriminator's loss.
      real, fake: (n, ...) examples.
      mix: (n,) in 0 ... 1 for the penalties; None where there are none.
      replicas: how many take this step together.
    """
    with tf.GradientTape() as tape:
        real_outputs = discriminator(real, training=True)
        fake_outputs = discriminator(fake, training=True)
        value = mean(loss.discriminator(real_outputs, fake_outputs), replicas)
        for penalty in penalties:
            terms = penalty.function(lambda x: discriminator(x, training=True), real, fake, mix)
            value += penalty.weight * mean(terms, replicas)
    variables = discriminator.trainable_variables
    gradients = tape.gradient(value, variables)
    optimizer.apply(gradients, variables)
    return DiscriminatorStep(
        Step(value, _faults(value, gradients, variables)), real_outputs, fake_outputs
    )


def generator_step(
    generator: keras.Model,
    discriminator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: LossPair,
    fake: tf.Tensor,
    path: tf.GradientTape,
    replicas: int,
) -> Step:
    """Moves the generator by one step.

    Args:
      generator, discriminator: the networks, in training mode.
      optimizer: of the generator.
      loss: of both players.
      fake: (n, ...) examples of the generator.
      path: the tape that recorded how the generator made them.
      replicas: how many take this step together.
    """
    # `path` recorded the way from the weights to the examples; this tape records their way through
    # the discriminator.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fake)
        value = mean(loss.generator(discriminator(fake, training=True)), replicas)
    variables = generator.trainable_variables
    gradients = path.gradient(fake, variables, output_gradients=tape.gradient(value, fake))
    optimizer.apply(gradients, variables)
    return Step(value, _faults(value, gradients, variables))


def _faults(
    value: tf.Tensor, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]
) -> tf.Tensor:
    weights = [variable.value for variable in variables]
    # In one pass over each tensor, and without copies.
    sizes = tf.stack([value, *(tf.nn.l2_loss(tensor) for tensor in (*gradients, *weights))])
    return tf.cast(~tf.math.is_finite(sizes), tf.float32)
