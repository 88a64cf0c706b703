"""Training from the first update to the export."""

import contextlib
import itertools
import pathlib

import tensorflow as tf

from tf_ttur.data.quantisation import to_uint8
from tf_ttur.errors import Stopped, UserError
from tf_ttur.io import console
from tf_ttur.training import collapse, devices, evaluation, randomness
from tf_ttur.training import export as exports
from tf_ttur.training import state as states
from tf_ttur.training import update as updates
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.clock import Clock
from tf_ttur.training.interruption import Interruption
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.run_folder import RunFolder, check

_SHOWN = 64  # samples that are kept


def train(config, workdir, inception=None, trust=False):
    """Trains one GAN; on a folder of the same experiment it goes on where that stopped.

    Args:
      config: a validated config.
      workdir: the run folder.
      inception, trust: the Inception network, as in `metrics.inception.load`.

    Returns:
      The path of the exported generator.

    Raises:
      UserError: input that cannot be used, or a loss, gradient or weight that is no longer finite.
      Stopped: by SIGINT or SIGTERM, after the update at hand and a checkpoint.
    """
    check(workdir, config)
    strategy = devices.strategy(config)
    devices.batch_per_replica(config, strategy)
    with Interruption() as interruption, _named_as_lost_workers(config):
        examples = evaluation.open_examples(config)
        examples.check_batches(config.batch_size * config.discriminator.steps)
        if not devices.is_chief(strategy):  # computes only: it writes and evaluates nothing
            return _Training(config, strategy, examples, None, workdir, None, interruption).run()
        network = (
            evaluation.load_network(config, inception, trust)
            if config.evaluation.every_updates
            else None
        )
        if network:
            evaluation.check_reference(config, network)
        with contextlib.closing(RunFolder(workdir, config, examples.vocabulary)) as folder:
            return _Training(
                config, strategy, examples, network, workdir, folder, interruption
            ).run()


@contextlib.contextmanager
def _named_as_lost_workers(config):
    """Where several workers train, an operation of the block that fails means that one is gone."""
    try:
        yield
    except tf.errors.OpError as error:
        if config.distribution != "multi_worker":
            raise
        found = f"the workers cannot go on: one may be gone, or have ended with a message ({type(error).__name__})"
        cure = "see what the others say, then start all with the same commands: they go on from the last checkpoint"
        raise UserError(found, "all workers of TF_CONFIG", cure) from error


class _Training:
    """One process of a training; `folder` is None where it is not the chief."""

    def __init__(self, config, strategy, examples, network, workdir, folder, interruption):
        self._config, self._strategy, self._examples, self._folder, self._interruption = (
            config,
            strategy,
            examples,
            folder,
            interruption,
        )
        self._vocabulary = examples.vocabulary
        self._network, self._workdir = network, pathlib.Path(workdir)
        with strategy.scope():
            self._state = states.State(config, len(self._vocabulary))
        self._checkpoints = Checkpoints(workdir, self._state, config.keep_checkpoints)
        self._resumed = self._restore()
        self._done = self._resumed or 0  # updates that the state has seen
        self._evaluator = None
        if folder:
            if config.evaluation.every_updates:
                self._evaluator = evaluation.build_evaluator(config, examples, network)
            provenance, names = (
                (self._evaluator.provenance, self._evaluator.names)
                if self._evaluator
                else (None, ())
            )
            folder.begin(self._resumed, provenance, names, examples.num_examples, examples.skipped)
            self._warn()  # a run that was killed may not have said all
        self._clock = Clock(float(self._state.training_seconds.numpy()))
        self._generate = tf.function(
            lambda latents: self._state.generator(latents, training=False), reduce_retracing=True
        )
        self._unchecked = []  # what the last updates returned

    def run(self):
        """Goes from where the state is to the last update. Returns the path of the export."""
        config, workdir = self._config, self._workdir
        where = ", ".join(
            device.split("device:")[-1] for device in self._strategy.extended.worker_devices
        )
        if len(self._strategy.extended.worker_devices) < self._strategy.num_replicas_in_sync:
            where += f" (of {self._strategy.num_replicas_in_sync} devices in all)"
        start = "starting" if self._resumed is None else f"going on after update {self._done}"
        console.STDERR.print(
            f"{start}: {config.updates} updates on {where}, in {workdir}", soft_wrap=True
        )
        try:
            if self._resumed is None:
                with self._interruption.held():
                    self._keep(0)
            self._evaluate(self._done)
            self._update()
        except Stopped:
            with self._interruption.held():
                self._check()
                if self._folder and self._done not in self._checkpoints.numbers:
                    self._save(self._done)
            raise
        target = workdir / "export"
        if self._folder:
            with self._interruption.held():
                exports.export(config, self._state.generator, target, self._vocabulary)
        devices.ask_chief(self._strategy, 0)  # no worker leaves before
        return target

    def _restore(self):
        """Takes the newest good checkpoint, on all workers the same. Returns its count of updates,
        None without one.
        """
        number = self._checkpoints.restore() if self._folder else None
        number = devices.ask_chief(self._strategy, -1 if number is None else number)
        if number >= 0 and not self._folder:
            self._state.read(self._checkpoints.path(number))
        return None if number < 0 else number

    def _update(self):
        """All updates that are left, with what is due after each."""
        config, clock = self._config, self._clock
        batch_size = devices.batch_per_replica(config, self._strategy)
        iterator = updates.distribute_batches(
            config, self._strategy, self._examples, batch_size, self._done
        )
        update = updates.build_update(config, self._strategy, self._state)
        update.get_concrete_function(
            tf.constant(0, tf.int64), iterator
        )  # so that the clock leaves out the tracing
        periods = (
            config.samples_every_updates,
            config.checkpoint_every_updates,
            config.evaluation.every_updates,
        )
        with console.Status("updates", self._done, config.updates) as status:
            clock.start()
            for number in range(self._done + 1, config.updates + 1):
                pause = any(_due(number, every, config.updates) for every in periods)
                with self._interruption.held():
                    try:
                        with tf.device("CPU:0"):
                            count = tf.constant(number - 1, tf.int64)
                        values, faults = update(count, iterator)
                    except tf.errors.OpError as error:
                        self._examples.explain(error, itertools.chain(*self._indices(number)))
                        raise
                    self._unchecked.append((number, values, faults))
                    self._done = number
                    log = _due(number, config.log_every_updates, config.updates)
                    if log or pause or _due(number, config.check_every_updates, config.updates):
                        values = {
                            name: float(value) for name, value in values.items()
                        }  # waits for the device
                        if log:
                            self._write(number, values | self._state.weight_norms())
                        self._check()
                        status.show(number, values)
                    if pause:
                        with clock.pause():
                            self._keep(number)
                if pause:
                    with clock.pause():
                        self._evaluate(number)

    def _draw(self, purpose, *counters, count):
        latent = self._config.latent
        latents = randomness.latents(
            latent.distribution,
            (count, latent.size),
            randomness.key(self._config.seed, purpose, *counters),
        )
        return self._generate(latents)

    def _keep(self, number):
        """Samples and a checkpoint after `number` updates, where they are due."""
        config = self._config
        if not self._folder:
            return
        if _due(number, config.samples_every_updates, config.updates):
            made = self._draw(Purpose.SAMPLE_GRID, count=_SHOWN)
            if self._vocabulary:
                self._folder.lines(
                    number,
                    [line.decode() for line in exports.to_lines(made, self._vocabulary).numpy()],
                )
            else:
                self._folder.images(number, to_uint8(made).numpy())
        before_evaluation = (
            config.evaluation.every_updates if self._network is not None else 0
        )  # which then takes long
        if any(
            _due(number, every, config.updates)
            for every in (config.checkpoint_every_updates, before_evaluation)
        ):
            self._save(number)

    def _save(self, number):
        self._state.updates.assign(number)
        self._state.training_seconds.assign(self._clock.seconds)
        self._checkpoints.save(number)

    def _evaluate(self, number):
        """The metric after `number` updates, where it is due and not known from before; the best
        state so far is kept.
        """
        evaluator = self._evaluator
        if not (
            evaluator and _due(number, self._config.evaluation.every_updates, self._config.updates)
        ):
            return
        if not self._folder.holds(number, evaluator.name):
            values = dict(
                evaluator.run(
                    lambda batch, count: self._draw(Purpose.EVALUATION, number, batch, count=count)
                )
            )
            with self._interruption.held():
                self._write(number, values)
            console.STDERR.print(
                f"update {number}: "
                + ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            )
        if collapse.best_update(self._folder.rows, evaluator.name) == number:
            with self._interruption.held():
                if number not in self._checkpoints.numbers:
                    self._save(number)
                self._checkpoints.keep_best(number)

    def _write(self, number, values):
        if not self._folder:
            return
        self._folder.scalars(number, self._clock.seconds, values)
        self._warn()

    def _warn(self):
        self._folder.warn(
            collapse.signs(
                self._folder.rows, self._evaluator and self._evaluator.name, self._config.collapse
            )
        )

    def _check(self):
        """Ends the run if a loss, gradient or weight was not finite since the last check."""
        if not self._unchecked:
            return
        networks = {"discriminator": self._state.discriminator, "generator": self._state.generator}
        for number, values, faults in self._unchecked:
            for player, network in networks.items():
                variables = network.trainable_variables
                names = [
                    "loss",
                    *(
                        f"{what} {variable.path}"
                        for what in ("gradient of", "weight")
                        for variable in variables
                    ),
                ]
                for name, fault in zip(names, faults[player].numpy(), strict=True):
                    if fault:
                        raise self._crash(number, player, name, values)
        for player, network in networks.items():
            for variable in network.non_trainable_variables:
                if not tf.reduce_all(tf.math.is_finite(variable.value)):
                    raise self._crash(number, player, f"weight {variable.path}", values)
        self._unchecked.clear()

    def _indices(self, number):
        """Those of the examples of an update (from 1), as `updates.examples_of`."""
        batch_size = devices.batch_per_replica(self._config, self._strategy)
        return updates.examples_of(
            self._config, self._strategy, self._examples, batch_size, number - 1
        )

    def _crash(self, number, player, tensor, values):
        """Writes the report; returns the error."""
        good = self._checkpoints.numbers or [0]
        report = {
            "update": number,
            "player": player,
            "tensor": tensor,
            "values": {name: repr(float(value)) for name, value in values.items()},
            "seed": self._config.seed,
            "examples": self._indices(number),
            "last_checkpoint": good[-1],
            "to_see_it_again": "the same command: it goes on from the last checkpoint, with the same numbers",
        }
        path = self._folder.crash(report) if self._folder else "crash.json of the chief"
        return UserError(
            f"{tensor} of the {player} is not finite, or too large to be squared, in update {number}",
            "finite losses, gradients and weights",
            f"lower the learning rates. The last good checkpoint is after {good[-1]} updates; {path} says how to see this again",
        )


def _due(number, every, last):
    return bool(every) and (number % every == 0 or number == last)
