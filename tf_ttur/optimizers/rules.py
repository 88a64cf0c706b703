"""The update rules of one player, as Keras optimizers.

Each function takes the learning rate (a float or a Keras schedule), the player's part of the
config, and a name for the optimizer.
"""

from typing import Any, TypeAlias

import keras
from keras.optimizers.schedules import LearningRateSchedule

from tf_ttur.optimizers.fused import FusedAdam, FusedAdamW, FusedSGD

Rate: TypeAlias = float | LearningRateSchedule


def adam(rate: Rate, player: Any, name: str) -> keras.optimizers.Optimizer:
    """Adam with the player's beta_1, beta_2 and epsilon (Kingma and Ba 2015)."""
    return FusedAdam(
        rate, beta_1=player.beta_1, beta_2=player.beta_2, epsilon=player.epsilon, name=name
    )


def adamw(rate: Rate, player: Any, name: str) -> keras.optimizers.Optimizer:
    """Adam, and each weight shrinks by weight_decay times the rate (Loshchilov and Hutter 2019)."""
    return FusedAdamW(
        rate,
        weight_decay=float(player.weight_decay),
        beta_1=player.beta_1,
        beta_2=player.beta_2,
        epsilon=player.epsilon,
        name=name,
    )


def rmsprop(rate: Rate, player: Any, name: str) -> keras.optimizers.Optimizer:
    """RMSprop with the player's rho, and TensorFlow 1's epsilon as in WGAN's code."""
    return keras.optimizers.RMSprop(rate, rho=float(player.rho), epsilon=1e-10, name=name)


def sgd(rate: Rate, player: Any, name: str) -> keras.optimizers.Optimizer:
    """Gradient descent with the player's momentum, of Nesterov's kind if it says so."""
    return FusedSGD(rate, momentum=float(player.momentum), nesterov=player.nesterov, name=name)
