"""One iteration of the two time-scale update.

The discriminator takes its steps, then the generator takes its own, each with its own optimizer.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import losses
from tf_ttur.data import Examples
from tf_ttur.models import AUGMENTATIONS
from tf_ttur.players import Players
from tf_ttur.training import randomness, steps
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.replica import Equilibrium, Latents, Replica, Rules, Tensors
from tf_ttur.training.state import State

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

    def __call__(self, number: tf.Tensor, iterator: Iterator | None) -> tuple[Tensors, Tensors]:
        """Makes the update."""

    def get_concrete_function(self, number: tf.Tensor, iterator: Iterator | None) -> Any:
        """Traces the update, without making it."""


class Updates:
    """Several updates per call.

    Args:
      update: of `build_update`.
      at_most: how many in a call. With more than 1 they are a loop on the device, which does not
        wait for Python between them. The weights are those of single calls, bit for bit.
    """

    def __init__(self, update: Update, at_most: int = 1) -> None:
        self._update = update
        self._loop = tf.function(self._make_in_loop, autograph=False)
        self.at_most = at_most

    def trace(self, iterator: Iterator | None) -> None:
        """Prepares the calls, without making an update."""
        number = tf.constant(0, tf.int64)
        if self.at_most == 1:
            self._update.get_concrete_function(number, iterator)
        else:
            self._loop.get_concrete_function(number, number, iterator)

    def __call__(
        self, first: int, count: int, iterator: Iterator | None
    ) -> tuple[Tensors, Tensors]:
        """Makes updates.

        Args:
          first: the count of updates before these.
          count: how many to make, 1 to `at_most`.
          iterator: gives the batches of real examples.

        Returns:
          (values, faults) as of `build_update`. If `at_most` is not 1, each tensor has another
          first axis, of length `count`.
        """
        with tf.device("CPU:0"):
            number = tf.constant(first, tf.int64)
            total = tf.constant(count, tf.int64)
        if self.at_most == 1:
            return self._update(number, iterator)
        return self._loop(number, total, iterator)

    def _make_in_loop(
        self, first: tf.Tensor, count: tf.Tensor, iterator: Iterator | None
    ) -> tuple[Tensors, Tensors]:
        results = self._update.get_concrete_function(first, iterator).structured_outputs
        size = tf.cast(count, tf.int32)
        arrays = [
            tf.TensorArray(one.dtype, size, element_shape=one.shape)
            for one in tf.nest.flatten(results)
        ]

        def make_one(index: tf.Tensor, arrays: list[tf.TensorArray]) -> Any:
            found = tf.nest.flatten(self._update(first + index, iterator))
            place = tf.cast(index, tf.int32)
            pairs = zip(arrays, found, strict=True)
            return index + 1, [array.write(place, one) for array, one in pairs]

        start = (tf.constant(0, tf.int64), arrays)
        # One after another, so that the updates of a loop are those of single calls.
        _, arrays = tf.while_loop(
            lambda index, _: index < count, make_one, start, parallel_iterations=1
        )
        return tf.nest.pack_sequence_as(results, [array.stack() for array in arrays])


def build_update(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    state: State,
    encode: Encode,
    compiled: bool = False,
    resident: Callable[[tf.Tensor, tf.Tensor], Any] | None = None,
) -> Update:
    """The update as a `tf.function`.

    The discriminator takes `config.discriminator.steps` steps, each on its own batch and latents.
    Then the generator takes `config.generator.steps`, the first with the latents of the last
    discriminator step (`config.latent.shared`, the DCGAN experiments) or with new ones.

    Both orders of the published codes are this one: WGAN-GP's "generator, then critic, without the
    generator at iteration 0" is the same sequence of steps.

    Args:
      config: the validated config.
      strategy: the distribution strategy in whose scope the state was created.
      state: `training.state.State`.
      encode: function that converts a batch to the discriminator's input: `Examples.encode`.
      compiled: whether XLA compiles the steps, under a `OneDeviceStrategy` only.
      resident: gives the batches in place of an iterator, as `resident.resident` returns it.

    Returns:
      update(number, iterator): `number` is a scalar int64 tensor, the count of updates so far;
      `iterator` gives the batches of real examples; it is None with `resident`. Returns (values,
      faults), both on the device, without waiting for it.

      values: {"loss/discriminator", "loss/generator"}, float32 scalars, from the last step of each
        player; "accuracy/discriminator" where the loss has a boundary between real and fake;
        "balance" and "convergence" where the loss is balanced.
      faults: {"discriminator", "generator"}, float32 vectors as in `steps.Step`.
    """
    replica = build_replica(config, strategy, state, encode, compiled)
    num_steps = config.discriminator.steps

    def add_replicas(values: Any) -> Any:
        return tf.nest.map_structure(
            lambda value: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), values
        )

    take_step, take_last_steps = _steps_of(replica, num_steps, resident)

    @tf.function  # separate, so that many steps are traced once
    def discriminator_update(number: tf.Tensor, step: tf.Tensor, *batch: Any) -> tf.Tensor:
        return add_replicas(strategy.run(take_step, (number, step, *batch)))

    @tf.function
    def update(number: tf.Tensor, iterator: Iterator | None) -> tuple[Tensors, Tensors]:
        earlier = [
            discriminator_update(number, tf.constant(step), *_batch_of(iterator))
            for step in range(num_steps - 1)
        ]
        values, faults = add_replicas(strategy.run(take_last_steps, (number, *_batch_of(iterator))))
        faults["discriminator"] = tf.add_n([*earlier, faults["discriminator"]])
        return values, faults

    return update


def _batch_of(iterator: Iterator | None) -> tuple[Any, ...]:
    """A batch from the host as the last argument of a step; () where it is on the device."""
    return () if iterator is None else (next(iterator),)


def _steps_of(
    replica: Replica, num_steps: int, resident: Callable[[tf.Tensor, tf.Tensor], Any] | None
) -> tuple[Callable[..., tf.Tensor], Callable[..., tuple[Tensors, Tensors]]]:
    """A discriminator step and the last steps of an update, for `Strategy.run`.

    They take numbers, and a batch of data unless `resident` gives it.
    """

    def take_step(number: tf.Tensor, step: tf.Tensor, *given: Any) -> tf.Tensor:
        batch = resident(number, step) if resident else given[0]
        return replica.discriminator_faults(number, step, batch)

    def take_last_steps(number: tf.Tensor, *given: Any) -> tuple[Tensors, Tensors]:
        batch = resident(number, tf.constant(num_steps - 1)) if resident else given[0]
        return replica.last_steps(number, batch)

    return take_step, take_last_steps


def build_replica(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    state: State,
    encode: Encode,
    compiled: bool = False,
) -> Replica:
    """What takes the steps of `build_update`, with the same arguments."""
    return Replica(
        _players(config, state),
        rules_of(config, state.balance),
        strategy.num_replicas_in_sync,
        encode,
        state.average,
        compiled,
    )


def rules_of(config: ConfigDict, balance: tf.Variable | None) -> Rules:
    """How the two players of a config move.

    Args:
      config: the validated config.
      balance: of a balanced loss, else None.
    """
    augment = None
    if config.discriminator.augment:
        augment = AUGMENTATIONS.find(config.discriminator.augment)
    equilibrium = None
    if balance is not None:
        settings = config.equilibrium
        equilibrium = Equilibrium(balance=balance, ratio=settings.ratio, rate=settings.rate)
    return Rules(
        seed=config.seed,
        steps=Players(discriminator=config.discriminator.steps, generator=config.generator.steps),
        latents=Latents(
            size=config.latent.size,
            distribution=config.latent.distribution,
            shared=config.latent.shared,
        ),
        loss=losses.as_batch_loss(losses.pair(config.loss, balance)),
        penalties=losses.weighted_penalties(config.discriminator),
        augment=augment,
        ema_decay=config.generator.ema_decay,
        equilibrium=equilibrium,
    )


def _players(config: ConfigDict, state: State) -> Players[steps.Player]:
    return Players(
        discriminator=steps.Player(
            state.discriminator,
            state.discriminator_optimizer,
            config.discriminator.clip_gradients,
            config.discriminator.clip_weights,
        ),
        generator=steps.Player(
            state.generator, state.generator_optimizer, config.generator.clip_gradients
        ),
    )


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
    seed, first, stride = order_of(config, strategy, first_update)

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
    seed, first, stride = order_of(config, strategy, update)
    indices = examples.indices(seed, first, stride, batch_size)
    return [batch.tolist() for batch in indices.take(stride).as_numpy_iterator()]


def order_of(
    config: ConfigDict, strategy: tf.distribute.Strategy, first_update: int
) -> tuple[np.ndarray, int, int]:
    """seed, first and stride of `Examples.batches`."""
    stride = strategy.num_replicas_in_sync * config.discriminator.steps
    return randomness.key(config.seed, Purpose.DATA_ORDER).numpy(), first_update * stride, stride
