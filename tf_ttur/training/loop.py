"""Training from the first update to the export."""

import contextlib
import itertools
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry, runs
from tf_ttur.errors import Stopped, UserError
from tf_ttur.io import console, paths
from tf_ttur.io.ending import watchdog
from tf_ttur.metrics.precision import tensor_float_32
from tf_ttur.training import (
    collapse,
    compilation,
    devices,
    evaluation,
    faults,
    networks,
    presentation,
    resident,
    starts,
    surroundings,
    trackers,
)
from tf_ttur.training import export as exports
from tf_ttur.training import update as updates
from tf_ttur.training.clock import Clock
from tf_ttur.training.interruption import Interruption
from tf_ttur.training.own import Own, separate
from tf_ttur.training.process import Process
from tf_ttur.training.run_folder import RunFolder, check
from tf_ttur.training.status import status_text
from tf_ttur.training.trackers import OnValues
from tf_ttur.wording import counted

_SHOWN = 64  # samples that are kept


def train(
    config: ConfigDict | Mapping[str, Any] | str,
    workdir: str | pathlib.Path,
    inception: str | pathlib.Path | None = None,
    trust: bool = False,
    *,
    discriminator: keras.Model | None = None,
    generator: keras.Model | None = None,
    loss: Any = None,
    examples: Any = None,
    on_values: OnValues | None = None,
    start_from: str | os.PathLike[str] | None = None,
    start_with_optimizers: bool = False,
) -> pathlib.Path:
    """Trains one GAN, or resumes the same experiment where it stopped.

    The process is left as it was found: see `surroundings`.

    Args:
      config: a config, which is validated before anything else; or the word of a card.
      workdir: the run folder.
      inception, trust: the Inception network, as in `metrics.inception.load`.
      discriminator, generator: networks in place of those that the config names.
      loss: a name, a `losses.LossPair`, a `losses.Loss` or a function, in place of `config.loss`.
      examples: an array, a `tf.data.Dataset` or a word, in place of what the config names.
      on_values: is called with the values of every row of `metrics.jsonl` when it is written, as
        `trackers.listener` describes.
      start_from: RUN, RUN@UPDATE or RUN@best: a new run begins with the weights of that checkpoint.
        A run that has begun with it resumes.
      start_with_optimizers: takes over the state of its optimizers, too.

    Returns:
      The path of the exported generator.

    Raises:
      UserError: input that cannot be used, or a loss, gradient or weight that is no longer finite.
      Stopped: by a signal (`Interruption`), after the current update and a checkpoint.

    Any other exception leaves as it is. If it did not come from within an update, the state is
    saved first.
    """
    # Long: what the arguments are takes most of it.
    own = Own(discriminator, generator, loss, examples)
    listen = None if on_values is None else trackers.listener(on_values)
    workdir = paths.local(workdir, "--workdir")
    with registry.given(own.objects()):
        config, own = separate(config, own)
        config = runs.open_run(workdir).settled(configs.validated(config))
        check(workdir, config)
        start = starts.find(workdir, start_from, start_with_optimizers)
        return _train(config, workdir, own, start, listen, inception, trust)


def _train(
    config: ConfigDict,
    workdir: pathlib.Path,
    own: Own,
    start: starts.Start | None,
    listen: OnValues | None,
    inception: str | pathlib.Path | None,
    trust: bool,
) -> pathlib.Path:
    """As `train`, with a validated config."""
    with (
        surroundings.restored(),
        Interruption() as interruption,
        _named_as_lost_workers(config),
        networks.keras_defaults(),
    ):
        strategy = devices.strategy(config)
        devices.batch_per_replica(config, strategy)
        real = evaluation.open_examples(config, own.examples)
        real.check_batches(config.batch_size * config.discriminator.steps)
        process = Process(config, workdir, strategy, real, interruption, own, start, listen)
        process.build()
        if start is not None:
            start.check(config, process.state, real.vocabulary)
        elif own:
            starts.check_resumed(workdir, process.state)
        if not devices.is_chief(strategy):  # only the chief writes and evaluates
            return _run(process)
        if config.evaluation.every_updates:
            process.network = evaluation.load_network(config, inception, trust)
            evaluation.check_reference(config, process.network)
        with contextlib.closing(RunFolder(workdir, config, real)) as folder:
            process.folder = folder
            return _run(process)


def _run(process: Process) -> pathlib.Path:
    """Trains in one process. Returns the path of the export."""
    resumed = _restore(process)
    if resumed is None and process.start is not None:
        with process.strategy.scope():
            process.start.apply(process.state)
    _begin(process, resumed)
    try:
        with process.interruption.held():
            if resumed is None:
                _keep(process, 0)
            elif process.folder and not process.folder.has_samples(resumed):
                _write_samples(process, resumed)  # which may have failed after that update
        _evaluate(process, process.done)
        _make_updates(process)
        return _export(process)
    except Stopped:
        with process.interruption.held():
            _check(process)
            if process.folder and process.done not in process.checkpoints.numbers:
                _save(process, process.done)
        raise
    except Exception:
        _save_what_is_whole(process)
        raise


def _save_what_is_whole(process: Process) -> None:
    """Saves the state before an exception ends the training. Never raises another one.

    Nothing is saved in the middle of an update, before the first one, after a fault, or without the
    rows of `metrics.jsonl` that belong to it: a resume would not make them again.
    """
    number = process.done
    folder = process.folder
    if not folder or not number or not process.is_whole or process.save_failed:
        return
    if not all(folder.holds(number, name) for name in process.due_rows):
        return
    try:
        if number in process.checkpoints.numbers:
            return
        with process.interruption.held():
            if faults.find(process.state, process.unchecked) is not None:
                return
            _save(process, number)
    except (Exception, Stopped) as error:
        if number not in process.checkpoints.numbers:
            console.say(f"the state after update {number} could not be saved either: {error}")
            return
    console.say(f"the state after update {number} is saved")


def _restore(process: Process) -> int | None:
    """Restores the newest good checkpoint, the same one on all workers.

    Returns:
      The checkpoint's count of updates; None if there is no checkpoint.
    """
    number = process.checkpoints.restore() if process.folder else None
    number = devices.ask_chief(process.strategy, -1 if number is None else number)
    if number < 0:
        return None
    if not process.folder:
        process.state.read(process.checkpoints.path(number))
    return number


def _begin(process: Process, resumed: int | None) -> None:
    """Prepares clock, evaluator and run folder for the updates that are left."""
    config = process.config
    process.done = resumed or 0
    process.clock = Clock(float(process.state.training_seconds.numpy()))
    if process.folder:
        if config.evaluation.every_updates:
            process.evaluator = evaluation.build_evaluator(
                config, process.examples, process.network
            )
        process.folder.begin(
            resumed,
            process.examples,
            process.evaluator,
            process.own,
            process.start,
            process.compiled,
        )
        _warn(process)  # a run that was killed may not have written all warnings
    if resumed is not None:
        begins = f"resuming after update {resumed}"
    elif process.start is not None:
        begins = f"starting with the weights of {process.start}"
    else:
        begins = "starting"
        if process.folder:
            networks.warn_of_no_negative(config, process.state.generator)
    shown = presentation.of_config(config, process.examples.vocabulary)
    notes = [shown.count(process.examples.num_examples), *getattr(process.examples, "notes", [])]
    console.say(f"training on {process.examples.word}: {'; '.join(notes)}")
    where = devices.describe(process.strategy)
    console.say(f"{begins}: {counted(config.updates, 'update')} on {where}, in {process.workdir}")


def _make_updates(process: Process) -> None:
    """Makes all updates that are left, and the work that is due after each."""
    config = process.config
    calls, iterator = _prepare_updates(process)
    with (
        tensor_float_32(config.model.precision == "tf32"),
        console.Status("updates", process.done, config.updates) as status,
    ):
        process.clock.start()
        while process.done < config.updates:
            number = process.end_of_call(calls.at_most)
            pause = any(process.is_due(number, every) for every in process.periods_with_pause)
            log = process.is_due(number, config.log_every_updates)
            with process.interruption.held():
                process.is_whole = False
                results = _call(process, calls, iterator, number)
                process.unchecked.append(results)
                process.done = number
                process.due_rows = tuple(results.values) if log else ()
                process.is_whole = True
                if log or pause or process.is_due(number, config.check_every_updates):
                    values = results.values_of(number)  # waits for the device
                    if log:
                        _write(process, number, values | process.state.weight_norms())
                    _check(process)
                    status.show(number, status_text(values, _last_evaluation(process)))
                if pause:
                    with process.clock.pause(), tensor_float_32(False):
                        _keep(process, number)
            if pause:
                with process.clock.pause(), tensor_float_32(False):
                    _evaluate(process, number)


def _prepare_updates(process: Process) -> tuple[updates.Updates, Iterator | None]:
    """What makes the updates, traced and compiled, and the batches for it.

    The clock does not count this, since it happens once in a process.
    """
    config = process.config
    strategy = process.strategy
    arguments = (config, strategy, process.examples, process.batch_size)
    local = resident.resident(*arguments)

    def batches() -> Iterator | None:
        return None if local else updates.distribute_batches(*arguments, process.done)

    update = updates.build_update(
        config, strategy, process.state, process.examples.encode, process.compiled, local
    )
    calls = updates.Updates(update, compilation.updates_per_call(config))
    iterator = batches()
    calls.trace(iterator)
    if process.compiled and process.done < config.updates:
        console.say("compiling the updates")
        first = process.done + 1
        # XLA compiles in the first call. On a GPU that takes as long as thousands of updates.
        with tensor_float_32(config.model.precision == "tf32"), process.state.taken_back():
            _call(process, calls, iterator, first).values_of(first)  # waits for the device
        iterator = batches()
    return calls, iterator


def _call(
    process: Process, calls: updates.Updates, iterator: Iterator | None, last: int
) -> faults.Results:
    """Makes the updates up to number `last` in one call, without waiting for the device.

    Raises:
      UserError: an example cannot be read.
    """
    first = process.done + 1
    count = last - process.done
    try:
        with watchdog.waits():
            values, found = calls(process.done, count, iterator)
    except tf.errors.OpError as error:
        numbers = range(first, last + 1)
        indices = [indices for n in numbers for indices in _indices_of_examples(process, n)]
        process.examples.explain(error, itertools.chain(*indices))
        raise
    return faults.Results(first, count, values, found)


def _keep(process: Process, number: int) -> None:
    """Writes samples and a checkpoint after `number` updates, where they are due."""
    config = process.config
    if not process.folder:
        return
    _write_samples(process, number)
    # An evaluation with a network takes long, so the state is saved before it.
    before_evaluation = config.evaluation.every_updates if process.network is not None else 0
    if process.is_due(number, config.checkpoint_every_updates) or process.is_due(
        number, before_evaluation
    ):
        _save(process, number)


def _write_samples(process: Process, number: int) -> None:
    """Writes samples after `number` updates, where they are due."""
    if process.folder and process.is_due(number, process.config.samples_every_updates):
        shown = presentation.of_config(process.config, process.examples.vocabulary)
        with process.state.presented():
            samples = process.sampler.fixed(_SHOWN)
        shown.write(process.folder, number, samples)


def _save(process: Process, number: int) -> None:
    """Writes a checkpoint."""
    process.save_failed = True
    process.state.updates.assign(number)
    process.state.training_seconds.assign(process.clock.seconds)
    process.checkpoints.save(number)
    process.save_failed = False


def _evaluate(process: Process, number: int) -> None:
    """Measures the generator after `number` updates, if that is due and has not been done yet.

    Keeps a copy of the best checkpoint so far.
    """
    evaluator = process.evaluator
    folder = process.folder
    if not folder or not evaluator:
        return
    if not process.is_due(number, process.config.evaluation.every_updates):
        return
    if not folder.holds(number, evaluator.name):
        values = _measure(process, evaluator, number)
        with process.interruption.held():
            _write(process, number, values)
        words = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        console.say(f"update {number}: {words}")
    if collapse.best_update(folder.rows, evaluator.name) == number:
        with process.interruption.held():
            if number not in process.checkpoints.numbers:
                _save(process, number)
            process.checkpoints.keep_best(number)


def _measure(process: Process, evaluator: evaluation.Evaluator, number: int) -> dict[str, float]:
    """The values of the generator after `number` updates, by their names.

    Those of its weights without the average have names that end in "_live", where both are asked
    for.
    """
    with process.state.presented():
        values = dict(evaluator.run(process.sampler.for_evaluation(number)))
    if process.state.average is not None and process.config.evaluation.weights == "both":
        live = evaluator.run(process.sampler.for_evaluation(number))
        values |= {f"{name}_live": value for name, value in live}
    return values


def _last_evaluation(process: Process) -> runs.Row | None:
    """The row of the last value of the metric; None if there is none."""
    if not process.folder or not process.evaluator:
        return None
    rows = reversed(process.folder.rows)
    return next((row for row in rows if row["name"] == process.evaluator.name), None)


def _write(process: Process, number: int, values: Mapping[str, float]) -> None:
    """Writes rows, and the warnings that follow from them."""
    if process.folder:
        process.folder.scalars(number, process.clock.seconds, values)
        _warn(process)
        if process.on_values is not None:
            process.on_values(number, values)


def _warn(process: Process) -> None:
    """Writes and prints warnings of a collapse."""
    if process.folder:
        metric = process.evaluator.name if process.evaluator else None
        settings = process.config.collapse
        process.folder.warn(collapse.signs(process.folder.rows, metric, settings))


def _check(process: Process) -> None:
    """Ends the run if a loss, gradient or weight was not finite since the last check."""
    fault = faults.find(process.state, process.unchecked)
    if fault is not None:
        raise _crash(process, fault)
    process.unchecked.clear()


def _crash(process: Process, fault: faults.Fault) -> UserError:
    """Writes the report of a fault; returns the error."""
    last_checkpoint = [0, *process.checkpoints.numbers][-1]
    place: str | pathlib.Path = "crash.json of the chief"
    if process.folder:
        examples = _indices_of_examples(process, fault.update)
        report = faults.describe(fault, process.config.seed, examples, last_checkpoint)
        place = process.folder.crash(report)
    return faults.error(fault, last_checkpoint, place, process.workdir)


def _indices_of_examples(process: Process, number: int) -> list[list[int]]:
    """The indices of the examples of update `number`, as `updates.examples_of` gives them."""
    return updates.examples_of(
        process.config, process.strategy, process.examples, process.batch_size, number - 1
    )


def _export(process: Process) -> pathlib.Path:
    """Exports the generator. Returns the path of the export."""
    target = process.workdir / runs.EXPORT
    if process.folder:
        vocabulary = process.examples.vocabulary
        with process.interruption.held(), process.state.presented():
            exports.export(process.config, process.state.generator, target, vocabulary)
    devices.ask_chief(process.strategy, 0)  # all workers wait here for the export
    return target


@contextlib.contextmanager
def _named_as_lost_workers(config: ConfigDict) -> Iterator[None]:
    """Where several workers train, reports a failed operation of the block as a lost worker."""
    try:
        yield
    except tf.errors.OpError as error:
        if config.distribution != "multi_worker":
            raise
        raise UserError(
            "the workers cannot continue: one may be gone, or have ended with a message"
            f" ({type(error).__name__})",
            "all workers of TF_CONFIG",
            "read what the others say, then start all with the same commands: they resume from"
            " the last checkpoint",
        ) from error
