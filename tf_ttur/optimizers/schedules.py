"""Learning-rate schedules, each as a plain function of the step and as a Keras schedule."""

import math
from typing import Any

import keras
from keras.optimizers import schedules

from tf_ttur.optimizers.rules import Rate


class Schedule:
    """The learning rate of one player.

    Args:
      rate: the learning rate at the start.
      steps: number of steps that this player takes in the whole run.
      player: the player's part of the config.
    """

    def __init__(self, rate: float, steps: int, player: Any) -> None:
        self.rate = rate
        self.steps = steps
        self.player = player

    def at(self, step: float) -> float:
        """The rate after `step` steps of this player, in float64; also beyond the run's end."""
        raise NotImplementedError

    def for_optimizer(self) -> Rate:
        """The rate as a Keras optimizer takes it: a float if constant, otherwise a schedule."""
        raise NotImplementedError


class Constant(Schedule):
    """The rate does not change."""

    def at(self, step: float) -> float:
        return self.rate

    def for_optimizer(self) -> Rate:
        return self.rate


class Linear(Schedule):
    """rate (1 - n / steps), and 0 after the end."""

    def at(self, step: float) -> float:
        return self.rate * max(0.0, 1 - step / self.steps)

    def for_optimizer(self) -> Rate:
        return schedules.PolynomialDecay(self.rate, self.steps, end_learning_rate=0.0)


class Cosine(Schedule):
    """rate (1 + cos(pi n / steps)) / 2, and 0 after the end."""

    def at(self, step: float) -> float:
        return self.rate * (1 + math.cos(math.pi * min(1.0, step / self.steps))) / 2

    def for_optimizer(self) -> Rate:
        return schedules.CosineDecay(self.rate, self.steps)


class Polynomial(Schedule):
    """rate (1 + n / shift)^-power. It never reaches 0, so it can satisfy A2 of Theorem 1."""

    def at(self, step: float) -> float:
        return self.rate * (1 + step / self.player.decay_shift) ** -self.player.decay_power

    def for_optimizer(self) -> Rate:
        return PolynomialDecay(
            self.rate, float(self.player.decay_shift), float(self.player.decay_power)
        )


class Halving(Schedule):
    """The rate is halved after every `decay_shift` steps."""

    def at(self, step: float) -> float:
        return self.rate * 0.5 ** (step // self.player.decay_shift)

    def for_optimizer(self) -> Rate:
        shift = float(self.player.decay_shift)
        return schedules.ExponentialDecay(self.rate, shift, 0.5, staircase=True)


class Warmup(Schedule):
    """Another schedule, times (n + 1) / warmup_steps until it reaches 1.

    Args:
      schedule: the other one.
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(schedule.rate, schedule.steps, schedule.player)
        self.schedule = schedule

    def at(self, step: float) -> float:
        return self.schedule.at(step) * min(1.0, (step + 1) / self.player.warmup_steps)

    def for_optimizer(self) -> Rate:
        return WarmupOf(self.schedule.for_optimizer(), self.player.warmup_steps)


class WarmupOf(schedules.LearningRateSchedule):
    """A rate or Keras schedule, times (n + 1) / steps until it reaches 1, as a Keras schedule.

    Args:
      rate: the other one.
      steps: after how many steps it is reached.
    """

    def __init__(self, rate: Rate, steps: int) -> None:
        super().__init__()
        self.rate = rate
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        rate = self.rate(step) if callable(self.rate) else self.rate
        share = (keras.ops.cast(step, "float32") + 1) / self.steps
        return rate * keras.ops.minimum(1.0, share)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "steps": self.steps}


class PolynomialDecay(schedules.LearningRateSchedule):
    """rate (1 + n / shift)^-power after n steps, as a Keras schedule.

    Args:
      rate: the learning rate at the start.
      shift: number of steps after which the rate begins to fall noticeably.
      power: the exponent. A2 requires more than 1/2 and at most 1, and a larger exponent for the
        slow player.
    """

    def __init__(self, rate: float, shift: float, power: float) -> None:
        super().__init__()
        self.rate = rate
        self.shift = shift
        self.power = power

    def __call__(self, step: Any) -> Any:
        return self.rate * (1 + keras.ops.cast(step, "float32") / self.shift) ** -self.power

    def get_config(self) -> dict[str, float]:
        return {"rate": self.rate, "shift": self.shift, "power": self.power}
