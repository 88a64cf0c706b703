"""Mean and covariance of features, streamed and mergeable, in float64 and O(d^2) memory.

Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
(1979).
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack


class Moments:
    """Running mean and scatter matrix of d-dimensional features.

    Args:
      dimension: d.

    Attributes:
      count: number of examples so far.
      mean: (d,) float64.
    """

    def __init__(self, dimension: int) -> None:
        self.count = 0
        self.mean = np.zeros(dimension)
        # One triangle of the scatter in LAPACK's rectangular full packed format: half the memory,
        # and still products of matrices.
        self._packed = np.zeros(dimension * (dimension + 1) // 2)

    @classmethod
    def of(cls, count: int, mean: ArrayLike, scatter: ArrayLike) -> Self:
        """The moments with these attributes.

        Args:
          count: number of examples.
          mean: (d,).
          scatter: (d, d), symmetric.
        """
        mean = np.array(mean, np.float64)
        moments = cls(len(mean))
        moments.count = count
        moments.mean = mean
        moments._packed, _ = lapack.dtrttf(np.asfortranarray(scatter, np.float64), uplo="U")
        return moments

    def update(self, features: ArrayLike) -> None:
        """Adds features of shape (n, d), of any float dtype. n may be 0."""
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(f"features of shape {features.shape}; expected (n, {len(self.mean)})")
        if len(features):
            mean = features.mean(axis=0)
            self._combine(len(features), mean, features - mean)

    def merge(self, other: "Moments") -> None:
        """Adds the moments of other examples."""
        if other.count:
            self._packed += other._packed
            self._combine(other.count, other.mean, np.empty((0, len(self.mean))))

    def _combine(self, count: int, mean: np.ndarray, deviations: np.ndarray) -> None:
        """Adds examples.

        Args:
          count: number of examples.
          mean: (d,) their mean.
          deviations: (count, d) their deviations from it; (0, d) where the scatter already contains
            them.
        """
        total = self.count + count
        delta = mean - self.mean
        rows = np.vstack([deviations, np.sqrt(self.count * count / total) * delta])
        # In place and for one triangle: a product, an outer product and two sums of full matrices
        # would take five times as long.
        self._packed = lapack.dsfrk(
            len(delta), len(rows), 1.0, rows.T, 1.0, self._packed, uplo="U", overwrite_c=True
        )
        self.mean += delta * (count / total)
        self.count = total

    def on_host(self) -> "Moments":
        """These moments: they are NumPy's already (`device_moments.DeviceMoments`)."""
        return self

    @property
    def scatter(self) -> np.ndarray:
        """(d, d) float64, the sum of the outer products of the deviations from `mean`."""
        upper, _ = lapack.dtfttr(len(self.mean), self._packed, uplo="U")
        lower = np.tril(upper.T)
        scatter = lower + lower.T
        np.fill_diagonal(scatter, lower.diagonal())
        return scatter

    @property
    def covariance(self) -> np.ndarray:
        """(d, d) float64 sample covariance with divisor count - 1.

        The same as `np.cov(features, rowvar=False)`.

        Raises:
          ValueError: fewer than two examples.
        """
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 examples; there are {self.count}")
        return self.scatter / (self.count - 1)
