import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.theory.nash import Game, diagnose, path_angle, sign_test


def scalar_game(losses, x, y):
    """A game of two numbers."""
    first, second = tf.Variable([x], dtype=tf.float64), tf.Variable([y], dtype=tf.float64)
    return Game(lambda: losses(first[0], second[0]), [first], [second])


def saddle(x, y):
    value = (1 + x**2) * (100 - y**2)
    return value, -value


def test_saddle_is_a_strict_local_nash_equilibrium():
    found = diagnose(scalar_game(saddle, 0.0, 0.0))
    assert found.verdict == "local Nash" and found.strict and found.stable
    np.testing.assert_allclose(np.concatenate(found.hessians), [200, 2], rtol=1e-12)
    np.testing.assert_allclose(found.jacobian, [2, 200], rtol=1e-12)
    assert diagnose(
        scalar_game(saddle, 0.0, 0.0), rates=(1e-2, 1e-6)
    ).stable  # however far apart the time scales are
    # One fast time scale: stable as a flow, and yet an update multiplies x by -1.
    assert diagnose(scalar_game(saddle, 0.0, 0.0), rates=(0.01, 0.01)).multiplier == pytest.approx(
        1
    )
    assert diagnose(scalar_game(saddle, 0.0, 0.0), rates=(1e-4, 0.01)).multiplier == pytest.approx(
        0.98
    )
    away = diagnose(scalar_game(saddle, 0.5, -0.4))
    assert away.verdict.startswith("not stationary")
    np.testing.assert_allclose(
        away.gradient_norms, [2 * 0.5 * (100 - 0.16), 2 * 0.4 * 1.25], rtol=1e-12
    )


def linear(theta, w):
    """Descent directions h = 2 theta - 3 w and g = theta - w."""
    return -(theta**2) + 3 * w * theta, w**2 / 2 - theta * w


@pytest.mark.parametrize(
    "ratio, verdict",
    [
        (1.0, "neither"),
        (0.51, "neither"),
        (0.5, "not Nash, stability marginal"),
        (0.49, "stable but not Nash"),
        (1e-6, "stable but not Nash"),
    ],
)
def test_linear_game_is_stable_for_a_ratio_of_rates_below_one_half(ratio, verdict):
    found = diagnose(scalar_game(linear, 0.0, 0.0), rates=(ratio * 0.05, 0.05))
    assert found.verdict == verdict
    np.testing.assert_allclose(found.hessians, [[-2], [1]])
    # Minus the Jacobian of the field that is followed.
    expected = np.linalg.eigvals([[-2 * ratio, 3 * ratio], [-1, 1]])
    np.testing.assert_allclose(
        np.sort_complex(found.jacobian), np.sort_complex(expected), atol=1e-12
    )


def test_bilinear_game_is_nash_but_only_turns():
    found = diagnose(scalar_game(lambda x, y: (x * y, -x * y), 0.0, 0.0))
    assert (
        found.verdict == "local Nash" and not found.strict and found.marginal and not found.stable
    )
    np.testing.assert_allclose(np.sort_complex(found.jacobian), [-1j, 1j], atol=1e-15)


def quadratic_game(first, second, coupling, seed=0):
    """Own Hessians with these spectra in random directions; G's first one and D's last one act on
    each other.
    """
    random = np.random.default_rng(seed)
    bases = [np.linalg.qr(random.standard_normal((len(s), len(s))))[0] for s in (first, second)]
    hessians = [basis * spectrum @ basis.T for basis, spectrum in zip(bases, (first, second))]
    mixed = coupling * np.outer(bases[0][:, 0], bases[1][:, -1])
    x, y = (tf.Variable(np.zeros(len(spectrum))) for spectrum in (first, second))

    def losses():
        own = [tf.tensordot(v, tf.linalg.matvec(h, v), 1) / 2 for v, h in zip((x, y), hessians)]
        both = tf.tensordot(x, tf.linalg.matvec(mixed, y), 1)
        return own[0] + both, own[1] - both

    return Game(losses, [x], [y]), np.block([[hessians[0], mixed], [-mixed.T, hessians[1]]])


@pytest.mark.parametrize(
    "low, coupling, verdict, stable",
    [
        (0.5, 1.0, "local Nash", True),
        (-0.3, 3.0, "stable but not Nash", True),
        (-0.3, 0.0, "neither", False),
    ],
)
def test_quadratic_games_of_chosen_spectra(low, coupling, verdict, stable):
    first, second = np.r_[low, np.linspace(1, 5, 79), 30.0], np.r_[1.0, np.linspace(2, 3, 58), 9.0]
    game, jacobian = quadratic_game(first, second, coupling)
    eigenvalues = np.linalg.eigvals(jacobian)
    assert (eigenvalues.real.min() > 0) == stable  # the case is what it is meant to be
    found = diagnose(game, count=2, tolerance=1e-6, max_products=4000)
    assert found.verdict == verdict and found.stable == stable and max(found.errors) < 1e-4
    for spectrum, extremes in zip((first, second), found.hessians):
        spectrum = np.sort(spectrum)
        np.testing.assert_allclose(extremes, np.r_[spectrum[:2], spectrum[-2:]], rtol=1e-5)
    assert found.jacobian.real.min() == pytest.approx(eigenvalues.real.min(), rel=1e-4)
    assert np.abs(found.jacobian).max() == pytest.approx(np.abs(eigenvalues).max(), rel=1e-4)


def test_what_did_not_settle_is_not_decided():
    first, second = np.r_[0.5, np.linspace(1, 5, 79), 30.0], np.r_[1.0, np.linspace(2, 3, 58), 9.0]
    found = diagnose(
        quadratic_game(first, second, 1.0)[0], count=2, tolerance=1e-10, max_products=1
    )
    assert found.nash is None and found.stable is None and found.verdict == "undecided"


def test_products_are_those_of_the_networks_second_derivatives():
    x, y = (
        tf.Variable(tf.random.stateless_normal((3, 2), (0, 1))),
        tf.Variable(tf.random.stateless_normal((4,), (0, 2))),
    )

    def losses(data):
        score = (
            tf.reduce_sum(tf.tanh(data @ x) ** 2) * tf.reduce_sum(tf.sin(y))
            + tf.reduce_sum(x) * y[0] ** 3
        )
        return score, tf.reduce_sum(y**4) - score

    batches = [(tf.random.stateless_normal((5, 3), (n, 3)),) for n in range(3)]
    game = Game(losses, [x], [y], batches)
    assert game.sizes == (6, 4)
    point = game.point
    dense = (game.jacobian((0.5, 1.0)) @ np.eye(10)).T  # the operator is the transposed one
    for i in range(10):
        step = 1e-2 * np.eye(10)[i]
        game.point = point + step
        above = game.gradients().mean(0)
        game.point = point - step
        below = game.gradients().mean(0)
        column = (above - below) / 2e-2
        column[:6] *= 0.5
        np.testing.assert_allclose(dense[:, i], column, rtol=0.02, atol=0.02)
    game.point = point
    np.testing.assert_allclose(game.hessian(0) @ np.eye(6), dense[:6, :6] * 2, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(game.hessian(1) @ np.eye(4), dense[6:, 6:], rtol=1e-5, atol=1e-4)


def test_stationarity_is_judged_against_the_noise_of_the_batches():
    random = np.random.default_rng(0)
    noise = random.standard_normal((400, 8, 50))
    chance = np.array([sign_test(rows, random) for rows in noise])
    # p-values of true hypotheses are uniform: 5 % +- 4 standard errors lie below 0.05.
    assert abs(np.mean(chance < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400) + 1 / 128
    assert sign_test(noise[0] + 1.0, random) == 1 / 128
    assert {sign_test(rows, random) for rows in np.float32(noise[:50] + 1.0)} == {
        1 / 128
    }  # rounding takes nothing away
    assert sign_test(noise[:, 0, :] * 1e-3 + 1.0, random) == 1 / 4096  # many rows: drawn patterns
    assert np.isnan(sign_test(noise[0][:1], random))


def test_a_batch_game_is_stationary_where_the_batches_cancel():
    x, y = tf.Variable([0.0]), tf.Variable([0.0])
    batches = [
        (tf.constant(float(value)),) for value in np.random.default_rng(1).standard_normal(10)
    ]
    losses = lambda shift: (x[0] ** 2 + shift * x[0], y[0] ** 2 + shift * y[0])
    assert diagnose(Game(losses, [x], [y], batches)).verdict == "local Nash"
    x.assign([5.0])
    assert (
        diagnose(Game(losses, [x], [y], batches)).verdict
        == "not stationary (by curvature: local Nash)"
    )
    few = diagnose(Game(losses, [x], [y], batches[:5]))
    assert few.stationary is None and few.verdict.startswith("too few batches")
    x.assign([np.inf])
    with pytest.raises(UserError, match="not finite"):
        diagnose(Game(losses, [x], [y], batches))


def test_path_angle_changes_sign_where_the_path_ends_in_an_attractor():
    game = scalar_game(lambda x, y: (x**2 / 2, y**2 / 2), 0.0, 0.0)
    cosines, norms = path_angle(game, np.array([3.0, 4.0]), np.zeros(2), [0.5, 1, 1.5])
    np.testing.assert_allclose(cosines, [1, 0, -1], atol=1e-12)
    np.testing.assert_allclose(norms, [2.5, 0, 2.5], atol=1e-12)
    np.testing.assert_array_equal(game.point, [0, 0])
    # A rotation stands at a right angle to its radius everywhere.
    game = scalar_game(lambda x, y: (x * y, -x * y), 0.0, 0.0)
    np.testing.assert_allclose(
        path_angle(game, np.array([3.0, 4.0]), np.zeros(2), [0.5, 1.5])[0], 0, atol=1e-12
    )
    with pytest.raises(ValueError):
        path_angle(game, np.zeros(2), np.zeros(2), [0])
