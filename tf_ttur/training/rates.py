"""The two time scales: one optimizer and one learning rate (or schedule) for each player."""

import keras


def optimizer(player, updates, name):
    """The optimizer of one player.

    Args:
      player: `config.discriminator` or `config.generator`.
      updates: steps that this player takes in the whole run, over which a schedule falls.
      name: of the optimizer.
    """
    rate = _schedule(player.schedule, float(player.learning_rate), updates)
    if player.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=float(player.momentum), name=name)
    return keras.optimizers.Adam(rate, beta_1=player.beta_1, beta_2=player.beta_2, epsilon=player.epsilon, name=name)


def _schedule(kind, rate, updates):
    if kind == "linear":
        return keras.optimizers.schedules.PolynomialDecay(rate, updates, end_learning_rate=0.0)
    if kind == "cosine":
        return keras.optimizers.schedules.CosineDecay(rate, updates)
    return rate
