"""Fréchet distance between two Gaussians.

d^2 = |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2)    (Dowson and Landau 1982; Heusel et al. 2017, eq. 6)

With factors S_i = L_i L_i^T the last trace is the sum of the singular values of L_1^T L_2, the square roots of the
eigenvalues of the symmetric matrix L_1^T S_2 L_1. No root of the non-symmetric product is taken, so the value is real
by construction; like the official implementation this is d^2, not its root.
"""

import numpy as np
import scipy.linalg

# Below this ratio of smallest to largest pivot a covariance counts as singular: squares of singular values down to
# rounding error would put noise of relative size sqrt(epsilon) into their roots.
_WELL_CONDITIONED = 1e-7


def frechet_distance(mu1, sigma1, mu2, sigma2):
    """Squared Fréchet distance between N(mu1, sigma1) and N(mu2, sigma2).

    Args:
      mu1, mu2: (d,) means.
      sigma1, sigma2: (d, d) symmetric positive semidefinite covariances; they may be singular.

    Returns:
      A float >= 0, exact to float64 rounding.

    Raises:
      ValueError: shapes that do not fit, or numbers that are not finite.
    """
    mu1, mu2 = np.atleast_1d(mu1).astype(np.float64), np.atleast_1d(mu2).astype(np.float64)
    sigma1, sigma2 = np.atleast_2d(sigma1).astype(np.float64), np.atleast_2d(sigma2).astype(np.float64)
    for name, mu, sigma in (("first", mu1, sigma1), ("second", mu2, sigma2)):
        if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
            raise ValueError(f"{name} moments have shapes {mu.shape} and {sigma.shape}; expected (d,) and (d, d)")
        if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
            raise ValueError(f"{name} moments are not finite")
    if mu1.shape != mu2.shape:
        raise ValueError(f"moments of {len(mu1)} and of {len(mu2)} features cannot be compared")
    delta = mu1 - mu2
    distance = delta @ delta + np.trace(sigma1) + np.trace(sigma2) - 2 * trace_of_root(sigma1, sigma2)
    return max(float(distance), 0.0)


def trace_of_root(sigma1, sigma2):
    """tr (sigma1 sigma2)^(1/2) of two symmetric positive semidefinite (d, d) float64 matrices."""
    factor1, factor2 = _cholesky(sigma1), _cholesky(sigma2)
    if factor1 is not None and factor2 is not None:
        product = scipy.linalg.blas.dtrmm(1.0, factor1, np.asfortranarray(factor2), trans_a=1, lower=1)
        eigenvalues = scipy.linalg.eigh(product @ product.T, eigvals_only=True, overwrite_a=True, check_finite=False)
        return np.sqrt(np.maximum(eigenvalues, 0)).sum()
    factor1 = _factor(sigma1) if factor1 is None else factor1
    factor2 = _factor(sigma2) if factor2 is None else factor2
    return scipy.linalg.svdvals(factor1.T @ factor2, overwrite_a=True, check_finite=False).sum()


def _cholesky(sigma):
    """The lower Cholesky factor, or None where the matrix is (nearly) singular."""
    factor, failed = scipy.linalg.lapack.dpotrf(sigma, lower=1, clean=1)
    pivots = np.diagonal(factor)
    if failed or pivots.min() ** 2 < _WELL_CONDITIONED * pivots.max() ** 2:
        return None
    return factor


def _factor(sigma):
    """(d, rank) factor from the eigenvalues above rounding error; works for any rank, 0 included."""
    eigenvalues, vectors = scipy.linalg.eigh(sigma, check_finite=False)
    keep = eigenvalues > len(sigma) * np.finfo(np.float64).eps * max(eigenvalues[-1], 0)
    return vectors[:, keep] * np.sqrt(eigenvalues[keep])
