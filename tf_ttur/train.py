"""Trains one GAN: from Python, `tf_ttur.train(config, workdir)`; as a program, `tf-ttur train`.

    import tf_ttur

    tf_ttur.train("svhn", "runs/mine")
    tf_ttur.train(config, "runs/mine", generator=..., discriminator=..., examples=images)

`python -m tf_ttur.train --config svhn` is the command `tf-ttur train --config svhn`.
"""

import inspect
import os
import pathlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tf_ttur import commands

if TYPE_CHECKING:
    import keras
    from ml_collections import ConfigDict


def train(
    config: "ConfigDict | Mapping[str, Any] | str",
    workdir: str | pathlib.Path,
    *,
    discriminator: "keras.Model | None" = None,
    generator: "keras.Model | None" = None,
    loss: Any = None,
    examples: Any = None,
    on_values: Callable[..., Any] | None = None,
    start_from: str | os.PathLike[str] | None = None,
    start_with_optimizers: bool = False,
    inception: str | pathlib.Path | None = None,
    trust: bool = False,
) -> pathlib.Path:
    """Trains one GAN, or resumes the same experiment where it stopped.

    All arguments are those of `tf_ttur.training.loop.train`; so are the result, the path of the
    exported generator, and the errors.
    """
    from tf_ttur.training import loop  # imports TensorFlow, which takes seconds

    return loop.train(
        config,
        workdir,
        inception,
        trust,
        discriminator=discriminator,
        generator=generator,
        loss=loss,
        examples=examples,
        on_values=on_values,
        start_from=start_from,
        start_with_optimizers=start_with_optimizers,
    )


class _Callable(ModuleType):
    """This module, which can be called: it calls `train`."""

    __call__ = staticmethod(train)


__signature__ = inspect.signature(train)
sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    commands.main(["train", *commands.arguments()])
