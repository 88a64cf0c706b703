"""The state of one process of a training."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.data import Examples
from tf_ttur.training import compilation, devices, evaluation, faults
from tf_ttur.training import state as states
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.clock import Clock
from tf_ttur.training.interruption import Interruption
from tf_ttur.training.own import Own
from tf_ttur.training.run_folder import RunFolder
from tf_ttur.training.sampling import Sampler
from tf_ttur.training.starts import Start


@dataclasses.dataclass
class Process:
    """The state of one process of a training.

    Attributes:
      config: the validated config.
      workdir: the run folder.
      strategy: the distribution strategy.
      examples: what the run learns from.
      interruption: holds signals back where stopping would lose something.
      own: objects that a Python program gave.
      start: the checkpoint of another run whose weights are the first ones; or None.
      on_values: is called with the values of every row that is written; or None.
      network: the feature network; None where nothing is evaluated, or no network is needed.
      folder: the run folder, open for writing; None where this process is not the chief.
      evaluator: None where nothing is evaluated, or this process is not the chief.
      clock: training time.
      done: how many updates have been made.
      is_whole: whether the state is that after `done` updates, and not in the middle of one.
      due_rows: names of the values that the rows of update `done` must hold.
      save_failed: whether the last attempt to save the state has failed.
      unchecked: the results of the updates since the last check.
      state: networks and optimizers.
      checkpoints: of the state.
      sampler: draws from the generator.
      compiled: whether XLA compiles the updates.
    """

    config: ConfigDict
    workdir: pathlib.Path
    strategy: tf.distribute.Strategy
    examples: Examples
    interruption: Interruption
    own: Own = dataclasses.field(default_factory=Own)
    start: Start | None = None
    on_values: Callable[[int, Mapping[str, float]], None] | None = None
    network: Any = None
    folder: RunFolder | None = None
    evaluator: evaluation.Evaluator | None = None
    clock: Clock = dataclasses.field(default_factory=Clock)
    done: int = 0
    is_whole: bool = True
    due_rows: tuple[str, ...] = ()
    save_failed: bool = False
    unchecked: list[faults.Results] = dataclasses.field(default_factory=list)
    state: states.State = dataclasses.field(init=False)
    checkpoints: Checkpoints = dataclasses.field(init=False)
    sampler: Sampler = dataclasses.field(init=False)
    compiled: bool = dataclasses.field(init=False)

    def build(self) -> None:
        """Builds networks and optimizers with their initial weights."""
        with self.strategy.scope():
            self.state = states.State(self.config, len(self.examples.vocabulary))
        self.checkpoints = Checkpoints(self.workdir, self.state, self.config.keep_checkpoints)
        self.sampler = Sampler(self.config, self.state.generator)
        self.compiled = compilation.decide(
            self.config, self.strategy, self.state, self.examples, self.examples.encode
        )

    @property
    def periods_with_pause(self) -> tuple[int, ...]:
        """Of the work for which the clock pauses: samples, checkpoints and evaluations."""
        return (
            self.config.samples_every_updates,
            self.config.checkpoint_every_updates,
            self.config.evaluation.every_updates,
        )

    def end_of_call(self, at_most: int) -> int:
        """The number of the update after which Python is needed next.

        Args:
          at_most: updates in one call.
        """
        config = self.config
        periods = (
            config.log_every_updates,
            config.check_every_updates,
            *self.periods_with_pause,
        )
        next_due = [self.done // every * every + every for every in periods if every]
        return min(self.done + at_most, config.updates, *next_due)

    @property
    def batch_size(self) -> int:
        """The batch size of one replica."""
        return devices.batch_per_replica(self.config, self.strategy)

    def is_due(self, number: int, every: int) -> bool:
        """Whether work with the period `every` is due after update `number`.

        Such work is due every `every` updates and after the last update; it is never due if `every`
        is 0.
        """
        return bool(every) and (number % every == 0 or number == self.config.updates)
