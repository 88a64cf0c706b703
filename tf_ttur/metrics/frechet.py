"""Fréchet distance between two Gaussians.

d^2 = |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2)    (Dowson and Landau 1982; Heusel et al. 2017, eq. 6)

No root of the non-symmetric product is taken, so the value is real by construction; like the
official implementation this is d^2, not its root. The last trace is computed in one of two ways:

- CHOLESKY: with S_1 = L L^T it is the sum of the roots of the eigenvalues of the symmetric matrix
  L^T S_2 L. A root makes the rounding error of a small eigenvalue large, so this is kept only where
  the error is bounded.
- FACTORS: with any S_i = F_i F_i^T it is the sum of the singular values of F_1^T F_2 (its nuclear
  norm). No root is taken; the covariances may have any rank, 0 included.
"""

import dataclasses

import numpy as np
import scipy.linalg

CHOLESKY = "Cholesky and symmetric eigenvalues"
FACTORS = "nuclear norm of factors"

_EPSILON = np.finfo(np.float64).eps
_TOLERANCE = 1e-8  # of the mean of both traces: the rounding error that a distance may have


def frechet_distance(mu1, sigma1, mu2, sigma2):
    """Squared Fréchet distance between N(mu1, sigma1) and N(mu2, sigma2).

    Args:
      mu1, mu2: (d,) means.
      sigma1, sigma2: (d, d) symmetric positive semidefinite covariances; they may be singular.

    Returns:
      A float >= 0. Rounding moves it by less than 1e-8 of the traces; covariances that are singular
      but for their own rounding error e leave it undetermined by as much as the root of e.

    Raises:
      ValueError: shapes that do not fit, or numbers that are not finite.
    """
    mu1, sigma1, mu2, sigma2 = _checked(mu1, sigma1, mu2, sigma2)
    return _distance(
        _mean_term(mu1, mu2), np.trace(sigma1), np.trace(sigma2), trace_of_root(sigma1, sigma2)
    )


@dataclasses.dataclass(frozen=True)
class Explanation:
    """How a distance comes about.

    Attributes:
      value: the distance.
      mean_term: |mu_1 - mu_2|^2.
      traces: [tr S_1, tr S_2].
      trace_of_root: tr (S_1 S_2)^(1/2).
      path: how that was computed, `CHOLESKY` or `FACTORS`.
      reason: why so.
      dimension: d.
      ranks: of S_1 and S_2, the number of eigenvalues above rounding error.
      conditions: of S_1 and S_2, the largest eigenvalue by the smallest; None for a singular one.
    """

    value: float
    mean_term: float
    traces: list
    trace_of_root: float
    path: str
    reason: str
    dimension: int
    ranks: list
    conditions: list

    def __str__(self):
        conditions = " and ".join(
            "infinite" if condition is None else f"{condition:.1e}" for condition in self.conditions
        )
        traces, ranks = (
            " + ".join(f"{trace:.6g}" for trace in self.traces),
            " and ".join(map(str, self.ranks)),
        )
        return (
            f"distance = {self.mean_term:.6g} (means) + {traces} (traces) - 2 * {self.trace_of_root:.6g} (trace of the root)\n"
            f"root by {self.path}: {self.reason}\n"
            f"covariances of rank {ranks} of {self.dimension}, condition {conditions}"
        )


def explain(mu1, sigma1, mu2, sigma2):
    """The distance as an `Explanation`; arguments and errors as of `frechet_distance`, more than
    twice the time.
    """
    mu1, sigma1, mu2, sigma2 = _checked(mu1, sigma1, mu2, sigma2)
    mean_term, traces = _mean_term(mu1, mu2), [float(np.trace(sigma)) for sigma in (sigma1, sigma2)]
    root, path, reason = _root(sigma1, sigma2)
    (rank1, condition1), (rank2, condition2) = (
        _rank_and_condition(sigma1),
        _rank_and_condition(sigma2),
    )
    value = _distance(mean_term, *traces, root)
    return Explanation(
        value,
        mean_term,
        traces,
        root,
        path,
        reason,
        len(mu1),
        [rank1, rank2],
        [condition1, condition2],
    )


def trace_of_root(sigma1, sigma2):
    """tr (sigma1 sigma2)^(1/2) of two symmetric positive semidefinite (d, d) float64 matrices."""
    return _root(sigma1, sigma2)[0]


def _root(sigma1, sigma2):
    """(trace of the root, path, reason)."""
    # The transposes are the same matrices, in the order that LAPACK takes. Lower triangles
    # throughout: pivots fall from the top, and so the reduction of the product begins with the
    # largest, which keeps the small eigenvalues exact.
    factor, failed = scipy.linalg.lapack.dpotrf(sigma1.T, lower=1, clean=0)
    if failed:
        reason = "the first covariance has no Cholesky factor"
    else:
        product, _ = scipy.linalg.lapack.dsygst(sigma2.T, factor, itype=2, lower=1)
        eigenvalues = scipy.linalg.eigh(
            product, lower=True, eigvals_only=True, overwrite_a=True, check_finite=False
        )
        rounding = _EPSILON * np.linalg.norm(sigma1) * np.linalg.norm(sigma2)  # of every eigenvalue
        if eigenvalues[0] > rounding:
            roots = np.sqrt(eigenvalues)
            # An error e of an eigenvalue is one of e / (2 root) of the root, which the distance has
            # twice.
            error = (rounding / roots).sum() / ((np.trace(sigma1) + np.trace(sigma2)) / 2)
            if error <= _TOLERANCE:
                return (
                    float(roots.sum()),
                    CHOLESKY,
                    f"rounding moves the distance by at most {error:.0e} of the mean trace",
                )
            reason = (
                f"by eigenvalues, rounding could move the distance by {error:.0e} of the mean trace"
            )
        else:
            reason = "the product of the covariances is singular to rounding"
    factors = [_factor(sigma) for sigma in (sigma1, sigma2)]
    singular_values = scipy.linalg.svdvals(
        factors[0].T @ factors[1], overwrite_a=True, check_finite=False
    )
    return float(singular_values.sum()), FACTORS, reason


def _factor(sigma):
    """(d, rank) factor by Cholesky with pivots, which ends where what is left is rounding error."""
    factor, order, rank, _ = scipy.linalg.lapack.dpstrf(sigma.T, lower=1)
    ordered = np.empty((len(sigma), rank))
    ordered[order - 1] = np.tril(factor)[:, :rank]
    return ordered


def _rank_and_condition(sigma):
    eigenvalues = scipy.linalg.eigh(sigma, eigvals_only=True, check_finite=False)
    rank = int((eigenvalues > len(sigma) * _EPSILON * max(eigenvalues[-1], 0)).sum())
    return rank, float(eigenvalues[-1] / eigenvalues[0]) if rank == len(sigma) else None


def _mean_term(mu1, mu2):
    delta = mu1 - mu2
    return float(delta @ delta)


def _distance(mean_term, trace1, trace2, root):
    return max(float(mean_term + trace1 + trace2 - 2 * root), 0.0)


def _checked(mu1, sigma1, mu2, sigma2):
    """The arguments in float64."""
    mu1, mu2 = (np.asarray(np.atleast_1d(mu), np.float64) for mu in (mu1, mu2))
    sigma1, sigma2 = (np.asarray(np.atleast_2d(sigma), np.float64) for sigma in (sigma1, sigma2))
    for name, mu, sigma in (("first", mu1, sigma1), ("second", mu2, sigma2)):
        if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
            raise ValueError(
                f"{name} moments have shapes {mu.shape} and {sigma.shape}; expected (d,) and (d, d)"
            )
        if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
            raise ValueError(f"{name} moments are not finite")
    if mu1.shape != mu2.shape:
        raise ValueError(f"moments of {len(mu1)} and of {len(mu2)} features cannot be compared")
    return mu1, sigma1, mu2, sigma2
