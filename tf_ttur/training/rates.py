"""The two time scales: one optimizer and one learning rate (or schedule) for each player."""

import dataclasses
from typing import Any

import keras
from ml_collections import ConfigDict

from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.optimizers.rules import Rate
from tf_ttur.optimizers.schedules import Schedule, Warmup
from tf_ttur.players import Players
from tf_ttur.registry import load
from tf_ttur.theory import assumptions
from tf_ttur.training import own_objects


def optimizer(player: Any, steps: int, name: str) -> keras.optimizers.Optimizer:
    """The optimizer of one player.

    Args:
      player: `config.discriminator` or `config.generator`.
      steps: how many this player takes in the whole run, over which a schedule falls.
      name: of the optimizer.

    Raises:
      UserError: there is no such optimizer or schedule.
    """
    make = load(OPTIMIZERS.find(player.optimizer).make)
    rate = schedule(player, steps)
    with own_objects.named(player.optimizer, "the optimizer"):
        result = make(rate, player, name)
        if not isinstance(result, keras.optimizers.Optimizer):
            raise TypeError(f"it gives {type(result).__name__}, not a Keras optimizer")
    return result


def schedule(player: Any, steps: int) -> Rate:
    """The learning rate of one player: a float where it is constant, else a Keras schedule."""
    falling = _schedule(player, steps)
    with own_objects.named(player.schedule, "the schedule"):
        return falling.for_optimizer()


def at_update(config: ConfigDict, update: float) -> Players[float]:
    """The players' learning rates in the update that follows `update` updates.

    Each is summed over the steps of its player.
    """
    schedules = _schedules(config)
    return Players(
        discriminator=_sum_of_steps(schedules.discriminator, config.discriminator.steps, update),
        generator=_sum_of_steps(schedules.generator, config.generator.steps, update),
    )


def check_a2(config: ConfigDict) -> assumptions.Finding:
    """Whether the two rates of a run satisfy A2 of Theorem 1.

    The theorem's slow player is the generator, its fast one the discriminator. Each rate is summed
    over the steps of its player in one update. Adam divides its steps by the root of its second
    moment, so they are not the step sizes of A2. With Adam A2 does not hold, whatever the
    schedules.

    Returns:
      A `theory.assumptions.Finding`; its number `schedules_hold` says whether the rates alone
      satisfy A2.
    """
    finding = assumptions.step_sizes(
        lambda update: at_update(config, update).generator,
        lambda update: at_update(config, update).discriminator,
    )
    players_of = _optimizers_with_other_steps(config)
    words = finding.words
    for name, players in players_of.items():
        shown = "Adam" if name == "adam" else name
        words += f"; the steps of {shown} ({' and '.join(players)}) are not its rates"
    return dataclasses.replace(
        finding,
        holds=finding.holds and not players_of,
        numbers={**finding.numbers, "schedules_hold": finding.holds},
        words=words,
    )


def _optimizers_with_other_steps(config: ConfigDict) -> dict[str, list[str]]:
    """{optimizer: its players}, where steps are not the rate times the gradient."""
    players_of: dict[str, list[str]] = {}
    for player in ("generator", "discriminator"):
        name = config[player].optimizer
        if not OPTIMIZERS.find(name).steps_are_rates:
            players_of.setdefault(name, []).append(player)
    return players_of


def _sum_of_steps(schedule: Schedule, steps: int, update: float) -> float:
    return sum(schedule.at(update * steps + step) for step in range(steps))


def _schedules(config: ConfigDict) -> Players[Schedule]:
    return Players(
        discriminator=_schedule(config.discriminator, config.updates * config.discriminator.steps),
        generator=_schedule(config.generator, config.updates * config.generator.steps),
    )


def _schedule(player: Any, steps: int) -> Schedule:
    make = load(SCHEDULES.find(player.schedule).make)
    with own_objects.named(player.schedule, "the schedule"):
        falling = make(float(player.learning_rate), steps, player)
        if not hasattr(falling, "at") or not hasattr(falling, "for_optimizer"):
            raise TypeError("it does not inherit from tf_ttur.optimizers.schedules.Schedule")
    return Warmup(falling) if player.warmup_steps else falling
