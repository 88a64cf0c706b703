"""One step of each player as a function of its arguments: loss, gradients, optimizer.

Losses are means over the global batch: each replica divides its mean by the number of replicas, and
the optimizers add up the replicas' gradients.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from tf_ttur.losses import BatchLoss, WeightedPenalty
from tf_ttur.losses.batches import Batch


class Player(NamedTuple):
    """A network, and how it moves.

    Attributes:
      network: in training mode.
      optimizer: of its trainable variables.
      clip_gradients: the greatest Euclidean norm of the gradient of all its variables together;
        longer gradients are shortened to it. 0 for none.
      clip_weights: the greatest absolute value of a weight after a step. 0 for none.
    """

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    clip_gradients: float = 0.0
    clip_weights: float = 0.0


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
      batch: the examples, with the discriminator's outputs before the step.
    """

    step: Step
    batch: Batch


def mean(values: tf.Tensor, replicas: int) -> tf.Tensor:
    """This replica's share of the mean over the global batch."""
    return tf.reduce_mean(values) / replicas


def score(discriminator: keras.Model, examples: tf.Tensor) -> tf.Tensor:
    """The discriminator's outputs in training mode, float32 (n,), also if it gives (n, 1)."""
    outputs = discriminator(examples, training=True)
    if outputs.shape.rank == 2:
        outputs = outputs[:, 0]
    return tf.cast(outputs, tf.float32)


def discriminator_step(
    player: Player,
    loss: BatchLoss,
    penalties: Sequence[WeightedPenalty],
    real: tf.Tensor,
    fake: tf.Tensor,
    mix: tf.Tensor | None,
    replicas: int,
) -> DiscriminatorStep:
    """Moves the discriminator by one step.

    Args:
      player: the discriminator.
      loss: of both players.
      penalties: further terms of the discriminator's loss.
      real, fake: (n, ...) examples.
      mix: (n,) in 0 ... 1 for the penalties; None where there are none.
      replicas: how many take this step together.
    """
    score_of = functools.partial(score, player.network)
    with tf.GradientTape() as tape:
        batch = Batch(real, fake, score_of)
        value = mean(loss.discriminator(batch), replicas)
        for penalty in penalties:
            terms = penalty.function(score_of, real, fake, mix)
            value += penalty.weight * mean(terms, replicas)
    gradients = tape.gradient(
        value, player.network.trainable_variables, unconnected_gradients="zero"
    )
    return DiscriminatorStep(_move(player, value, gradients, replicas), batch)


def generator_step(
    player: Player,
    discriminator: keras.Model,
    loss: BatchLoss,
    real: tf.Tensor,
    fake: tf.Tensor,
    path: tf.GradientTape,
    replicas: int,
) -> Step:
    """Moves the generator by one step.

    Args:
      player: the generator.
      discriminator: the other network, in training mode.
      loss: of both players.
      real: (n, ...) real examples, for a loss that looks at them.
      fake: (n, ...) examples of the generator.
      path: the tape that recorded how the generator made them.
      replicas: how many take this step together.
    """
    # `path` recorded the way from the weights to the examples; this tape records their way through
    # the discriminator.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fake)
        batch = Batch(real, fake, functools.partial(score, discriminator))
        value = mean(loss.generator(batch), replicas)
    gradients = path.gradient(
        fake,
        player.network.trainable_variables,
        output_gradients=tape.gradient(value, fake, unconnected_gradients="zero"),
        unconnected_gradients="zero",
    )
    return _move(player, value, gradients, replicas)


def _move(player: Player, value: tf.Tensor, gradients: list[tf.Tensor], replicas: int) -> Step:
    """Applies gradients of this replica's share of a loss."""
    variables = player.network.trainable_variables
    if player.clip_gradients:
        gradients = _clip(gradients, player.clip_gradients, replicas)
    player.optimizer.apply(gradients, variables)
    if player.clip_weights:
        for variable in variables:
            limit = player.clip_weights
            variable.assign(tf.clip_by_value(variable.value, -limit, limit))
    return Step(value, _faults(value, gradients, variables))


def _clip(gradients: list[tf.Tensor], norm: float, replicas: int) -> list[tf.Tensor]:
    """Shortens the gradient of the global batch, whatever the number of replicas."""
    if replicas > 1:
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    clipped, _ = tf.clip_by_global_norm(gradients, norm)
    return [gradient / replicas for gradient in clipped]  # the optimizer adds them up again


def _faults(
    value: tf.Tensor, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]
) -> tf.Tensor:
    weights = [variable.value for variable in variables]
    # In one pass over each tensor, and without copies.
    sizes = tf.stack([value, *(tf.nn.l2_loss(tensor) for tensor in (*gradients, *weights))])
    return tf.cast(~tf.math.is_finite(sizes), tf.float32)
