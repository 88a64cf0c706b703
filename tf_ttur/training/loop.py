"""Training from the first update to the export."""

import math
import pathlib

import tensorflow as tf

from tf_ttur import progress
from tf_ttur.errors import UserError
from tf_ttur.training import devices, evaluation, randomness
from tf_ttur.training import state as states
from tf_ttur.training import update as updates
from tf_ttur.training.clock import Clock
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.run_folder import RunFolder, check

_GRID = 64  # images of a sample grid


def train(config, workdir, inception=None):
    """Trains one GAN; on a folder of the same experiment it goes on where that stopped.

    Args:
      config: a validated config.
      workdir: the run folder.
      inception: where the Inception network is, as in `metrics.inception.locate`.

    Returns:
      The path of the exported generator.

    Raises:
      UserError: input that cannot be used, or a loss that is no longer finite.
    """
    check(workdir, config)
    strategy = devices.mirrored_strategy()
    batch_size = devices.batch_per_replica(config, strategy)
    images = evaluation.open_images(config)
    evaluator = None
    if config.evaluation.every_updates:
        evaluator = evaluation.build_evaluator(config, images, evaluation.load_network(config, inception))

    with strategy.scope():
        state = states.State(config)
    folder = RunFolder(workdir, config)
    manager = state.manager(workdir)
    resumed = state.restore(manager)
    done = int(state.updates.numpy())
    folder.begin(done if resumed else -1)
    clock = Clock(float(state.training_seconds.numpy()))
    update = updates.build_update(config, strategy, state)
    periods = (config.samples_every_updates, config.checkpoint_every_updates, config.evaluation.every_updates)
    iterator = updates.distribute_batches(config, strategy, images, batch_size, done)

    generate = tf.function(lambda latents: state.generator(latents, training=False), reduce_retracing=True)

    def draw(purpose, *counters, count):
        latents = randomness.latents(config.latent.distribution, (count, config.latent.size), randomness.key(config.seed, purpose, *counters))
        return generate(latents)

    def keep(number):
        """Samples and a checkpoint after `number` updates, where they are due."""
        if _due(number, config.samples_every_updates, config.updates):
            folder.images(number, states.to_uint8(draw(Purpose.SAMPLE_GRID, count=_GRID)).numpy())
        if any(_due(number, every, config.updates) for every in (config.checkpoint_every_updates, config.evaluation.every_updates)):
            state.updates.assign(number)
            state.training_seconds.assign(clock.seconds)
            manager.save(checkpoint_number=number)

    def evaluate(number):
        """The metric after `number` updates, where it is due and not known from before."""
        if evaluator and _due(number, config.evaluation.every_updates, config.updates) and not folder.holds(number, evaluator.name):
            values = dict(evaluator.run(lambda batch, count: draw(Purpose.EVALUATION, number, batch, count=count)))
            folder.scalars(number, clock.seconds, values)
            progress.STDERR.print(f"update {number}: " + ", ".join(f"{name} {value:.4g}" for name, value in values.items()))

    progress.STDERR.print(f"{'going on after' if resumed else 'starting at'} update {done} of {config.updates} in {workdir}", soft_wrap=True)
    if not resumed:
        keep(0)
    evaluate(done)
    update.get_concrete_function(tf.constant(0, tf.int64), iterator)  # so that the clock leaves out the tracing
    with progress.bar() as display:
        task = display.add_task("updates", total=config.updates, completed=done)
        clock.start()
        for number in range(done + 1, config.updates + 1):
            try:
                values = update(tf.constant(number - 1, tf.int64), iterator)
            except tf.errors.OpError as error:
                images.explain(error)
                raise
            if _due(number, config.log_every_updates, config.updates):
                values = {name: float(value) for name, value in values.items()}
                folder.scalars(number, clock.seconds, values)
                _check_finite(number, values, manager)
                display.update(task, completed=number, description=" ".join(f"{name} {value:.3f}" for name, value in values.items()))
            if any(_due(number, every, config.updates) for every in periods):
                tf.nest.map_structure(float, values)  # waits for the device, so that the clock counts its work
                with clock.pause():
                    keep(number)
                    evaluate(number)

    target = pathlib.Path(workdir) / "export"
    states.export(config, state.generator, target)
    return target


def _due(number, every, last):
    return bool(every) and (number % every == 0 or number == last)


def _check_finite(number, values, manager):
    for name, value in values.items():
        if not math.isfinite(value):
            raise UserError(
                f"{name} is {value} after {number} updates",
                "a finite loss",
                f"lower the learning rates; the last checkpoint is {manager.latest_checkpoint or 'none yet'}",
            )
