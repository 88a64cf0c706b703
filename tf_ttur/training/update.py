"""One iteration of the two time-scale update.

The discriminator takes its steps, then the generator takes one, each with its own optimizer.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import losses
from tf_ttur.data import Examples
from tf_ttur.losses import pairs
from tf_ttur.registry import load
from tf_ttur.training import randomness, steps
from tf_ttur.training.collapse import ACCURACY
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.state import State

Tensors = dict[str, tf.Tensor]
Encode = Callable[[tf.Tensor], tf.Tensor]
IsWanted = Callable[[tf.Tensor], tf.Tensor]


class Batches(Protocol):
    """The part of `Examples` that gives batches."""

    def batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: IsWanted | None = None,
    ) -> tf.data.Dataset:
        """As of `Examples`."""


class Update(Protocol):
    """A `tf.function` of one update, as `build_update` describes it."""

    def __call__(self, number: tf.Tensor, iterator: Iterator) -> tuple[Tensors, Tensors]:
        """Makes the update."""

    def get_concrete_function(self, number: tf.Tensor, iterator: Iterator) -> Any:
        """Traces the update, without making it."""


def build_update(
    config: ConfigDict, strategy: tf.distribute.Strategy, state: State, encode: Encode
) -> Update:
    """The update as a `tf.function`.

    The discriminator takes `config.discriminator.steps` steps, each on its own batch and latents.
    Then the generator takes one, with the latents of the last discriminator step
    (`config.latent.shared`, the DCGAN experiments) or with new ones.

    Both orders of the published codes are this one: WGAN-GP's "generator, then critic, without the
    generator at iteration 0" is the same sequence of steps.

    Args:
      config: the validated config.
      strategy: the distribution strategy in whose scope the state was created.
      state: `training.state.State`.
      encode: function that converts a batch to the discriminator's input: `Examples.encode`.

    Returns:
      update(number, iterator): `number` is a scalar int64 tensor, the count of updates so far;
      `iterator` gives the batches of real examples. Returns (values, faults), both on the device,
      without waiting for it.

      values: {"loss/discriminator", "loss/generator"}, float32 scalars, the discriminator's from
        its last step; "accuracy/discriminator" where the loss has a boundary between real and fake;
        "balance" and "convergence" where the loss is balanced.
      faults: {"discriminator", "generator"}, float32 vectors as in `steps.Step`.
    """
    replica = _Replica(config, strategy.num_replicas_in_sync, state, encode)
    num_steps = config.discriminator.steps

    def add_replicas(values: Any) -> Any:
        return tf.nest.map_structure(
            lambda value: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), values
        )

    @tf.function  # separate, so that many steps are traced once
    def discriminator_update(number: tf.Tensor, step: tf.Tensor, batch: Any) -> tf.Tensor:
        return add_replicas(strategy.run(replica.discriminator_faults, (number, step, batch)))

    @tf.function
    def update(number: tf.Tensor, iterator: Iterator) -> tuple[Tensors, Tensors]:
        earlier = [
            discriminator_update(number, tf.constant(step), next(iterator))
            for step in range(num_steps - 1)
        ]
        values, faults = add_replicas(strategy.run(replica.last_steps, (number, next(iterator))))
        faults["discriminator"] = tf.add_n([*earlier, faults["discriminator"]])
        return values, faults

    return update


class _Learned(NamedTuple):
    """A discriminator step and the generated examples that it saw.

    Attributes:
      result: of the step.
      fake: the generated examples.
      path: the tape that recorded how they were made.
    """

    result: steps.DiscriminatorStep
    fake: tf.Tensor
    path: tf.GradientTape


class _Replica:
    """The steps of one replica, which draws its share of the random numbers of the global batch."""

    def __init__(self, config: ConfigDict, replicas: int, state: State, encode: Encode) -> None:
        self._config = config
        self._replicas = replicas
        self._state = state
        self._encode = encode
        self._loss = losses.pair(config.loss, state.balance)
        self._penalties = [
            steps.WeightedPenalty(config.discriminator[penalty.weight], load(penalty.function))
            for penalty in losses.PENALTIES.values()
            if config.discriminator[penalty.weight]
        ]

    def discriminator_faults(
        self, number: tf.Tensor, step: tf.Tensor, batch: tf.Tensor
    ) -> tf.Tensor:
        """Takes a discriminator step that is not the last one of its update; returns its faults."""
        return self._discriminator_step(number, step, batch).result.step.faults

    def last_steps(self, number: tf.Tensor, batch: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Takes the last discriminator step of an update and its generator step.

        Returns:
          (values, faults).
        """
        config = self._config
        state = self._state
        last = config.discriminator.steps - 1
        learned = self._discriminator_step(number, last, batch)
        fake = learned.fake
        path = learned.path
        if not config.latent.shared:
            fake, path = self._generate(number, last + 1)
        generated = steps.generator_step(
            state.generator,
            state.discriminator,
            state.generator_optimizer,
            self._loss,
            fake,
            path,
            self._replicas,
        )
        result = learned.result
        values = {"loss/discriminator": result.step.loss, "loss/generator": generated.loss}
        if self._loss.boundary is not None:
            values[ACCURACY] = pairs.accuracy(self._loss, result.real, result.fake) / self._replicas
        if state.balance is not None:
            values |= self._move_balance(state.balance, result.real, result.fake)
        return values, {"discriminator": result.step.faults, "generator": generated.faults}

    def _discriminator_step(
        self, number: tf.Tensor, step: tf.Tensor | int, batch: tf.Tensor
    ) -> _Learned:
        state = self._state
        real = self._encode(batch)
        fake, path = self._generate(number, step)
        mix = None
        if self._penalties:
            seed = randomness.key(self._config.seed, Purpose.GRADIENT_PENALTY, number, step)
            mix = randomness.share_of_replica(
                tf.random.stateless_uniform((self._config.batch_size,), seed)
            )
        result = steps.discriminator_step(
            state.discriminator,
            state.discriminator_optimizer,
            self._loss,
            self._penalties,
            real,
            fake,
            mix,
            self._replicas,
        )
        return _Learned(result, fake, path)

    def _generate(
        self, number: tf.Tensor, step: tf.Tensor | int
    ) -> tuple[tf.Tensor, tf.GradientTape]:
        """Examples of the generator, and the tape that recorded how they were made."""
        config = self._config
        seed = randomness.key(config.seed, Purpose.LATENTS, number, step)
        shape = (config.batch_size, config.latent.size)
        latents = randomness.share_of_replica(
            randomness.latents(config.latent.distribution, shape, seed)
        )
        with tf.GradientTape() as path:
            fake = self._state.generator(latents, training=True)
        return fake, path

    def _move_balance(self, balance: tf.Variable, real: tf.Tensor, fake: tf.Tensor) -> Tensors:
        """Moves the balance by the mean errors of real and of generated examples.

        Returns:
          This replica's shares of the new balance and of the convergence.
        """
        errors = [steps.mean(real, self._replicas), steps.mean(fake, self._replicas)]
        context = tf.distribute.get_replica_context()
        real_error, fake_error = context.all_reduce(tf.distribute.ReduceOp.SUM, errors)
        equilibrium = self._config.equilibrium
        new, convergence = pairs.next_balance(
            balance, real_error, fake_error, equilibrium.ratio, equilibrium.rate
        )
        balance.assign(new)
        return {"balance": new / self._replicas, "convergence": convergence / self._replicas}


def distribute_batches(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    examples: Batches,
    batch_size: int,
    first_update: int,
) -> Iterator:
    """An iterator over the batches of real examples.

    Args:
      config: the validated config.
      strategy: the distribution strategy.
      examples: what the run learns from.
      batch_size: of one replica.
      first_update: how many updates have been made already.
    """
    replicas = strategy.num_replicas_in_sync
    seed, first, stride = _order(config, strategy, first_update)

    def share(context: tf.distribute.InputContext) -> tf.data.Dataset:
        """The batches of one worker: those of its own replicas."""
        workers = context.num_input_pipelines
        worker = context.input_pipeline_id

        def is_mine(number: tf.Tensor) -> tf.Tensor:
            return number % replicas // (replicas // workers) == worker

        return examples.batches(seed, first, stride, batch_size, None if workers == 1 else is_mine)

    return iter(strategy.distribute_datasets_from_function(share))


def examples_of(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    examples: Examples,
    batch_size: int,
    update: int,
) -> list[list[int]]:
    """The indices of the examples of one update: one list per discriminator step and replica.

    Args:
      config, strategy, examples, batch_size: as in `distribute_batches`.
      update: its number, from 0.
    """
    seed, first, stride = _order(config, strategy, update)
    indices = examples.indices(seed, first, stride, batch_size)
    return [batch.tolist() for batch in indices.take(stride).as_numpy_iterator()]


def _order(
    config: ConfigDict, strategy: tf.distribute.Strategy, first_update: int
) -> tuple[np.ndarray, int, int]:
    """seed, first and stride of `Examples.batches`."""
    stride = strategy.num_replicas_in_sync * config.discriminator.steps
    return randomness.key(config.seed, Purpose.DATA_ORDER).numpy(), first_update * stride, stride
