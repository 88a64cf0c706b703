"""Outputs of a run's generator, as functions of the run's seed."""

from collections.abc import Callable

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.training import randomness
from tf_ttur.training.randomness import Purpose


class Sampler:
    """Draws from a generator with its current weights, outside of training mode.

    Args:
      config: the validated config.
      generator: the network.
    """

    def __init__(self, config: ConfigDict, generator: keras.Model) -> None:
        self._config = config
        self._generate = tf.function(
            lambda latents: generator(latents, training=False), reduce_retracing=True
        )

    def fixed(self, count: int) -> tf.Tensor:
        """`count` outputs, always from the same latents."""
        return self._draw(count, Purpose.SAMPLE_GRID)

    def for_evaluation(self, update: int) -> Callable[[int, int], tf.Tensor]:
        """The function that draws samples for the evaluation after `update` updates.

        It takes (batch number, count) and gives `count` outputs.
        """
        return lambda batch, count: self._draw(count, Purpose.EVALUATION, update, batch)

    def _draw(self, count: int, purpose: Purpose, *counters: int) -> tf.Tensor:
        latent = self._config.latent
        seed = randomness.key(self._config.seed, purpose, *counters)
        return self._generate(randomness.latents(latent.distribution, (count, latent.size), seed))
