"""Losses that see more than the discriminator's output for each example by itself."""

from collections.abc import Callable

import tensorflow as tf

from tf_ttur.losses import BatchLoss


class Batch:
    """What a loss may look at in one step of a player.

    The discriminator's outputs are computed when a loss first asks for them, and once.

    Args:
      real, fake: real and generated examples, float32 (n, ...).
      score: the discriminator in training mode: a function of examples (m, ...) that returns its
        outputs, float32 (m,).

    Attributes:
      real, fake, score: as above.
    """

    def __init__(
        self, real: tf.Tensor, fake: tf.Tensor, score: Callable[[tf.Tensor], tf.Tensor]
    ) -> None:
        self.real = real
        self.fake = fake
        self.score = score
        # Not `functools.cached_property`: before Python 3.12 it holds a lock while it computes,
        # for which the other replicas would wait for ever where they meet in a batch norm.
        self._real_outputs: tf.Tensor | None = None
        self._fake_outputs: tf.Tensor | None = None

    @property
    def real_outputs(self) -> tf.Tensor:
        """The discriminator's outputs for real examples, float32 (n,)."""
        if self._real_outputs is None:
            self._real_outputs = self.score(self.real)
        return self._real_outputs

    @property
    def fake_outputs(self) -> tf.Tensor:
        """The discriminator's outputs for generated examples, float32 (n,)."""
        if self._fake_outputs is None:
            self._fake_outputs = self.score(self.fake)
        return self._fake_outputs


def global_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean of (n,) values over the global batch, a scalar, and a path for gradients."""
    mean = tf.reduce_mean(values)
    replica = tf.distribute.get_replica_context()
    if replica is not None and replica.num_replicas_in_sync > 1:
        mean = replica.all_reduce(tf.distribute.ReduceOp.MEAN, mean)
    return mean


def _relative(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """How much more real each example is than the mean of the others: real, then fake."""
    real = batch.real_outputs - global_mean(batch.fake_outputs)
    fake = batch.fake_outputs - global_mean(batch.real_outputs)
    return real, fake


def _discriminator_loss(batch: Batch) -> tf.Tensor:
    real, fake = _relative(batch)
    return tf.nn.softplus(-real) + tf.nn.softplus(fake)


def _generator_loss(batch: Batch) -> tf.Tensor:
    real, fake = _relative(batch)
    return tf.nn.softplus(real) + tf.nn.softplus(-fake)


# Jolicoeur-Martineau 2019, RaSGAN: the discriminator estimates how much more real a real example is
# than generated ones are on average; the generator wants the opposite. An output by itself says
# nothing, so there is no boundary.
RELATIVISTIC_AVERAGE = BatchLoss(_discriminator_loss, _generator_loss, boundary=None)
