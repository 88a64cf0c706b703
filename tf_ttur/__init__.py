"""GAN training with the two time-scale update rule, and the Fréchet Inception Distance."""

import importlib
import os
from types import ModuleType

# Keras 3 runs on several libraries; this package is written for one, whatever the user's keras.json
# says.
os.environ["KERAS_BACKEND"] = "tensorflow"


def __getattr__(name: str) -> ModuleType:
    # On first use: it imports Keras and TensorFlow.
    if name != "keras":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("tf_ttur.keras")
