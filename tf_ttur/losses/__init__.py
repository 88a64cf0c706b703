"""The losses and penalties that a config may choose: pure functions.

The functions are in `pairs.py`, `batches.py` and `penalties.py`; this file imports no TensorFlow.
To add a loss, write its `LossPair` or `BatchLoss` there, and add an entry here.
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

    from tf_ttur.losses.batches import Batch


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


class BatchLoss(NamedTuple):
    """The losses of both players where one of them needs more than `LossPair` gives it.

    Both functions take a `batches.Batch`: real and generated examples, the discriminator, and its
    outputs for both. They return (n,) losses.

    Attributes:
      discriminator, generator: the losses.
      boundary: as in `LossPair`.
    """

    discriminator: Callable[["Batch"], "tf.Tensor"]
    generator: Callable[["Batch"], "tf.Tensor"]
    boundary: float | None = 0.0


class WeightedPenalty(NamedTuple):
    """A term of the discriminator's loss.

    Attributes:
      weight: by which it is multiplied.
      function: as `penalties.gradient_penalty`.
    """

    weight: float
    function: Callable[..., "tf.Tensor"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss(Entry):
    """An entry of `LOSSES`.

    Attributes:
      pair: a `LossPair` or `BatchLoss`, or `module:object` of one. If `balanced`, a function of the
        balance that returns a `LossPair`.
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
    if isinstance(thing, LossPair | BatchLoss):
        return Loss(pair=thing)
    raise TypeError(
        f"it is of type {type(thing).__name__}, not a LossPair, BatchLoss or Loss of tf_ttur.losses"
    )


def _adopt_penalty(thing: Any) -> Any:
    if not callable(thing):
        raise TypeError(
            f"it is of type {type(thing).__name__}, not a function (discriminator, real, fake, mix)"
        )
    return thing


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
            help="WGAN; needs a gradient penalty or clipped weights (Arjovsky et al. 2017)",
        ),
        "relativistic_average": Loss(
            pair="tf_ttur.losses.batches:RELATIVISTIC_AVERAGE",
            help="more real than the others' mean (Jolicoeur-Martineau 2019)",
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


def _penalty(name: str, meaning: str, help: str) -> Penalty:
    """The entry of a function of `penalties.py`, whose name is that of its weight's key."""
    return Penalty(
        function=f"tf_ttur.losses.penalties:{name}",
        weight=name,
        help=help,
        keys={f"discriminator.{name}": Key(0.0, f"weight of {meaning}", NOT_NEGATIVE)},
    )


PENALTIES: Registry[Penalty] = Registry(
    "penalty",
    {
        "gradient_penalty": _penalty(
            "gradient_penalty",
            "the gradient penalty; 10 in WGAN-GP",
            "(|grad D| - 1)^2 between real and generated examples (Gulrajani et al. 2017)",
        ),
        "r1": _penalty(
            "r1",
            "|grad D|^2 / 2 at real examples",
            "|grad D|^2 / 2 at real examples (Mescheder et al. 2018)",
        ),
        "r2": _penalty(
            "r2",
            "|grad D|^2 / 2 at generated examples",
            "|grad D|^2 / 2 at generated examples (Mescheder et al. 2018)",
        ),
        "zero_centered": _penalty(
            "zero_centered",
            "|grad D|^2 between real and generated examples",
            "|grad D|^2 between real and generated examples (Thanh-Tung et al. 2019)",
        ),
    },
)

# Your own penalty, named by `discriminator.penalty`. The others are chosen by their weight.
OWN_PENALTIES: Registry[Callable[..., "tf.Tensor"]] = Registry("penalty", {}, _adopt_penalty)


def pair(name: str, balance: "tf.Variable | None" = None) -> LossPair | BatchLoss:
    """The losses of both players that a config names.

    Args:
      name: a name of `LOSSES`, or `MODULE:OBJECT` of a `LossPair` or `BatchLoss`.
      balance: for a balanced loss, the scalar weight of generated examples in the discriminator's
        loss.

    Raises:
      UserError: there is no such loss, or the object is not a loss.
    """
    loss = LOSSES.find(name)
    functions = load(loss.pair)
    return functions(balance) if loss.balanced else functions


def as_batch_loss(functions: LossPair | BatchLoss) -> BatchLoss:
    """Losses as functions of a `batches.Batch`."""
    if isinstance(functions, BatchLoss):
        return functions
    return BatchLoss(
        lambda batch: functions.discriminator(batch.real_outputs, batch.fake_outputs),
        lambda batch: functions.generator(batch.fake_outputs),
        functions.boundary,
    )


def weighted_penalties(discriminator: Any) -> list[WeightedPenalty]:
    """The penalties that a config adds to the discriminator's loss.

    Args:
      discriminator: the part `discriminator` of the config.

    Raises:
      UserError: there is no such penalty.
    """
    penalties = [
        WeightedPenalty(discriminator[penalty.weight], load(penalty.function))
        for penalty in PENALTIES.values()
        if discriminator[penalty.weight]
    ]
    if discriminator.penalty and discriminator.penalty_weight:
        own = OWN_PENALTIES.find(discriminator.penalty)
        penalties.append(WeightedPenalty(discriminator.penalty_weight, own))
    return penalties
