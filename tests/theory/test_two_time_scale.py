import functools

import numpy as np
import pytest

from tf_ttur.theory import two_time_scale as theory
from tf_ttur.theory.two_time_scale import SETTINGS

RUNS = 200


def test_stability_of_the_jacobian():
    assert theory.is_stable(0.1) and theory.is_stable(0.499)
    assert not theory.is_stable(0.5) and not theory.is_stable(1)


def test_expected_squares_by_hand():
    """One noisy step from theta = 1, w = 0."""
    a = theory.constant(0.1)
    b = theory.constant(0.2)
    squares = theory.expected_squares(a, b, 1, noise_std=0.5)
    theta = 1 + 0.1 * 2
    w = 0.2 * 1
    expected = [theta**2 + (0.1 * 0.5) ** 2, (w - theta) ** 2 + (0.1 * 0.5) ** 2 + (0.2 * 0.5) ** 2]
    np.testing.assert_allclose(squares[1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "name, steps",
    [
        ("constant, equal", 1000),
        ("constant, two time scales", 3000),
        ("decaying, equal", 1000),
        ("decaying, two time scales", 3000),
    ],
)
def test_simulation_agrees_with_the_exact_moments(name, steps):
    """At each of some steps, within four standard errors.

    Both errors are normal, so a mean of RUNS squares has the relative standard error
    sqrt(2 / RUNS).
    """
    a, b, _ = SETTINGS[name]
    measured = theory.simulate(a, b, steps, RUNS, seed=3)
    expected = theory.expected_squares(a, b, steps)
    for step in (100, 300, steps):
        np.testing.assert_allclose(measured[step], expected[step], rtol=4 * np.sqrt(2 / RUNS))


# §9 of the fact sheet, from 200 runs each: RMS of theta after so many steps.
@pytest.mark.parametrize(
    "name, step, rms, digits",
    [
        ("constant, equal", 100, 26, 0.5),
        ("constant, equal", 1000, 2.5e11, 0.05e11),
        ("constant, two time scales", 1000, 0.018, 0.0005),
        ("decaying, two time scales", 1000, 0.035, 0.0005),
        ("decaying, two time scales", 10_000, 0.0034, 0.00005),
        ("decaying, two time scales", 100_000, 0.0011, 0.00005),
        ("decaying, equal", 1000, 5.8e3, 0.05e3),
    ],
)
def test_published_rms_within_its_monte_carlo_error(name, step, rms, digits, exact):
    """An RMS of RUNS normal numbers has the relative standard error 1 / sqrt(2 RUNS)."""
    expected = np.sqrt(exact(name)[step, 0])
    assert abs(rms - expected) <= 4 * expected / np.sqrt(2 * RUNS) + digits


@pytest.fixture(scope="module")
def exact():
    """The exact mean squares of a setting, computed once."""
    return functools.cache(lambda name: theory.expected_squares(*SETTINGS[name]))


def test_slopes(exact):
    squares = exact("decaying, two time scales")
    np.testing.assert_allclose(theory.slopes(squares, 6_000, 60_000), [-0.9, -0.6], atol=0.2)
    power_law = np.stack([np.arange(1, 10_001.0) ** -0.7] * 2, axis=1)
    np.testing.assert_allclose(theory.slopes(power_law, 100, 9_000), -0.7, atol=0.02)


def test_the_noise_floor_of_constant_rates_stays(exact):
    floor = np.sqrt(exact("constant, two time scales")[[1000, 10_000, 100_000], 0])
    np.testing.assert_allclose(floor, 0.018, atol=0.0005)
