import itertools

import numpy as np
import pytest

from tf_ttur.metrics.kernel_distance import kernel_distance, squared_discrepancy


def slow(x, y):
    """The squared discrepancy by its definition, one pair of features at a time."""

    def kernel(a, b):
        return (a @ b / len(a) + 1) ** 3

    def within(side):
        return np.mean([kernel(a, b) for a, b in itertools.permutations(side, 2)])

    between = np.mean([kernel(a, b) for a in x for b in y])
    return within(x) + within(y) - 2 * between


def test_against_the_definition():
    random = np.random.default_rng(0)
    x = random.standard_normal((9, 4))
    y = random.standard_normal((7, 4)) + 0.5
    assert squared_discrepancy(x, y) == pytest.approx(slow(x, y), rel=1e-12)
    assert squared_discrepancy(x.astype(np.float32), y) == pytest.approx(slow(x, y), rel=1e-5)


def test_unbiased():
    """Two samples of one distribution give 0 within four standard errors, small ones too."""
    random = np.random.default_rng(1)
    values = [squared_discrepancy(*random.standard_normal((2, 10, 5))) for _ in range(2000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(2000)
    assert min(values) < 0


def test_blocks_and_their_error():
    random = np.random.default_rng(2)
    x = random.standard_normal((450, 5))
    y = random.standard_normal((400, 5)) + 0.2
    value, error, count = kernel_distance(x, y, block=100, seed=3)
    assert count == 4
    orders = np.random.default_rng(3)
    first = orders.permutation(450)
    second = orders.permutation(400)
    blocks = [
        squared_discrepancy(x[first[i : i + 100]], y[second[i : i + 100]])
        for i in (0, 100, 200, 300)
    ]
    assert value == pytest.approx(np.mean(blocks))
    assert error == pytest.approx(np.std(blocks, ddof=1) / 2)
    assert abs(value - squared_discrepancy(x, y)) < 4 * error


def test_one_block_has_no_error():
    random = np.random.default_rng(2)
    x = random.standard_normal((50, 5))
    y = random.standard_normal((400, 5)) + 0.2
    value, error, count = kernel_distance(x, y, block=100)
    assert np.isfinite(value)
    assert np.isnan(error)
    assert count == 1
    with pytest.raises(ValueError, match="n, m >= 2"):
        kernel_distance(x[:1], y)
