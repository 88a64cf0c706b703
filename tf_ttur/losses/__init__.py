"""The losses and penalties that a config may choose: pure functions of the discriminator's outputs.

The functions are in `pairs.py` and `penalties.py`; this file imports no TensorFlow. To add a loss,
write its `LossPair` in `pairs.py`, and add an entry here.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tf_ttur.registry import (
    FRACTION,
    NOT_NEGATIVE,
    Entry,
    Key,
    Registry,
    Rule,
    load,
    rule,
)

if TYPE_CHECKING:
    import tensorflow as tf


class LossPair(NamedTuple):
    """The losses of both players. Each player minimises its own.

    Attributes:
      discriminator: function (real, fake) of the discriminator's outputs, float32 (n,) each, that
        returns (n,) losses.
      generator: function of the outputs for generated examples, float32 (n,), that returns (n,)
        losses.
      boundary: an example whose output is above this value counts as classified as real; None if
        the outputs do not classify.
    """

    discriminator: Callable[["tf.Tensor", "tf.Tensor"], "tf.Tensor"]
    generator: Callable[["tf.Tensor"], "tf.Tensor"]
    boundary: float | None = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss(Entry):
    """An entry of `LOSSES`.

    Attributes:
      pair: a `LossPair`, or `module:object` of one. If `balanced`, a function of the balance that
        returns a `LossPair`.
      outputs: what the discriminator must return: "logits", or "errors" of reconstruction.
      balanced: whether the loss has a weight, the balance, that is adjusted once per update
        (BEGAN).
    """

    pair: Any
    outputs: str = "logits"
    balanced: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Penalty(Entry):
    """An entry of `PENALTIES`: an additional term of the discriminator's loss.

    Attributes:
      function: (discriminator, real, fake, mix) -> (n,) penalties, as `penalties.gradient_penalty`;
        or `module:object` of it.
      weight: the config key of its weight, below `discriminator`. A weight of 0 turns the penalty
        off.
    """

    function: Any
    weight: str


def _adopt_loss(thing: Any) -> Loss:
    if isinstance(thing, Loss):
        return thing
    if isinstance(thing, LossPair):
        return Loss(pair=thing)
    raise TypeError(
        f"it is of type {type(thing).__name__}, not tf_ttur.losses.LossPair or tf_ttur.losses.Loss"
    )


def _exactly(required: float, reason: str) -> Rule:
    return rule(f"{required:g}: {reason}", lambda value: value == required)


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        "non_saturating": Loss(
            pair="tf_ttur.losses.pairs:NON_SATURATING",
            help="the generator maximises log D(G(z)) (Goodfellow et al. 2014)",
        ),
        "minimax": Loss(
            pair="tf_ttur.losses.pairs:MINIMAX",
            help="one value function for both players (Goodfellow et al. 2014, eq. 1)",
        ),
        "least_squares": Loss(
            pair="tf_ttur.losses.pairs:LEAST_SQUARES", help="LSGAN (Mao et al. 2017)"
        ),
        "hinge": Loss(
            pair="tf_ttur.losses.pairs:HINGE",
            help="margin of 1 on both sides (Lim and Ye 2017; Miyato et al. 2018)",
        ),
        "wasserstein": Loss(
            pair="tf_ttur.losses.pairs:WASSERSTEIN",
            help="WGAN; needs a gradient penalty (Arjovsky et al. 2017)",
        ),
        "boundary_equilibrium": Loss(
            pair="tf_ttur.losses.pairs:boundary_equilibrium",
            help="BEGAN: reconstruction errors, kept in balance (Berthelot et al. 2017, eq. 5)",
            outputs="errors",
            balanced=True,
            keys={
                "equilibrium.ratio": Key(0.5, "target ratio of generated to real error", FRACTION),
                "equilibrium.rate": Key(0.001, "learning rate of the balance", NOT_NEGATIVE),
            },
            requires={
                "discriminator.steps": _exactly(1, "the balance is adjusted once per update"),
                "discriminator.gradient_penalty": _exactly(
                    0, "the boundary equilibrium has no penalty"
                ),
            },
        ),
    },
    _adopt_loss,
)

PENALTIES: Registry[Penalty] = Registry(
    "penalty",
    {
        "gradient_penalty": Penalty(
            function="tf_ttur.losses.penalties:gradient_penalty",
            weight="gradient_penalty",
            help="(|grad D| - 1)^2 between real and generated examples (Gulrajani et al. 2017)",
            keys={
                "discriminator.gradient_penalty": Key(
                    0.0, "weight of the gradient penalty; 10 in WGAN-GP", NOT_NEGATIVE
                )
            },
        ),
    },
)


def pair(name: str, balance: "tf.Variable | None" = None) -> LossPair:
    """The `LossPair` of a config's loss.

    Args:
      name: a name of `LOSSES`, or `MODULE:OBJECT` of a `LossPair`.
      balance: for a balanced loss, the scalar weight of generated examples in the discriminator's
        loss.

    Raises:
      UserError: there is no such loss, or the object is not a loss.
    """
    loss = LOSSES.find(name)
    functions = load(loss.pair)
    return functions(balance) if loss.balanced else functions
