"""Losses, gradients and weights that are not finite: finding the first one, and reporting it."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training.state import State


class Results(NamedTuple):
    """What an update returned.

    Attributes:
      update: its number, from 1.
      values, faults: as `update.build_update` describes them, on the device.
    """

    update: int
    values: Mapping[str, tf.Tensor]
    faults: Mapping[str, tf.Tensor]


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
    values: Mapping[str, tf.Tensor]


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
        for player, network in players.items():
            names = _tensors(network)
            for name, fault in zip(names, results.faults[player].numpy(), strict=True):
                if fault:
                    return Fault(results.update, player, name, results.values)
    last = unchecked[-1]
    for player, network in players.items():
        for variable in network.non_trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable.value)):
                return Fault(last.update, player, f"weight {variable.path}", last.values)
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
        "values": {name: repr(float(value)) for name, value in fault.values.items()},
        "seed": seed,
        "examples": examples,
        "last_checkpoint": last_checkpoint,
        "to_see_it_again": "run the same command: it resumes from the last checkpoint and draws"
        " the same random numbers",
    }


def error(fault: Fault, last_checkpoint: int, report: str | pathlib.Path) -> UserError:
    """The error that ends the run; `report` names the place of the details."""
    if last_checkpoint:
        cure = "lower the learning rates, and choose another --workdir for the new run"
    else:
        cure = "lower the learning rates and run the command again, which starts over"
    return UserError(
        f"{fault.tensor} of the {fault.player} is not finite, or too large to be squared,"
        f" in update {fault.update}",
        "finite losses, gradients and weights",
        f"{cure}. The last good checkpoint is after {last_checkpoint} updates;"
        f" {report} says how to see this again",
    )


def _tensors(network: keras.Model) -> list[str]:
    """The names of a player's tensors, in the order of the faults of `steps.Step`."""
    paths = [variable.path for variable in network.trainable_variables]
    return [
        "loss",
        *(f"gradient of {path}" for path in paths),
        *(f"weight {path}" for path in paths),
    ]
