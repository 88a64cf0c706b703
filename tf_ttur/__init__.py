"""GAN training with the two time-scale update rule, and the Fréchet Inception Distance."""

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_ttur.train import train as train

__version__ = "0.2.0"

# Keras 3 runs on several libraries; this package is written for one, whatever the user's keras.json
# says.
os.environ["KERAS_BACKEND"] = "tensorflow"

# `python -m tf_ttur` looks for modules in the current folder first. A file there, such as
# random.py, would take the place of what TensorFlow imports. So this folder comes last.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))


def __getattr__(name: str) -> ModuleType:
    # On first use: `keras` imports Keras and TensorFlow. `train` is a module that can be called.
    if name not in ("keras", "train"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"tf_ttur.{name}")
