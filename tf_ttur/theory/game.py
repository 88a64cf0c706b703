"""A game of two players, and matrix-free products with its second derivatives.

The discriminator minimises its loss L_D over its own variables, the generator minimises L_G over
its own. With v_D = dL_D/d(discriminator) and v_G = dL_G/d(generator), v holds both gradients.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

from tf_ttur.players import Players

Losses = Callable[..., Players[tf.Tensor]]
Batch = tuple[Any, ...]
Player = Literal["discriminator", "generator"]

EQUAL_RATES = Players(1.0, 1.0)

# The order of the players in flat vectors. The generator stays first: random start vectors are flat
# too, and stored results depend on them. Use `Game.split` and `Game.join` instead of positions.
_LAYOUT: tuple[Player, ...] = ("generator", "discriminator")
_PRODUCTS: tuple[tuple[Player, ...], ...] = (("discriminator",), ("generator",), _LAYOUT)


class Game:
    """Two losses, averaged over a fixed set of batches, as functions of the players' variables.

    Attributes:
      batches: list of tuples, the arguments of the losses.
      sizes: how many numbers each player's variables hold.
    """

    def __init__(
        self,
        losses: Losses,
        variables: Players[Sequence[tf.Variable]],
        batches: Sequence[Batch] = ((),),
        on_product: Callable[[], None] = lambda: None,
    ) -> None:
        """Keeps all arguments; computes nothing.

        Args:
          losses: function of one batch that gives the scalars L_D and L_G at the current values of
            the variables.
          variables: of each player, all of one floating dtype.
          batches: tuples of tensors, the arguments of `losses`. The default is for games without
            data.
          on_product: called without arguments after each product of a matrix and a vector, which
            may take long.
        """
        self._losses = losses
        self._variables = Players(list(variables.discriminator), list(variables.generator))
        self._on_product = on_product
        self._dtype = self._variables.generator[0].dtype
        self._gradient = tf.function(self._gradient_of_batch)
        self._products = {players: self._compile_product(players) for players in _PRODUCTS}
        self.batches = list(batches)
        self.sizes = Players(*(sum(map(_size, player)) for player in self._variables))

    @property
    def point(self) -> np.ndarray:
        """(variables,) float64: the values of all variables as one flat vector."""
        values = [np.ravel(variable.numpy()) for variable in self._flat_order(_LAYOUT)]
        return np.concatenate(values).astype(np.float64)

    @point.setter
    def point(self, values: np.ndarray) -> None:
        variables = self._flat_order(_LAYOUT)
        parts = tf.split(tf.constant(values, self._dtype), list(map(_size, variables)))
        for variable, part in zip(variables, parts, strict=True):
            variable.assign(tf.reshape(part, variable.shape))

    def split(self, flat: np.ndarray) -> Players[np.ndarray]:
        """Each player's part of a flat vector, or of the last axis of an array of them."""
        generator, discriminator = np.split(flat, [self.sizes.generator], axis=-1)
        return Players(discriminator, generator)

    def join(self, parts: Players[np.ndarray]) -> np.ndarray:
        """The flat vector of each player's part: the inverse of `split`."""
        return np.concatenate([getattr(parts, player) for player in _LAYOUT], axis=-1)

    def scale(self, rates: Players[float]) -> np.ndarray:
        """(variables,) float64: for each variable the rate of its player."""
        parts = [np.full(size, float(rate)) for size, rate in zip(self.sizes, rates, strict=True)]
        return self.join(Players(*parts))

    def gradients(self) -> np.ndarray:
        """(batches, variables), in the variables' precision: v for each batch."""
        return np.stack([self._gradient(*batch).numpy() for batch in self.batches])

    def hessian(self, player: Player) -> scipy.sparse.linalg.LinearOperator:
        """The Hessian of a player's loss over the player's own variables, float64."""
        return self._operator((player,), getattr(self.sizes, player))

    def jacobian(self, rates: Players[float] = EQUAL_RATES) -> scipy.sparse.linalg.LinearOperator:
        """The transposed Jacobian of v with each player's part times its rate, float64.

        It has the Jacobian's eigenvalues, and needs no forward mode: reverse mode twice is enough.
        """
        return self._operator(_LAYOUT, sum(self.sizes), self.scale(rates))

    def _compile_product(self, players: tuple[Player, ...]) -> Callable[..., tf.Tensor]:
        return tf.function(lambda vector, *batch: self._product(players, vector, *batch))

    def _operator(
        self, players: tuple[Player, ...], size: int, scale: np.ndarray | float = 1.0
    ) -> scipy.sparse.linalg.LinearOperator:
        product = self._products[players]

        def multiply(vector: np.ndarray) -> np.ndarray:
            vector = tf.constant(scale * vector.ravel(), self._dtype)
            products = [product(vector, *batch).numpy() for batch in self.batches]
            self._on_product()
            return np.stack(products).mean(axis=0, dtype=np.float64)

        return scipy.sparse.linalg.LinearOperator((size, size), multiply, dtype=np.float64)

    def _gradient_of_batch(self, *batch: Any, players: tuple[Player, ...] = _LAYOUT) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            losses = self._losses(*batch)
        parts = []
        for player in players:
            loss = getattr(losses, player)
            parts += _gradient(tape, loss, getattr(self._variables, player))
        return _flatten(parts)

    def _product(self, players: tuple[Player, ...], vector: tf.Tensor, *batch: Any) -> tf.Tensor:
        """The transposed Jacobian of these players' gradients times a vector."""
        with tf.GradientTape() as tape:
            slope = tf.reduce_sum(self._gradient_of_batch(*batch, players=players) * vector)
        return _flatten(_gradient(tape, slope, self._flat_order(players)))

    def _flat_order(self, players: tuple[Player, ...]) -> list[tf.Variable]:
        return [variable for player in players for variable in getattr(self._variables, player)]


def _size(variable: tf.Variable) -> int:
    return int(np.prod(variable.shape))


def _gradient(
    tape: tf.GradientTape, target: tf.Tensor, variables: Sequence[tf.Variable]
) -> list[tf.Tensor]:
    return tape.gradient(target, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _flatten(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.reshape(part, [-1]) for part in parts], 0)
