"""The steps of one update, as one replica takes them.

The custom loop (`training.update`) and `fit` (`tf_ttur.keras.TwoTimeScaleGAN`) both make their
updates here, so that the same networks, data and seed give the same weights by either door.
"""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tf_ttur.losses import BatchLoss, WeightedPenalty, pairs
from tf_ttur.players import Players
from tf_ttur.training import randomness, steps
from tf_ttur.training.average import WeightAverage
from tf_ttur.training.collapse import ACCURACY
from tf_ttur.training.randomness import Purpose

Tensors = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Latents:
    """What a generator draws its examples from.

    Attributes:
      size: numbers in one latent.
      distribution: "uniform" in -1 ... 1 or "normal".
      shared: whether the first generator step of an update uses the latents of its last
        discriminator step.
    """

    size: int
    distribution: str = "normal"
    shared: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Equilibrium:
    """The boundary equilibrium of BEGAN (`pairs.next_balance`).

    Attributes:
      balance: scalar variable, the weight of generated examples in the discriminator's loss.
      ratio, rate: target ratio of the errors, and learning rate of the balance.
    """

    balance: tf.Variable
    ratio: float
    rate: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """How the two players move in an update.

    Attributes:
      seed: of all random numbers.
      steps: how many each player takes in an update.
      latents: of the generator.
      loss: of both players.
      penalties: further terms of the discriminator's loss.
      augment: function (examples, seed) that returns examples of the same shape, applied to real
        and generated examples before the discriminator sees them; gradients pass through it. `seed`
        is a (2,) int32 tensor for `tf.random.stateless_*`, another one in each call and replica.
      ema_decay: of the moving average of the generator's weights; 0 keeps none.
      equilibrium: of a balanced loss.
    """

    seed: int
    steps: Players[int]
    latents: Latents
    loss: BatchLoss
    penalties: Sequence[WeightedPenalty] = ()
    augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None
    ema_decay: float = 0.0
    equilibrium: Equilibrium | None = None


class Draws(NamedTuple):
    """The random numbers of one step, as one replica takes it.

    Attributes:
      latents: (n, latents.size) of the generator's examples.
      mix: (n,) in 0 ... 1 for the penalties; None where there are none.
      seeds: of the augmentation of real and of generated examples, (2,) int32 each; None without.
    """

    latents: tf.Tensor
    mix: tf.Tensor | None
    seeds: tuple[tf.Tensor, tf.Tensor] | None


class _Generated(NamedTuple):
    """Examples of the generator, and the tape that recorded how they were made."""

    examples: tf.Tensor
    path: tf.GradientTape


class Replica:
    """Takes the steps of one replica, with its share of the random numbers of the global batch.

    Args:
      players: both networks with their optimizers.
      rules: how they move.
      replicas: how many take each step together.
      encode: function of a batch of data that returns real examples, float32 (n, ...).
      average: of the generator's weights; None where `rules.ema_decay` is 0.
      compiled: whether XLA compiles the steps. Random numbers are drawn outside of them, because
        XLA would draw others.
    """

    def __init__(
        self,
        players: Players[steps.Player],
        rules: Rules,
        replicas: int,
        encode: Callable[[Any], tf.Tensor],
        average: WeightAverage | None = None,
        compiled: bool = False,
    ) -> None:
        self._players = players
        self._rules = rules
        self._replicas = replicas
        self._encode = encode
        self._average = average
        self._take_discriminator_step: Any = self._discriminator_faults
        self._take_last_steps: Any = self._last_steps
        if compiled:
            self._take_discriminator_step = _compiled(self._discriminator_faults)
            self._take_last_steps = _compiled(self._last_steps)

    def update(self, number: tf.Tensor, batches: Sequence[Any]) -> Tensors:
        """Takes all steps of one update.

        Args:
          number: int64 scalar, the count of updates before this one.
          batches: this replica's part of a batch of data for each discriminator step.

        Returns:
          The values, as `last_steps` gives them.
        """
        for step, batch in enumerate(batches[:-1]):
            self.discriminator_faults(number, step, batch)
        values, _ = self.last_steps(number, batches[-1])
        return values

    def discriminator_faults(
        self, number: tf.Tensor, step: tf.Tensor | int, batch: Any
    ) -> tf.Tensor:
        """Takes a discriminator step that is not the last one of its update.

        Args:
          number: int64 scalar, the count of updates before this one.
          step: of the discriminator in this update, from 0.
          batch: this replica's part of a batch of data.

        Returns:
          The faults of the step.
        """
        return self._take_discriminator_step(batch, self._draw(number, step, batch))

    def last_steps(self, number: tf.Tensor, batch: Any) -> tuple[Tensors, Tensors]:
        """Takes the last discriminator step of an update and its generator steps.

        Args:
          number, batch: as in `discriminator_faults`.

        Returns:
          (values, faults) as `update.build_update` describes them, this replica's shares.
        """
        return self._take_last_steps(batch, self._draws_of_last_steps(number, batch))

    def lower(self, batch: Any) -> None:
        """Lowers the compiled steps to XLA, without taking any.

        Args:
          batch: as in `discriminator_faults`.

        Raises:
          tf.errors.OpError, ValueError: XLA cannot compile them.
        """
        draws = self._draws_of_last_steps(tf.constant(0, tf.int64), batch)
        lowered = self._take_last_steps.experimental_get_compiler_ir(batch, draws)
        # Without this name TensorFlow draws a random number to see its device, which it refuses
        # where operations are deterministic.
        device = tf.distribute.get_strategy().extended.worker_devices[0]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "device_name is being deprecated")
            lowered(stage="hlo", device_name=device)

    def _draws_of_last_steps(self, number: tf.Tensor, batch: Any) -> list[Draws]:
        counts = self._rules.steps
        last = counts.discriminator - 1
        new_draws = counts.generator - (1 if self._rules.latents.shared else 0)
        return [self._draw(number, last + step, batch) for step in range(1 + new_draws)]

    def _discriminator_faults(self, batch: Any, draws: Draws) -> tf.Tensor:
        result, _ = self._discriminator_step(self._encode(batch), draws)
        return result.step.faults

    def _last_steps(self, batch: Any, draws: Sequence[Draws]) -> tuple[Tensors, Tensors]:
        """The last discriminator step with the first draws; generator steps with the others."""
        rules = self._rules
        result, generated = self._discriminator_step(self._encode(batch), draws[0])
        first = 1
        if not rules.latents.shared:
            generated = self._generate(draws[1])
            first = 2
        moved = self._generator_step(result.batch.real, generated)
        faults = moved.faults
        for later in draws[first:]:
            moved = self._generator_step(result.batch.real, self._generate(later))
            faults += moved.faults
        if self._average is not None:
            self._average.move(rules.ema_decay)
        values = {"loss/discriminator": result.step.loss, "loss/generator": moved.loss}
        values |= self._judge(result.batch)
        return values, {"discriminator": result.step.faults, "generator": faults}

    def _discriminator_step(
        self, real: tf.Tensor, draws: Draws
    ) -> tuple[steps.DiscriminatorStep, _Generated]:
        rules = self._rules
        if rules.augment is not None and draws.seeds is not None:
            real = rules.augment(real, draws.seeds[0])
        generated = self._generate(draws)
        result = steps.discriminator_step(
            self._players.discriminator,
            rules.loss,
            rules.penalties,
            real,
            generated.examples,
            draws.mix,
            self._replicas,
        )
        return result, generated

    def _generator_step(self, real: tf.Tensor, generated: _Generated) -> steps.Step:
        return steps.generator_step(
            self._players.generator,
            self._players.discriminator.network,
            self._rules.loss,
            real,
            generated.examples,
            generated.path,
            self._replicas,
        )

    def _generate(self, draws: Draws) -> _Generated:
        rules = self._rules
        with tf.GradientTape() as path:
            fake = self._players.generator.network(draws.latents, training=True)
            fake = tf.cast(fake, tf.float32)
            if rules.augment is not None and draws.seeds is not None:
                fake = rules.augment(fake, draws.seeds[1])
        return _Generated(fake, path)

    def _draw(self, number: tf.Tensor, step: tf.Tensor | int, batch: Any) -> Draws:
        """The random numbers of a step, for as many examples as the batch has."""
        rules = self._rules
        size = _batch_size(batch) * self._replicas
        seed = randomness.key(rules.seed, Purpose.LATENTS, number, step)
        shape = (size, rules.latents.size)
        latents = randomness.latents(rules.latents.distribution, shape, seed)
        mix = None
        if rules.penalties:
            seed = randomness.key(rules.seed, Purpose.GRADIENT_PENALTY, number, step)
            mix = randomness.share_of_replica(tf.random.stateless_uniform((size,), seed))
        seeds = None
        if rules.augment is not None:
            seeds = (self._seed(number, step, 0), self._seed(number, step, 1))
        return Draws(randomness.share_of_replica(latents), mix, seeds)

    def _seed(self, number: tf.Tensor, step: tf.Tensor | int, part: int) -> tf.Tensor:
        """Of the augmentation of real (part 0) or generated examples (part 1), for a replica."""
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group
        return randomness.key(self._rules.seed, Purpose.AUGMENTATION, number, step, part, replica)

    def _judge(self, batch: Any) -> Tensors:
        """This replica's shares of what is said about a discriminator's outputs."""
        rules = self._rules
        values = {}
        if rules.loss.boundary is not None:
            share = pairs.accuracy(rules.loss.boundary, batch.real_outputs, batch.fake_outputs)
            values[ACCURACY] = share / self._replicas
        if rules.equilibrium is not None:
            values |= self._move_balance(rules.equilibrium, batch.real_outputs, batch.fake_outputs)
        return values

    def _move_balance(self, equilibrium: Equilibrium, real: tf.Tensor, fake: tf.Tensor) -> Tensors:
        """Moves the balance by the mean errors of real and of generated examples.

        Returns:
          This replica's shares of the new balance and of the convergence.
        """
        errors = [steps.mean(real, self._replicas), steps.mean(fake, self._replicas)]
        context = tf.distribute.get_replica_context()
        real_error, fake_error = context.all_reduce(tf.distribute.ReduceOp.SUM, errors)
        new, convergence = pairs.next_balance(
            equilibrium.balance, real_error, fake_error, equilibrium.ratio, equilibrium.rate
        )
        equilibrium.balance.assign(new)
        return {"balance": new / self._replicas, "convergence": convergence / self._replicas}


def _compiled(function: Callable[..., Any]) -> Any:
    return tf.function(function, jit_compile=True, autograph=False)


def _batch_size(batch: Any) -> int | tf.Tensor:
    """The number of examples in a batch of data."""
    first = tf.nest.flatten(batch)[0]
    return tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
