"""The initial weights of the WGAN-GP networks: uniform, with a standard deviation from the layer's
fans.
"""

import math

import keras
import numpy as np


class Uniform(keras.initializers.Initializer):
    """Uniform in ±sqrt(3) sigma with sigma^2 = gain / (fan_in + fan_out); the fans count the
    kernel's positions.

    Args:
      gain: 2 for linear layers and shortcuts (Glorot and Bengio 2010), 4 for convolutions between
        rectifiers ("he" in the code of Gulrajani et al. 2017).
      seed: of the weights.
    """

    def __init__(self, gain, seed):
        self.gain, self.seed = gain, seed

    def __call__(self, shape, dtype=None):
        positions = math.prod(shape[:-2])
        limit = math.sqrt(3 * self.gain / (positions * (shape[-2] + shape[-1])))
        return keras.random.uniform(shape, -limit, limit, dtype or "float32", self.seed)

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed}


class Seeds:
    """A row of seeds that one seed determines, one for each layer."""

    def __init__(self, seed):
        self._generator = np.random.default_rng(seed)

    def __call__(self):
        return int(self._generator.integers(2**31))
