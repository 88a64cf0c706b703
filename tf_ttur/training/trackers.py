"""Hands the values of a training to a user's function, such as that of an experiment tracker."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tf_ttur.errors import UserError

OnValues = Callable[..., Any]


def listener(function: OnValues) -> Callable[[int, Mapping[str, float]], None]:
    """A function (update, values) that calls `function` and names its failure.

    Args:
      function: is called as function(update, values). If a parameter after its first one is called
        `step`, it is called as function(values, step=update): so trackers declare theirs
        (`wandb.log`, `mlflow.log_metrics`).

    Returns:
      The function. It raises `UserError` if `function` raises an exception.
    """
    if not callable(function):
        raise UserError(
            f"on_values is {function!r:.80}", "a function (update, values)", "pass a function"
        )
    by_step = _takes_step(function)

    def listen(update: int, values: Mapping[str, float]) -> None:
        try:
            if by_step:
                function(dict(values), step=update)
            else:
                function(update, dict(values))
        except Exception as error:  # a user's function may raise anything
            reason = (str(error).strip().splitlines() or [""])[0]
            raise UserError(
                f"on_values failed with the values of update {update}"
                f" ({type(error).__name__}: {reason})",
                "a function (update, values) that returns",
                "correct it and start again: the run resumes after the last update",
            ) from error

    return listen


def _takes_step(function: OnValues) -> bool:
    """Whether a parameter after the first one is called `step`."""
    try:
        parameters = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # built-in functions need not have a signature
        return False
    return "step" in parameters[1:]
