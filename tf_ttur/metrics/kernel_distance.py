"""Kernel Inception Distance (Binkowski et al. 2018, section 4): the squared maximum mean
discrepancy with a polynomial kernel.

The kernel of d-dimensional features is k(x, y) = (x . y / d + 1)^3; the degree may be another. The
estimate is unbiased: it may be negative, and its expectation does not depend on the number of
images.
"""

import numpy as np

BLOCK = 1000  # features of each side in one estimate
DEGREE = 3  # of the published kernel


def kernel_distance(
    first: np.ndarray,
    second: np.ndarray,
    block: int = BLOCK,
    seed: int = 0,
    degree: int = DEGREE,
    blocks: int = 0,
) -> tuple[float, float, int]:
    """Mean over disjoint random blocks, and its standard error.

    Args:
      first, second: (n, d) and (m, d) features, of any float dtype.
      block: features of each side in a block. A side with fewer makes blocks of its size, at least
        2.
      seed: of the order in which features are assigned to blocks.
      degree: of the kernel's polynomial.
      blocks: takes only so many blocks; 0 takes all that the smaller side gives.

    Returns:
      (value, standard_error, blocks): the error is NaN where there is only one block.

    Raises:
      ValueError: fewer than 2 features, or sides that do not fit together.
    """
    count = min(len(first), len(second))
    if count < 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features of shapes {first.shape} and {second.shape};"
            " expected (n, d) and (m, d) with n, m >= 2"
        )
    block = min(block, count)
    generator = np.random.default_rng(seed)
    first_order = generator.permutation(len(first))
    second_order = generator.permutation(len(second))
    values = []
    for start in range(0, count - block + 1, block)[: blocks or None]:
        rows = slice(start, start + block)
        values.append(
            squared_discrepancy(first[first_order[rows]], second[second_order[rows]], degree)
        )
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(np.mean(values)), float(error), len(values)


def squared_discrepancy(first: np.ndarray, second: np.ndarray, degree: int = DEGREE) -> float:
    """The unbiased estimate of the squared discrepancy, in float64.

    Args:
      first, second: (n, d) and (m, d) features, of any float dtype; n and m at least 2.
      degree: of the kernel's polynomial.
    """
    first = np.asarray(first, np.float64)
    second = np.asarray(second, np.float64)
    within = _mean_within(first, degree) + _mean_within(second, degree)
    return float(within - 2 * _kernel(first, second, degree).mean())


def _mean_within(features: np.ndarray, degree: int) -> float:
    """The mean kernel of all pairs of two different features."""
    values = _kernel(features, features, degree)
    size = len(features)
    return (values.sum() - np.trace(values)) / (size * (size - 1))


def _kernel(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** degree
