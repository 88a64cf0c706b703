"""A trained GAN as a game: both losses over a fixed set of batches, as functions of the weights."""

import contextlib
import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import losses, registry, runs
from tf_ttur.data import Examples
from tf_ttur.errors import UserError
from tf_ttur.losses.batches import Batch
from tf_ttur.models import fused
from tf_ttur.players import Players
from tf_ttur.theory import assumptions, nash
from tf_ttur.theory.game import Game
from tf_ttur.training import evaluation, randomness, rates, steps
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.state import State
from tf_ttur.wording import counted

# Positions on the line between two checkpoints at which the descent direction is computed.
_ALPHAS = np.linspace(0, 1.4, 15)


class TrainedGame:
    """The game of a run folder, with the networks at one of its checkpoints.

    Attributes:
      run: the `runs.Run`.
      config: the run's config.
      kept: the update counts of the checkpoints, ascending.
      update: the update count of the current weights.
      game: `theory.game.Game` of the losses that the update descends, with the networks in training
        mode (batch norm by the batch's moments).
    """

    def __init__(
        self,
        workdir: str | pathlib.Path,
        num_batches: int,
        on_product: Callable[[], None] = lambda: None,
    ) -> None:
        """Opens a run at its newest checkpoint.

        Args:
          workdir: the run folder.
          num_batches: number of batches. Each has `config.batch_size` real examples, latents and
            penalty points, which depend on the run's seed only.
          on_product: as in `Game`.

        Raises:
          UserError: there is no checkpoint, the networks, loss or examples cannot be found again,
            or there are not enough examples for batches without repetition.
        """
        self.run = runs.open_run(workdir)
        self.config = self.run.config
        self.kept = self.run.checkpoints
        if not self.kept:
            found = f"{workdir} holds no checkpoint"
            raise UserError(found, "a run that has been started", "train first")
        with _needing(self.run):
            configs.validate(self.config)  # imports the networks and losses that it names
            examples = evaluation.open_examples(self.config)
        _check_examples(examples, self.config, num_batches)
        vocabulary = self.run.vocabulary
        if vocabulary != list(examples.vocabulary):
            raise UserError(
                f"{examples.word} and {workdir} have different vocabularies",
                "the lines that the run was started with",
                "put them back",
            )
        self._state = State(self.config, len(vocabulary))
        variables: Players[Sequence[tf.Variable]] = Players(
            discriminator=[v.value for v in self._state.discriminator.trainable_variables],
            generator=[v.value for v in self._state.generator.trainable_variables],
        )
        batches = _batches(self.config, self._state.symbols, examples, num_batches)
        self.game = Game(_Losses(self.config, self._state), variables, list(batches), on_product)
        self.go_to(self.kept[-1])

    @property
    def name(self) -> str:
        """The name of the run with the current update, for people."""
        return f"{self.run.name} after {counted(self.update, 'update')}"

    @property
    def rates(self) -> Players[float]:
        """The players' learning rates in the update that led to the current weights."""
        return rates.at_update(self.config, max(self.update - 1, 0))

    def go_to(self, update: int) -> None:
        """Loads the weights of the checkpoint after that many updates."""
        if update not in self.kept:
            raise UserError(
                f"{self.run.path} keeps no checkpoint after {counted(update, 'update')}",
                f"one of {', '.join(map(str, self.kept))}",
                "name one of these",
            )
        self._state.read(str(self.run.checkpoint(update)))
        self.update = update

    def path(self, start: int, end: int) -> nash.Path | None:
        """The descent direction along the line from one checkpoint to another.

        Afterwards the networks have the weights of the second checkpoint.

        Args:
          start, end: the updates of the two checkpoints.

        Returns:
          A `theory.nash.Path`; None where both are the same.
        """
        self.go_to(start)
        begin = self.game.point
        self.go_to(end)
        if start == end:
            return None
        cosines, norms = nash.path_angle(self.game, begin, self.game.point, _ALPHAS, self.rates)
        return nash.Path(start, end, _ALPHAS, cosines, norms)

    def ask_assumptions(self, seed: int = 0) -> list[assumptions.Answer]:
        """Checks A1, A2, A3 and A5 of Theorem 1 at the current weights and along the run."""
        game = self.game
        point = game.point
        distances = (1.0, 1e-1, 1e-2, 1e-3)
        smooth = assumptions.lipschitz(self._field, [point], steps=distances, seed=seed)
        game.point = point
        draws = game.split(game.gradients())
        found = {
            "gradients of both players, along one random line": smooth,
            "learning rates": rates.check_a2(self.config),
            "gradients of the generator": assumptions.noise_level(draws.generator),
            "gradients of the discriminator": assumptions.noise_level(draws.discriminator),
            "weights of both players, over the run": bounded_weights(self.run),
        }
        return [assumptions.Answer(of, None, finding) for of, finding in found.items()]

    def _field(self, weights: np.ndarray) -> np.ndarray:
        """Both players' mean gradients at these weights, at which the game stays."""
        self.game.point = weights
        return self.game.gradients().mean(0, dtype=np.float64)


def bounded_weights(run: runs.Run) -> assumptions.Finding:
    """A5, checked on the weight norms that the training recorded, if it did."""
    norms: dict[int, list[float]] = {}
    for row in run.rows:
        if row["name"].startswith("weight_norm/"):
            value = np.nan if row["value"] is None else row["value"]
            norms.setdefault(row["update"], []).append(value)
    of_both_players = [pair for pair in norms.values() if len(pair) == 2]
    if not of_both_players:
        words = "this run recorded no weight norms; not judged"
        return assumptions.Finding("A5", None, {}, words)
    return assumptions.boundedness(np.array(of_both_players))


class _Losses:
    """Both losses of one batch, at the current weights of the networks."""

    def __init__(self, config: ConfigDict, state: State) -> None:
        self._generator = state.generator
        self._discriminator = state.discriminator
        self._loss = losses.as_batch_loss(losses.pair(config.loss, state.balance))
        self._penalties = losses.weighted_penalties(config.discriminator)

    @fused.not_used()
    def __call__(self, real: tf.Tensor, latents: tf.Tensor, mix: tf.Tensor) -> Players[tf.Tensor]:
        fake = tf.cast(self._generator(latents, training=True), tf.float32)
        batch = Batch(real, fake, self._score)
        loss = tf.reduce_mean(self._loss.discriminator(batch))
        for penalty in self._penalties:
            loss += penalty.weight * tf.reduce_mean(penalty.function(self._score, real, fake, mix))
        return Players(discriminator=loss, generator=tf.reduce_mean(self._loss.generator(batch)))

    def _score(self, examples: tf.Tensor) -> tf.Tensor:
        return steps.score(self._discriminator, examples)


@contextlib.contextmanager
def _needing(run: runs.Run) -> Iterator[None]:
    """Says in errors of the block what needs the objects of a run, and what to do without them."""
    try:
        yield
    except UserError as error:
        config = run.config
        named = [*configs.objects(config), config.data.source]
        cure = error.cure
        if any(map(registry.is_given, named)):
            cure = (
                "train a card that names all of them (docs/own_gan.md, A card, and no Python"
                " outside it); a run that was given its objects from Python cannot be examined"
            )
        found = f"nash and theory --run need networks, loss and data of {run.path}: {error.found}"
        raise UserError(found, error.expected, cure) from error


def _check_examples(examples: Examples, config: ConfigDict, num_batches: int) -> None:
    if examples.num_examples < config.batch_size * num_batches:
        raise UserError(
            f"{examples.word} has {counted(examples.num_examples, 'example')}",
            f"{counted(num_batches, 'batch', 'batches')} of {config.batch_size} without "
            "repetition, which the statistics over batches need",
            "ask for fewer --batches",
        )


def _batches(
    config: ConfigDict, symbols: int, examples: Examples, count: int
) -> Iterator[tuple[Any, ...]]:
    """(real examples, latents, mix of the penalties) of each batch."""
    seed = randomness.key(config.seed, Purpose.DIAGNOSIS, 0).numpy()
    real_batches = itertools.islice(examples.batches(seed, 0, 1, config.batch_size), count)
    shape = (config.batch_size, config.latent.size)
    for number, real in enumerate(real_batches):
        latents_seed, mix_seed = (
            randomness.key(config.seed, Purpose.DIAGNOSIS, 1, number, part) for part in (0, 1)
        )
        latents = randomness.latents(config.latent.distribution, shape, latents_seed)
        mix = tf.random.stateless_uniform(shape[:1], mix_seed)
        yield (tf.one_hot(real, symbols) if symbols else real, latents, mix)
