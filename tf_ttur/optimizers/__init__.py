"""The optimizers and learning-rate schedules that a config may choose for each player.

Different learning rates for the two players are the two time scales. The functions are in
`rules.py` and `schedules.py`; this file imports no Keras.
"""

import dataclasses
import functools
from typing import Any

from tf_ttur.registry import FRACTION, NOT_NEGATIVE, POSITIVE, Entry, Key, Registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer(Entry):
    """An entry of `OPTIMIZERS`. Each player has its own copy of the entry's keys.

    Attributes:
      make: function (rate, player, name) that returns a Keras optimizer, or `module:object` of such
        a function. `rate` is a float or a Keras schedule, `player` the player's part of the config.
      steps_are_rates: whether each step is the rate times the gradient, as Theorem 1 assumes.
    """

    make: Any
    steps_are_rates: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Entry):
    """An entry of `SCHEDULES`. Each player has its own copy of the entry's keys.

    Attributes:
      make: a subclass of `schedules.Schedule`, or `module:object` of one.
      depends_on_length: whether the rate depends on the number of updates of the run. If so, that
        number must not change when a run is resumed.
    """

    make: Any
    depends_on_length: bool = False


def _adopt_optimizer(thing: Any) -> Optimizer:
    if isinstance(thing, Optimizer):
        return thing
    if isinstance(thing, type):  # such as keras.optimizers.Lion
        return Optimizer(make=functools.partial(_make_of_class, thing))
    if not callable(thing):
        raise TypeError(
            f"it is of type {type(thing).__name__}, and cannot be called with (rate, player, name)"
        )
    return Optimizer(make=thing)


def _adopt_schedule(thing: Any) -> Schedule:
    if isinstance(thing, Schedule):
        return thing
    if not callable(thing):
        raise TypeError(
            f"it is of type {type(thing).__name__},"
            " not a subclass of tf_ttur.optimizers.schedules.Schedule"
        )
    return Schedule(make=thing, depends_on_length=True)  # its rate may depend on the length


def _make_of_class(optimizer: type, rate: Any, player: Any, name: str) -> Any:
    return optimizer(rate, name=name, **arguments(player.optimizer_arguments))


def arguments(words: str) -> dict[str, Any]:
    """The arguments that a config gives to a Keras optimizer.

    Args:
      words: "NAME=VALUE,...", such as "beta_1=0.9,weight_decay=1e-4". A value is a number, true,
        false, or a word.

    Raises:
      ValueError: a part has no "=".
    """
    pairs = [part.partition("=") for part in words.split(",") if part.strip()]
    if missing := [name for name, equals, _ in pairs if not equals]:
        raise ValueError(f"optimizer_arguments: {missing[0].strip()!r} has no value")
    return {name.strip(): _value(value.strip()) for name, _, value in pairs}


def _value(word: str) -> Any:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for number in (int, float):
        try:
            return number(word)
        except ValueError:
            continue
    return word


_SHIFT = Key(
    10_000.0, "steps until the rate has halved (halving), or begins to fall (polynomial)", POSITIVE
)

_MOMENTS = {
    "beta_1": Key(0.5, "decay of the first moment", FRACTION),
    "beta_2": Key(0.999, "decay of the second moment", FRACTION),
    "epsilon": Key(1e-8, "TensorFlow 1's value, not Keras' 1e-7", POSITIVE),
}

OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    {
        "adam": Optimizer(
            make="tf_ttur.optimizers.rules:adam",
            help="Adam (Kingma and Ba 2015)",
            keys=_MOMENTS,
        ),
        "sgd": Optimizer(
            make="tf_ttur.optimizers.rules:sgd",
            help="gradient descent, with or without momentum",
            steps_are_rates=True,
            keys={
                "momentum": Key(0.0, "momentum of sgd; 0 for none", FRACTION),
                "nesterov": Key(False, "whether the momentum of sgd is Nesterov's"),
            },
        ),
        "rmsprop": Optimizer(
            make="tf_ttur.optimizers.rules:rmsprop",
            help="RMSprop (Hinton 2012), the optimizer of WGAN",
            keys={"rho": Key(0.9, "decay of the mean square of rmsprop", FRACTION)},
        ),
        "adamw": Optimizer(
            make="tf_ttur.optimizers.rules:adamw",
            help="Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
            keys={
                **_MOMENTS,
                "weight_decay": Key(0.0, "of adamw: the share, times the rate", NOT_NEGATIVE),
            },
        ),
    },
    _adopt_optimizer,
)

SCHEDULES: Registry[Schedule] = Registry(
    "schedule",
    {
        "constant": Schedule(
            make="tf_ttur.optimizers.schedules:Constant", help="the rate does not change"
        ),
        "linear": Schedule(
            make="tf_ttur.optimizers.schedules:Linear",
            help="falls to 0 at the last update",
            depends_on_length=True,
        ),
        "cosine": Schedule(
            make="tf_ttur.optimizers.schedules:Cosine",
            help="falls to 0 at the last update, along half a cosine",
            depends_on_length=True,
        ),
        "polynomial": Schedule(
            make="tf_ttur.optimizers.schedules:Polynomial",
            help="rate (1 + n / shift)^-power: satisfies A2 of Theorem 1 for powers in (1/2, 1],"
            " larger for the generator",
            keys={
                "decay_shift": _SHIFT,
                "decay_power": Key(0.6, "power of the polynomial schedule", NOT_NEGATIVE),
            },
        ),
        "halving": Schedule(
            make="tf_ttur.optimizers.schedules:Halving",
            help="halves the rate every shift steps",
            keys={"decay_shift": _SHIFT},
        ),
    },
    _adopt_schedule,
)
