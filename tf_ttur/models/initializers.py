"""The initial weights of the WGAN-GP networks, and the seeds of all networks' layers."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


class Uniform(keras.initializers.Initializer):
    """Uniform in ±sqrt(3) sigma, with sigma^2 = gain / (fan_in + fan_out).

    The fans include the number of positions of the kernel.

    Args:
      gain: 2 for linear layers and shortcuts (Glorot and Bengio 2010), 4 for convolutions between
        rectifiers ("he" in the code of Gulrajani et al. 2017).
      seed: of the weights.
    """

    def __init__(self, gain: float, seed: int) -> None:
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Any:
        positions = math.prod(shape[:-2])
        limit = math.sqrt(3 * self.gain / (positions * (shape[-2] + shape[-1])))
        return keras.random.uniform(shape, -limit, limit, dtype or "float32", self.seed)

    def get_config(self) -> dict[str, float]:
        return {"gain": self.gain, "seed": self.seed}


class Seeds:
    """A sequence of seeds, one for each layer, that follows from one seed."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def __call__(self) -> int:
        """The next seed of the sequence."""
        return int(self._generator.integers(2**31))
