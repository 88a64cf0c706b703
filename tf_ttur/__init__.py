"""GAN training with the two time-scale update rule, and the Fréchet Inception Distance."""

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_ttur.train import train as train

# Keras 3 runs on several libraries; this package is written for one, whatever the user's keras.json
# says.
os.environ["KERAS_BACKEND"] = "tensorflow"


def __getattr__(name: str) -> ModuleType:
    # On first use: `keras` imports Keras and TensorFlow. `train` is a module that can be called.
    if name not in ("keras", "train"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"tf_ttur.{name}")
