"""Training from the first update to the export."""

import math
import pathlib

import tensorflow as tf

from tf_ttur import progress
from tf_ttur.errors import UserError
from tf_ttur.quantisation import to_uint8
from tf_ttur.training import devices, evaluation, randomness
from tf_ttur.training import export as exports
from tf_ttur.training import state as states
from tf_ttur.training import update as updates
from tf_ttur.training.clock import Clock
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.run_folder import RunFolder, check

_SHOWN = 64  # samples that are kept


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
    examples = evaluation.open_examples(config)
    examples.check_batches(config.batch_size * config.discriminator.steps)
    vocabulary = evaluation.vocabulary(examples)
    evaluator, network = None, None
    if config.evaluation.every_updates:
        network = evaluation.load_network(config, inception)
    folder = RunFolder(workdir, config, vocabulary)
    with strategy.scope():
        state = states.State(config, len(vocabulary))
    manager = state.manager(workdir)
    resumed = state.restore(manager)
    done = int(state.updates.numpy())
    if config.evaluation.every_updates:
        evaluator = evaluation.build_evaluator(config, examples, network)
    folder.begin(done if resumed else None, evaluator and evaluator.provenance)
    clock = Clock(float(state.training_seconds.numpy()))
    update = updates.build_update(config, strategy, state)
    periods = (config.samples_every_updates, config.checkpoint_every_updates, config.evaluation.every_updates)
    iterator = updates.distribute_batches(config, strategy, examples, batch_size, done)

    generate = tf.function(lambda latents: state.generator(latents, training=False), reduce_retracing=True)

    def draw(purpose, *counters, count):
        latents = randomness.latents(config.latent.distribution, (count, config.latent.size), randomness.key(config.seed, purpose, *counters))
        return generate(latents)

    def keep(number):
        """Samples and a checkpoint after `number` updates, where they are due."""
        if _due(number, config.samples_every_updates, config.updates):
            made = draw(Purpose.SAMPLE_GRID, count=_SHOWN)
            if vocabulary:
                folder.lines(number, [line.decode() for line in exports.to_lines(made, vocabulary).numpy()])
            else:
                folder.images(number, to_uint8(made).numpy())
        before_evaluation = config.evaluation.every_updates if network is not None else 0  # which then takes long
        if any(_due(number, every, config.updates) for every in (config.checkpoint_every_updates, before_evaluation)):
            state.updates.assign(number)
            state.training_seconds.assign(clock.seconds)
            manager.save(checkpoint_number=number)

    def evaluate(number):
        """The metric after `number` updates, where it is due and not known from before."""
        if evaluator and _due(number, config.evaluation.every_updates, config.updates) and not folder.holds(number, evaluator.name):
            values = dict(evaluator.run(lambda batch, count: draw(Purpose.EVALUATION, number, batch, count=count)))
            folder.scalars(number, clock.seconds, values)
            progress.STDERR.print(f"update {number}: " + ", ".join(f"{name} {value:.4g}" for name, value in values.items()))

    where = ", ".join(device.split("device:")[-1] for device in strategy.extended.worker_devices)
    start = f"going on after update {done}" if resumed else "starting"
    progress.STDERR.print(f"{start}: {config.updates} updates on {where}, in {workdir}", soft_wrap=True)
    if not resumed:
        keep(0)
    evaluate(done)
    update.get_concrete_function(tf.constant(0, tf.int64), iterator)  # so that the clock leaves out the tracing
    with progress.Status("updates", done, config.updates) as status:
        clock.start()
        for number in range(done + 1, config.updates + 1):
            try:
                with tf.device("CPU:0"):
                    count = tf.constant(number - 1, tf.int64)
                values = update(count, iterator)
            except tf.errors.OpError as error:
                examples.explain(error)
                raise
            log, pause = (any(_due(number, every, config.updates) for every in due) for due in ((config.log_every_updates,), periods))
            if log or pause:
                values = {name: float(value) for name, value in values.items()}  # waits for the device
                if log:
                    folder.scalars(number, clock.seconds, values | state.weight_norms())
                _check_finite(number, values, manager)
                status.show(number, values)
            if pause:
                with clock.pause():
                    keep(number)
                    evaluate(number)

    target = pathlib.Path(workdir) / "export"
    exports.export(config, state.generator, target, vocabulary)
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
