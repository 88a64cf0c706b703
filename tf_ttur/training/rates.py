"""The two time scales: one optimizer and one learning rate (or schedule) for each player."""

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


def check_a2(config):
    """Whether the two rates of a run satisfy A2 of Theorem 1.

    The theorem's slow player is the generator, its fast one the discriminator, whose rate is taken after the steps that
    it makes in an update.

    Returns:
      A `theory.assumptions.Finding`.
    """
    steps = config.discriminator.steps
    generator = _as_function(schedule(config.generator, config.updates))
    discriminator = _as_function(schedule(config.discriminator, config.updates * steps))
    return assumptions.step_sizes(generator, lambda update: discriminator(update * steps))


def _as_function(rate):
    return (lambda step: rate) if isinstance(rate, float) else lambda step: float(rate(step))
