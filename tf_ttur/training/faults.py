"""Losses, gradients and weights that are not finite: finding the first one, and reporting it."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training.state import State
from tf_ttur.wording import counted


class Results(NamedTuple):
    """What a call of updates returned.

    Attributes:
      first: the number of its first update, from 1.
      num_updates: how many it made.
      values, faults: as `update.Updates` returns them, on the device.
    """

    first: int
    num_updates: int
    values: Mapping[str, tf.Tensor]
    faults: Mapping[str, tf.Tensor]

    def values_of(self, update: int) -> dict[str, float]:
        """The values of one of its updates. Waits for the device."""
        index = update - self.first
        return {
            name: float(np.reshape(value, self.num_updates)[index])
            for name, value in self.values.items()
        }


class Fault(NamedTuple):
    """A tensor that is not finite, or too large to be squared.

    Attributes:
      update: the number of the update, from 1.
      player: "discriminator" or "generator".
      tensor: which of its tensors, in words.
      values: of that update.
    """

    update: int
    player: str
    tensor: str
    values: Mapping[str, float]


def find(state: State, unchecked: Sequence[Results]) -> Fault | None:
    """The first fault in the results of updates, or else in the non-trainable weights.

    Args:
      state: after the last of these updates.
      unchecked: the updates since the last check, in their order.
    """
    if not unchecked:
        return None
    players = {"discriminator": state.discriminator, "generator": state.generator}
    for results in unchecked:
        found = _first_fault(results, players)
        if found is not None:
            return found
    last = unchecked[-1]
    newest = last.first + last.num_updates - 1
    for player, network in players.items():
        for variable in network.non_trainable_variables:
            if not _is_finite(variable.value):
                values = last.values_of(newest)
                return Fault(newest, player, f"weight {variable.path}", values)
    return None


def _first_fault(results: Results, players: Mapping[str, keras.Model]) -> Fault | None:
    """The first fault that the updates themselves have seen."""
    rows = results.num_updates
    faults = {player: np.reshape(results.faults[player], (rows, -1)) for player in players}
    for index in range(rows):
        for player, network in players.items():
            for name, fault in zip(_tensors(network), faults[player][index], strict=True):
                if fault:
                    update = results.first + index
                    return Fault(update, player, name, results.values_of(update))
    return None


def describe(
    fault: Fault, seed: int, examples: Sequence[Sequence[int]], last_checkpoint: int
) -> dict[str, Any]:
    """The content of `crash.json`.

    Args:
      fault: what was found.
      seed: of the run.
      examples: the indices of the examples of that update, as `update.examples_of` gives them.
      last_checkpoint: its count of updates.
    """
    return {
        "update": fault.update,
        "player": fault.player,
        "tensor": fault.tensor,
        "values": {name: repr(value) for name, value in fault.values.items()},
        "seed": seed,
        "examples": examples,
        "last_checkpoint": last_checkpoint,
        "to_see_it_again": "run the same command: it resumes from the last checkpoint and draws"
        " the same random numbers",
    }


class NotFinite(UserError):
    """The error that ends a run with a loss, gradient or weight that is not finite.

    Args:
      found: what was found.
      last_checkpoint: its count of updates.
      advice: how to start again.

    Attributes:
      last_checkpoint: as given.
    """

    def __init__(self, found: object, last_checkpoint: int, advice: str) -> None:
        self.last_checkpoint = last_checkpoint
        cure = f"lower the learning rates{advice}"
        super().__init__(found, "finite losses, gradients and weights", cure)

    def with_command(self, command: str) -> "NotFinite":
        """The same error with a command line as its advice."""
        return NotFinite(self.found, self.last_checkpoint, f", for example:\n    {command}")


def error(
    fault: Fault, last_checkpoint: int, report: str | pathlib.Path, workdir: str | pathlib.Path
) -> NotFinite:
    """The error that ends the run.

    Args:
      fault: what was found.
      last_checkpoint: its count of updates.
      report: the place of the details.
      workdir: the run folder.
    """
    if last_checkpoint:
        call = f'tf_ttur.train(config, NEW_FOLDER, start_from="{workdir}@{last_checkpoint}")'
        advice = f" of the config, then start a new run from the checkpoint:\n    {call}"
    else:
        advice = " and train again in the same folder, which starts over"
    return NotFinite(
        f"{fault.tensor} of the {fault.player} is not finite, or too large to be squared,"
        f" in update {fault.update}\n  the last good checkpoint is after "
        f"{counted(last_checkpoint, 'update')};"
        f" {report} says how to see this again",
        last_checkpoint,
        advice,
    )


def _is_finite(value: tf.Tensor) -> bool:
    """Whether all numbers are finite; those of other types, such as seeds, always are."""
    value = tf.convert_to_tensor(value)
    return not value.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(value)))


def _tensors(network: keras.Model) -> list[str]:
    """The names of a player's tensors, in the order of the faults of `steps.Step`."""
    paths = [variable.path for variable in network.trainable_variables]
    return [
        "loss",
        *(f"gradient of {path}" for path in paths),
        *(f"weight {path}" for path in paths),
    ]
