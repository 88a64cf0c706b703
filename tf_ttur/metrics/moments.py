"""Mean and covariance of features, streamed and mergeable, in float64 and O(d^2) memory.

Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

import numpy as np


class Moments:
    """Running mean and scatter matrix of d-dimensional features.

    Attributes:
      count: number of examples so far.
      mean: (d,) float64.
      scatter: (d, d) float64, the sum of outer products of deviations from `mean`.
    """

    def __init__(self, dimension):
        self.count = 0
        self.mean = np.zeros(dimension)
        self.scatter = np.zeros((dimension, dimension))

    @classmethod
    def of(cls, count, mean, scatter):
        """The moments with these attributes."""
        moments = cls(len(mean))
        moments.count, moments.mean, moments.scatter = count, np.array(mean, np.float64), np.array(scatter, np.float64)
        return moments

    def update(self, features):
        """Takes in features of shape (n, d), any float dtype. n may be 0."""
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(f"features of shape {features.shape}; expected (n, {len(self.mean)})")
        if len(features):
            mean = features.mean(axis=0)
            centred = features - mean
            self._combine(len(features), mean, centred.T @ centred)

    def merge(self, other):
        """Takes in the moments of other examples."""
        if other.count:
            self._combine(other.count, other.mean, other.scatter)

    def _combine(self, count, mean, scatter):
        total = self.count + count
        delta = mean - self.mean
        self.scatter += scatter
        self.scatter += np.outer(delta * (self.count * count / total), delta)
        self.mean += delta * (count / total)
        self.count = total

    @property
    def covariance(self):
        """(d, d) float64 sample covariance with divisor count - 1, as `np.cov(features, rowvar=False)`."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 examples; there are {self.count}")
        return self.scatter / (self.count - 1)
