"""A trained GAN as a game: both losses over a fixed set of batches, as functions of the weights."""

import itertools
import pathlib

import numpy as np
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur import losses, runs
from tf_ttur.errors import UserError
from tf_ttur.losses.penalties import gradient_penalty
from tf_ttur.theory import assumptions
from tf_ttur.theory.nash import Game
from tf_ttur.training import evaluation, randomness, rates, run_folder, state
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.randomness import Purpose


class Run:
    """A run folder whose networks are at one of its checkpoints.

    Attributes:
      config: the run's config.
      kept: ascending list of the updates after which there is a checkpoint.
      update: that of the present weights.
      game: `theory.nash.Game` of the losses that the update descends, with the networks in training
        mode (batch norm by the batch's moments); G is the generator, D the discriminator.
    """

    def __init__(self, workdir, num_batches, on_product=lambda: None):
        """Opens a run at its newest checkpoint.

        Args:
          workdir: the run folder.
          num_batches: batches of `config.batch_size` real images, latents and penalty points, which
            depend on the run's seed only.
          on_product: as in `Game`.

        Raises:
          UserError: there is no checkpoint, or there are not enough images for batches without
            repetition.
        """
        self._workdir = pathlib.Path(workdir)
        self.config = config = configs.from_json(self._workdir / "config.json")
        examples = evaluation.open_examples(config)
        if examples.num_examples < config.batch_size * num_batches:
            raise UserError(
                f"{examples.word} has {examples.num_examples} examples",
                f"{num_batches} batches of {config.batch_size} without repetition, which the statistics over batches need",
                "ask for fewer --batches",
            )
        vocabulary = run_folder.read_vocabulary(workdir, config)
        if vocabulary != list(examples.vocabulary):
            raise UserError(
                f"{examples.word} has other symbols than {workdir}",
                "the lines that the run was started with",
                "put them back",
            )
        self._state = state.State(config, len(vocabulary))
        self._checkpoints = Checkpoints(workdir, self._state)
        self.kept = self._checkpoints.numbers
        if not self.kept:
            raise UserError(
                f"{workdir} holds no checkpoint", "a run that has been started", "train first"
            )
        self.game = _as_game(config, self._state, examples, num_batches, on_product)
        self.go_to(self.kept[-1])

    @property
    def name(self):
        return f"{configs.run_name(self.config)} after {self.update:,} updates"

    @property
    def rates(self):
        """(a, b): the players' learning rates in the update that led to the present weights."""
        return tuple(reversed(rates.at_update(self.config, max(self.update - 1, 0))))

    def go_to(self, update):
        """Takes the weights of the checkpoint after that many updates."""
        if update not in self.kept:
            raise UserError(
                f"{self._workdir} keeps no checkpoint after {update} updates",
                f"one of {', '.join(map(str, self.kept))}",
                "name one of these",
            )
        self._state.read(self._checkpoints.path(update))
        self.update = update

    def ask_assumptions(self, seed=0):
        """A1, A2, A3 and A5 of Theorem 1 at the present weights, and along the run.

        Returns:
          List of (what was asked, None, `theory.assumptions.Finding`).
        """
        game, point = self.game, self.game.point

        def field(weights):
            game.point = weights
            return game.gradients().mean(0, dtype=np.float64)

        smooth = assumptions.lipschitz(field, [point], steps=(1.0, 1e-1, 1e-2, 1e-3), seed=seed)
        game.point = point
        draws = game.gradients()
        asked = [
            ("gradients of both players, along one random line", smooth),
            ("learning rates", rates.check_a2(self.config)),
            ("gradients of the generator", assumptions.noise_level(draws[:, : game.sizes[0]])),
            ("gradients of the discriminator", assumptions.noise_level(draws[:, game.sizes[0] :])),
            ("weights of both players, over the run", self._bounded()),
        ]
        return [(what, None, finding) for what, finding in asked]

    def _bounded(self):
        """A5 of the weights' norms that training wrote down, if it did."""
        path, norms = self._workdir / "metrics.jsonl", {}
        for row in runs.read_rows(path)[0] if path.exists() else []:
            if row["name"].startswith("weight_norm/"):
                norms.setdefault(row["update"], []).append(
                    np.nan if row["value"] is None else row["value"]
                )
        whole = [pair for pair in norms.values() if len(pair) == 2]
        if not whole:
            return assumptions.Finding(
                "A5", None, {}, "this run wrote down no weight norms; not judged"
            )
        return assumptions.boundedness(np.array(whole))


def _as_game(config, state, examples, num_batches, on_product):
    generator, discriminator, pair = (
        state.generator,
        state.discriminator,
        losses.pair(config.loss, state.balance),
    )
    penalty = config.discriminator.gradient_penalty

    def both(real, latents, mix):
        fake = generator(latents, training=True)
        logits = discriminator(fake, training=True)
        discriminator_loss = tf.reduce_mean(
            pair.discriminator(discriminator(real, training=True), logits)
        )
        if penalty:
            penalties = gradient_penalty(lambda x: discriminator(x, training=True), real, fake, mix)
            discriminator_loss += penalty * tf.reduce_mean(penalties)
        return tf.reduce_mean(pair.generator(logits)), discriminator_loss

    def random(number):
        latents, mix = (
            randomness.key(config.seed, Purpose.DIAGNOSIS, 1, number, part) for part in (0, 1)
        )
        shape = (config.batch_size, config.latent.size)
        return randomness.latents(
            config.latent.distribution, shape, latents
        ), tf.random.stateless_uniform(shape[:1], mix)

    order = randomness.key(config.seed, Purpose.DIAGNOSIS, 0).numpy()
    real = itertools.islice(examples.batches(order, 0, 1, config.batch_size), num_batches)
    real = [tf.one_hot(batch, state.symbols) if state.symbols else batch for batch in real]
    batches = [(batch, *random(number)) for number, batch in enumerate(real)]
    variables = (
        [v.value for v in network.trainable_variables] for network in (generator, discriminator)
    )
    return Game(both, *variables, batches, on_product)
