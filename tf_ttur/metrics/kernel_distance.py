"""Kernel Inception Distance (Binkowski et al. 2018, section 4): squared maximum mean discrepancy
with a cubic kernel.

k(x, y) = (x . y / d + 1)^3 of d-dimensional features. The estimate is unbiased: it may be negative,
and its expectation does not depend on the number of images.
"""

import numpy as np

BLOCK = 1000  # features of each side in one estimate


def kernel_distance(first, second, block=BLOCK, seed=0):
    """Mean over disjoint random blocks, and its standard error.

    Args:
      first, second: (n, d) and (m, d) features, any float dtype.
      block: features of each side in a block; smaller sides make smaller blocks, of at least 2.
      seed: of the order in which features go to blocks.

    Returns:
      (value, standard_error, blocks): the error is NaN where there is only one block.

    Raises:
      ValueError: fewer than 2 features, or sides that do not fit.
    """
    count = min(len(first), len(second))
    if count < 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features of shapes {first.shape} and {second.shape}; expected (n, d) and (m, d) with n, m >= 2"
        )
    block = min(block, count)
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(len(side)) for side in (first, second)]
    values = []
    for start in range(0, count - block + 1, block):
        parts = [side[order[start : start + block]] for side, order in zip((first, second), orders)]
        values.append(squared_discrepancy(*parts))
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(np.mean(values)), float(error), len(values)


def squared_discrepancy(first, second):
    """The unbiased estimate of the squared discrepancy between (n, d) and (m, d) features, in
    float64.
    """
    first, second = (np.asarray(side, np.float64) for side in (first, second))
    n, m = len(first), len(second)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    own = [
        (values.sum() - np.trace(values)) / (size * (size - 1))
        for values, size in ((kernel(first, first), n), (kernel(second, second), m))
    ]
    return float(own[0] + own[1] - 2 * kernel(first, second).mean())
