"""A moving average of a network's weights, which often makes better examples than the weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf


class WeightAverage:
    """The moving average of a network's trainable weights; it begins at their initial values.

    Other variables, such as the moving means of batch norm, are not averaged: they are those of the
    network. Must be created in the strategy's scope.

    Args:
      network: whose weights are averaged; its variables exist already.

    Attributes:
      variables: the averages, in the order of the network's trainable variables.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self.variables = [
            tf.Variable(
                variable.value,
                trainable=False,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,  # all hold the same
            )
            for variable in network.trainable_variables
        ]

    def move(self, decay: float) -> None:
        """average = decay average + (1 - decay) weight, for every weight."""
        for average, weight in zip(self.variables, self._network.trainable_variables, strict=True):
            value = tf.cast(weight.value, average.dtype)
            average.assign(value + decay * (average - value))

    def restart(self) -> None:
        """Begins again at the current weights."""
        for average, weight in zip(self.variables, self._network.trainable_variables, strict=True):
            average.assign(weight.value)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the network has the averaged weights."""
        weights = self._network.trainable_variables
        live = [tf.identity(weight.value) for weight in weights]
        for weight, average in zip(weights, self.variables, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(weights, live, strict=True):
                weight.assign(value)
