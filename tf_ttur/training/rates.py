"""The two time scales: one optimizer and one learning rate (or schedule) for each player."""

import dataclasses
from typing import Any

import keras
from ml_collections import ConfigDict

from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.optimizers.rules import Rate
from tf_ttur.optimizers.schedules import Schedule
from tf_ttur.players import Players
from tf_ttur.registry import load
from tf_ttur.theory import assumptions


def optimizer(player: Any, steps: int, name: str) -> keras.optimizers.Optimizer:
    """The optimizer of one player.

    Args:
      player: `config.discriminator` or `config.generator`.
      steps: that this player takes in the whole run, over which a schedule falls.
      name: of the optimizer.

    Raises:
      UserError: there is no such optimizer or schedule.
    """
    make = load(OPTIMIZERS.find(player.optimizer).make)
    return make(schedule(player, steps), player, name)


def schedule(player: Any, steps: int) -> Rate:
    """The learning rate of one player: a float where it is constant, else a Keras schedule."""
    return _schedule(player, steps).for_optimizer()


def at_update(config: ConfigDict, update: int) -> Players[float]:
    """The players' rates in the update after `update` ones; the discriminator's is summed over its
    steps.
    """
    discriminator, generator = _schedules(config)
    steps = config.discriminator.steps
    return Players(
        sum(discriminator.at(update * steps + step) for step in range(steps)),
        generator.at(update),
    )


def check_a2(config: ConfigDict) -> assumptions.Finding:
    """Whether the two rates of a run satisfy A2 of Theorem 1.

    The theorem's slow player is the generator, its fast one the discriminator, whose rate is summed
    over its steps in one update. Adam divides its steps by a root of its second moment, so its
    steps are not the rates that A2 speaks of: with Adam A2 does not hold, whatever the schedules.

    Returns:
      A `theory.assumptions.Finding`; its number `schedules_hold` tells of the rates alone.
    """
    finding = assumptions.step_sizes(
        lambda update: at_update(config, update).generator,
        lambda update: at_update(config, update).discriminator,
    )
    others = {
        player: config[player].optimizer
        for player in ("generator", "discriminator")
        if not OPTIMIZERS.find(config[player].optimizer).steps_are_rates
    }
    words = finding.words
    for name in dict.fromkeys(others.values()):
        players = " and ".join(player for player in others if others[player] == name)
        shown = "Adam" if name == "adam" else name
        words += f"; the steps of {shown} ({players}) are not its rates"
    return dataclasses.replace(
        finding,
        holds=finding.holds and not others,
        numbers={**finding.numbers, "schedules_hold": finding.holds},
        words=words,
    )


def _schedules(config: ConfigDict) -> Players[Schedule]:
    steps = config.updates * config.discriminator.steps
    return Players(
        _schedule(config.discriminator, steps), _schedule(config.generator, config.updates)
    )


def _schedule(player: Any, steps: int) -> Schedule:
    make = load(SCHEDULES.find(player.schedule).make)
    return make(float(player.learning_rate), steps, player)
