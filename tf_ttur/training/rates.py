"""The two time scales: one optimizer and one learning rate (or schedule) for each player."""

import dataclasses
import math

import keras

from tf_ttur.theory import assumptions

# Schedules that fall over the length of the run, and so change with it.
OF_LENGTH = ("linear", "cosine")


def optimizer(player, updates, name):
    """The optimizer of one player.

    Args:
      player: `config.discriminator` or `config.generator`.
      updates: steps that this player takes in the whole run, over which a schedule falls.
      name: of the optimizer.
    """
    rate = schedule(player, updates)
    if player.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=float(player.momentum), name=name)
    return keras.optimizers.Adam(rate, beta_1=player.beta_1, beta_2=player.beta_2, epsilon=player.epsilon, name=name)


def schedule(player, updates):
    """The learning rate of one player: a float where it is constant, else a Keras schedule."""
    rate = float(player.learning_rate)
    match player.schedule:
        case "linear":
            return keras.optimizers.schedules.PolynomialDecay(rate, updates, end_learning_rate=0.0)
        case "cosine":
            return keras.optimizers.schedules.CosineDecay(rate, updates)
        case "polynomial":
            return Polynomial(rate, float(player.decay_shift), float(player.decay_power))
        case "halving":
            return keras.optimizers.schedules.ExponentialDecay(rate, float(player.decay_shift), 0.5, staircase=True)
    return rate


class Polynomial(keras.optimizers.schedules.LearningRateSchedule):
    """rate (1 + n / shift)^-power after n steps. Never 0, so that it can satisfy A2 of Theorem 1.

    Args:
      rate: at the start.
      shift: steps until the fall begins to be felt.
      power: of the fall; A2 asks for more than 1/2 and at most 1, and for more at the slow player.
    """

    def __init__(self, rate, shift, power):
        super().__init__()
        self.rate, self.shift, self.power = rate, shift, power

    def __call__(self, step):
        return self.rate * (1 + keras.ops.cast(step, "float32") / self.shift) ** -self.power

    def get_config(self):
        return {"rate": self.rate, "shift": self.shift, "power": self.power}


def at_update(config, update):
    """(a, b): what the players' rates are in the update after `update` ones; b is summed over the discriminator's steps."""
    steps = config.discriminator.steps
    generator = _function(config.generator, config.updates)
    discriminator = _function(config.discriminator, config.updates * steps)
    return generator(update), sum(discriminator(update * steps + step) for step in range(steps))


def check_a2(config):
    """Whether the two rates of a run satisfy A2 of Theorem 1.

    The theorem's slow player is the generator, its fast one the discriminator, whose rate is taken after the steps that
    it makes in an update. Adam divides its steps by a root of its second moment, so that they are not the rates that A2
    speaks of: with Adam it does not hold, whatever the schedules.

    Returns:
      A `theory.assumptions.Finding`; its number `schedules_hold` tells of the rates alone.
    """
    finding = assumptions.step_sizes(*(lambda update, player=player: at_update(config, update)[player] for player in (0, 1)))
    adam = [name for name in ("generator", "discriminator") if config[name].optimizer == "adam"]
    words = finding.words + (f"; the steps of Adam ({' and '.join(adam)}) are not its rates" if adam else "")
    return dataclasses.replace(finding, holds=finding.holds and not adam, numbers={**finding.numbers, "schedules_hold": finding.holds}, words=words)


def _function(player, updates):
    """The rate as a function of the player's steps, in float64 and beyond the end of the run."""
    rate = float(player.learning_rate)
    match player.schedule:
        case "linear":
            return lambda step: rate * max(0.0, 1 - step / updates)
        case "cosine":
            return lambda step: rate * (1 + math.cos(math.pi * min(1.0, step / updates))) / 2
        case "polynomial":
            return lambda step: rate * (1 + step / player.decay_shift) ** -player.decay_power
        case "halving":
            return lambda step: rate * 0.5 ** (step // player.decay_shift)
    return lambda step: rate
