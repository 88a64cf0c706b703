"""Eigenvalues at both ends of the spectrum of a matrix that is given only by its products."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse.linalg

_DENSE = 40  # up to this many rows the matrix itself is made


class Extremes(NamedTuple):
    """Eigenvalues at both ends of a spectrum.

    Attributes:
      values: those at the end that decides (the smallest, or those with the smallest real parts),
        then the largest (in absolute value).
      error: how far the first may be off.
      settled: whether the search at the end that decides has converged.
    """

    values: np.ndarray
    error: float
    settled: bool

    def all_at_least_zero(self) -> bool | None:
        """Whether all real parts are 0 or more, within the error; None where that is open."""
        return self._all(self.values.real >= -self.error)

    def all_above_zero(self) -> bool | None:
        """Whether all real parts are above 0 by more than the error; None where that is open."""
        return self._all(self.values.real > self.error)

    def _all(self, holds: np.ndarray) -> bool | None:
        """False if it fails for one value, even if the search has not converged."""
        if not holds.all():
            return False
        return True if self.settled else None


@dataclasses.dataclass(frozen=True)
class Search:
    """How to search for eigenvalues.

    Attributes:
      count: how many at each end.
      tolerance: relative accuracy asked of each.
      max_products: of the matrix and a vector, before one end is given up.
      generator: of the start vectors.
      epsilon: relative rounding of a product.
    """

    count: int
    tolerance: float
    max_products: int
    generator: np.random.Generator
    epsilon: float

    def extremes(self, operator: scipy.sparse.linalg.LinearOperator, symmetric: bool) -> Extremes:
        """The eigenvalues at both ends of a square matrix."""
        size = operator.shape[0]
        if size <= max(_DENSE, self._vectors + 2):
            return self._dense(operator @ np.eye(size), symmetric)
        solve, deciding_end, other_end = (
            (scipy.sparse.linalg.eigsh, "SA", "LA")
            if symmetric
            else (scipy.sparse.linalg.eigs, "SR", "LM")
        )
        deciding, vectors, settled = self._one_end(operator, solve, deciding_end)
        error = 0.0
        if len(deciding):
            order = np.argsort(deciding.real)
            deciding = deciding[order]
            vector = vectors[:, order[0]]
            residual = _times(operator, vector) - deciding[0] * vector
            error = float(np.linalg.norm(residual))
        others, _, _ = self._one_end(operator, solve, other_end)
        values = np.concatenate([deciding, others[np.argsort(others.real)]])
        return Extremes(values, error + self._rounding(values), settled)

    @property
    def _vectors(self) -> int:
        """How many vectors ARPACK keeps."""
        return max(20, 6 * self.count)

    def _dense(self, matrix: np.ndarray, symmetric: bool) -> Extremes:
        if symmetric:
            values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        else:
            values = np.linalg.eigvals(matrix)
        return Extremes(values[np.argsort(values.real)], self._rounding(values), True)

    def _one_end(
        self, operator: scipy.sparse.linalg.LinearOperator, solve: Any, end: str
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """(eigenvalues, eigenvectors, whether all settled) at one end, in ARPACK's order."""
        try:
            values, vectors = solve(
                operator,
                self.count,
                which=end,
                ncv=self._vectors,
                tol=self.tolerance,
                maxiter=max(1, self.max_products // self._vectors),
                v0=self.generator.standard_normal(operator.shape[0]),
            )
        except scipy.sparse.linalg.ArpackNoConvergence as unsettled:
            return unsettled.eigenvalues, unsettled.eigenvectors, False
        return values, vectors, True

    def _rounding(self, values: np.ndarray) -> float:
        return 10 * self.epsilon * np.abs(values).max(initial=0)


def _times(operator: scipy.sparse.linalg.LinearOperator, vector: np.ndarray) -> np.ndarray:
    """The product with a real or complex vector; `operator` takes real ones."""
    if np.isrealobj(vector):
        return operator @ vector
    return operator @ vector.real + 1j * (operator @ vector.imag)
