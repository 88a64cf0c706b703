"""Fréchet distance between two Gaussians.

    d^2 = |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2)

(Dowson and Landau 1982; Heusel et al. 2017, eq. 6.) Like the official implementation, this is d^2
and not its root. The root of the non-symmetric product is never taken, so the value is real by
construction. The last trace is computed in one of two ways:

- CHOLESKY: with S_1 = L L^T, the trace is the sum of the roots of the eigenvalues of the symmetric
  matrix L^T S_2 L. A root enlarges the rounding error of a small eigenvalue, so this way is kept
  only where the error is bounded.
- FACTORS: with any S_i = F_i F_i^T, the trace is the sum of the singular values of F_1^T F_2 (its
  nuclear norm). No root is taken, and the covariances may have any rank, 0 included.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

CHOLESKY = "Cholesky and symmetric eigenvalues"
FACTORS = "nuclear norm of factors"

_EPSILON = np.finfo(np.float64).eps
_TOLERANCE = 1e-8  # the rounding error that a distance may have, relative to the mean trace


class _Gaussian(NamedTuple):
    """A mean, (d,), and a covariance, (d, d), in float64."""

    mu: np.ndarray
    sigma: np.ndarray


class _Root(NamedTuple):
    """The trace of the root, the way it was computed (`CHOLESKY` or `FACTORS`), and why."""

    trace: float
    path: str
    reason: str


def frechet_distance(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> float:
    """Squared Fréchet distance between N(mu1, sigma1) and N(mu2, sigma2).

    Args:
      mu1, mu2: (d,) means.
      sigma1, sigma2: (d, d) symmetric positive semidefinite covariances; they may be singular.

    Returns:
      A float >= 0. Rounding moves it by less than 1e-8 of the traces. Covariances that are singular
      up to a rounding error e of their own leave the distance undetermined by about the root of e.

    Raises:
      ValueError: the shapes do not fit, or a number is not finite.
    """
    first, second = _check(mu1, sigma1, mu2, sigma2)
    return _distance(
        _mean_term(first, second),
        np.trace(first.sigma),
        np.trace(second.sigma),
        trace_of_root(first.sigma, second.sigma),
    )


@dataclasses.dataclass(frozen=True)
class Explanation:
    """How a distance comes about.

    Attributes:
      value: the distance.
      mean_term: |mu_1 - mu_2|^2.
      traces: [tr S_1, tr S_2].
      trace_of_root: tr (S_1 S_2)^(1/2).
      path: how that trace was computed, `CHOLESKY` or `FACTORS`.
      reason: why it was computed in this way.
      dimension: d.
      ranks: of S_1 and S_2, the number of eigenvalues above rounding error.
      conditions: of S_1 and S_2, the ratio of the largest to the smallest eigenvalue; None for a
        singular covariance.
    """

    value: float
    mean_term: float
    traces: list[float]
    trace_of_root: float
    path: str
    reason: str
    dimension: int
    ranks: list[int]
    conditions: list[float | None]

    def __str__(self) -> str:
        traces = " + ".join(f"{trace:.6g}" for trace in self.traces)
        ranks = " and ".join(map(str, self.ranks))
        conditions = " and ".join(
            "infinite" if condition is None else f"{condition:.1e}" for condition in self.conditions
        )
        if not any(self.conditions):
            conditions = "infinite, as both are singular"
        return (
            f"distance = {self.mean_term:.6g} (means) + {traces} (traces)"
            f" - 2 * {self.trace_of_root:.6g} (trace of the root)\n"
            f"Method for the root: {self.path}, as {self.reason}.\n"
            f"Ranks of the covariances: {ranks} of {self.dimension}. "
            f"Condition numbers: {conditions}."
        )


def explain(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> Explanation:
    """The distance as an `Explanation`, in more than twice the time of the distance alone.

    Args:
      mu1, sigma1, mu2, sigma2: as in `frechet_distance`.

    Raises:
      ValueError: as in `frechet_distance`.
    """
    first, second = _check(mu1, sigma1, mu2, sigma2)
    mean_term = _mean_term(first, second)
    trace1 = float(np.trace(first.sigma))
    trace2 = float(np.trace(second.sigma))
    root = _root(first.sigma, second.sigma)
    rank1, condition1 = _rank_and_condition(first.sigma)
    rank2, condition2 = _rank_and_condition(second.sigma)
    return Explanation(
        value=_distance(mean_term, trace1, trace2, root.trace),
        mean_term=mean_term,
        traces=[trace1, trace2],
        trace_of_root=root.trace,
        path=root.path,
        reason=root.reason,
        dimension=len(first.mu),
        ranks=[rank1, rank2],
        conditions=[condition1, condition2],
    )


def trace_of_root(sigma1: np.ndarray, sigma2: np.ndarray) -> float:
    """tr (sigma1 sigma2)^(1/2) of two symmetric positive semidefinite (d, d) float64 matrices."""
    return _root(sigma1, sigma2).trace


def _root(sigma1: np.ndarray, sigma2: np.ndarray) -> _Root:
    """The root by `CHOLESKY` where its rounding error is small enough, else by `FACTORS`."""
    eigenvalues = _eigenvalues_of_product(sigma1, sigma2)
    if eigenvalues is None:
        return _root_by_factors(sigma1, sigma2, "the first covariance is singular")
    rounding = _EPSILON * np.linalg.norm(sigma1) * np.linalg.norm(sigma2)  # of every eigenvalue
    if not eigenvalues[0] > rounding:  # also where it is not a number
        reason = "the product of the covariances is singular to rounding"
        return _root_by_factors(sigma1, sigma2, reason)
    roots = np.sqrt(eigenvalues)
    # An error e of an eigenvalue is an error of e / (2 root) of its root, and the distance contains
    # the root twice.
    error = (rounding / roots).sum() / ((np.trace(sigma1) + np.trace(sigma2)) / 2)
    if not error <= _TOLERANCE:
        reason = (
            f"by eigenvalues, rounding could move the distance by {error:.0e} of the mean trace"
        )
        return _root_by_factors(sigma1, sigma2, reason)
    reason = f"rounding moves the distance by at most {error:.0e} of the mean trace"
    return _Root(float(roots.sum()), CHOLESKY, reason)


def _eigenvalues_of_product(sigma1: np.ndarray, sigma2: np.ndarray) -> np.ndarray | None:
    """Ascending eigenvalues, (d,), of the product; None where sigma1 has no Cholesky factor."""
    # The transposes are the same matrices, in the memory order that LAPACK takes. Lower triangles
    # throughout: the pivots fall from the top, so the reduction of the product begins with the
    # largest one, which keeps the small eigenvalues exact.
    factor, failed = scipy.linalg.lapack.dpotrf(sigma1.T, lower=1, clean=0)
    if failed:
        return None
    product, _ = scipy.linalg.lapack.dsygst(sigma2.T, factor, itype=2, lower=1)
    return scipy.linalg.eigh(
        product, lower=True, eigvals_only=True, overwrite_a=True, check_finite=False
    )


def _root_by_factors(sigma1: np.ndarray, sigma2: np.ndarray, reason: str) -> _Root:
    product = _factor(sigma1).T @ _factor(sigma2)
    singular_values = scipy.linalg.svdvals(product, overwrite_a=True, check_finite=False)
    return _Root(float(singular_values.sum()), FACTORS, reason)


def _factor(sigma: np.ndarray) -> np.ndarray:
    """(d, rank) factor by pivoted Cholesky, which stops where the remainder is rounding error."""
    factor, order, rank, _ = scipy.linalg.lapack.dpstrf(sigma.T, lower=1)
    ordered = np.empty((len(sigma), rank))
    ordered[order - 1] = np.tril(factor)[:, :rank]
    return ordered


def _rank_and_condition(sigma: np.ndarray) -> tuple[int, float | None]:
    eigenvalues = scipy.linalg.eigh(sigma, eigvals_only=True, check_finite=False)
    rank = int((eigenvalues > len(sigma) * _EPSILON * max(eigenvalues[-1], 0)).sum())
    if rank < len(sigma):
        return rank, None
    return rank, float(eigenvalues[-1] / eigenvalues[0])


def _mean_term(first: _Gaussian, second: _Gaussian) -> float:
    delta = first.mu - second.mu
    return float(delta @ delta)


def _distance(mean_term: float, trace1: float, trace2: float, root: float) -> float:
    return max(float(mean_term + trace1 + trace2 - 2 * root), 0.0)


def _check(
    mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike
) -> tuple[_Gaussian, _Gaussian]:
    """The arguments in float64; raises `ValueError` where they do not fit."""
    first = _as_gaussian("first", mu1, sigma1)
    second = _as_gaussian("second", mu2, sigma2)
    if first.mu.shape != second.mu.shape:
        raise ValueError(
            f"moments of {len(first.mu)} and of {len(second.mu)} features cannot be compared"
        )
    return first, second


def _as_gaussian(name: str, mu: ArrayLike, sigma: ArrayLike) -> _Gaussian:
    mu = np.asarray(np.atleast_1d(mu), np.float64)
    sigma = np.asarray(np.atleast_2d(sigma), np.float64)
    if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
        raise ValueError(
            f"{name} moments have shapes {mu.shape} and {sigma.shape}; expected (d,) and (d, d)"
        )
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise ValueError(f"{name} moments are not finite")
    return _Gaussian(mu, sigma)
