import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.players import Players
from tf_ttur.theory.game import Game
from tf_ttur.theory.nash import diagnose, path_angle, sign_test


def scalar_game(losses, x, y):
    """A game of two numbers: the generator moves x and minimises the first loss."""
    generator = tf.Variable([x], dtype=tf.float64)
    discriminator = tf.Variable([y], dtype=tf.float64)

    def both():
        first, second = losses(generator[0], discriminator[0])
        return Players(discriminator=second, generator=first)

    return Game(both, Players([discriminator], [generator]))


def rates(generator, discriminator):
    """The paper's a and b."""
    return Players(discriminator=discriminator, generator=generator)


def saddle(x, y):
    """The toy saddle point."""
    value = (1 + x**2) * (100 - y**2)
    return value, -value


def test_saddle_is_a_strict_local_nash_equilibrium():
    found = diagnose(scalar_game(saddle, 0.0, 0.0))
    assert found.verdict == "local Nash" and found.strict and found.stable
    np.testing.assert_allclose(found.hessians.generator, [200], rtol=1e-12)
    np.testing.assert_allclose(found.hessians.discriminator, [2], rtol=1e-12)
    np.testing.assert_allclose(found.jacobian, [2, 200], rtol=1e-12)


def test_saddle_is_stable_however_far_apart_the_time_scales_are():
    assert diagnose(scalar_game(saddle, 0.0, 0.0), rates(1e-2, 1e-6)).stable


def test_steps_of_one_fast_time_scale_are_too_large_for_the_saddle():
    """It is stable as a flow, and yet an update multiplies x by -1."""
    found = diagnose(scalar_game(saddle, 0.0, 0.0), rates(0.01, 0.01))
    assert found.multiplier == pytest.approx(1)
    found = diagnose(scalar_game(saddle, 0.0, 0.0), rates(1e-4, 0.01))
    assert found.multiplier == pytest.approx(0.98)


def test_gradients_beside_the_saddle():
    found = diagnose(scalar_game(saddle, 0.5, -0.4))
    assert found.verdict.startswith("not stationary")
    norms = found.gradient_norms
    np.testing.assert_allclose(norms.generator, 2 * 0.5 * (100 - 0.16), rtol=1e-12)
    np.testing.assert_allclose(norms.discriminator, 2 * 0.4 * 1.25, rtol=1e-12)


def linear(theta, w):
    """Losses whose descent directions are h = 2 theta - 3 w and g = theta - w."""
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
    found = diagnose(scalar_game(linear, 0.0, 0.0), rates(ratio * 0.05, 0.05))
    assert found.verdict == verdict
    np.testing.assert_allclose(found.hessians.generator, [-2])
    np.testing.assert_allclose(found.hessians.discriminator, [1])
    # Minus the Jacobian of the field that is followed.
    expected = np.linalg.eigvals([[-2 * ratio, 3 * ratio], [-1, 1]])
    np.testing.assert_allclose(
        np.sort_complex(found.jacobian), np.sort_complex(expected), atol=1e-12
    )


def test_bilinear_game_is_nash_but_only_turns():
    found = diagnose(scalar_game(lambda x, y: (x * y, -x * y), 0.0, 0.0))
    assert found.verdict == "local Nash"
    assert not found.strict and found.marginal and not found.stable
    np.testing.assert_allclose(np.sort_complex(found.jacobian), [-1j, 1j], atol=1e-15)


# Spectra of the own Hessians of both players, for `quadratic_game`.
GENERATOR = np.r_[0.5, np.linspace(1, 5, 79), 30.0]
DISCRIMINATOR = np.r_[1.0, np.linspace(2, 3, 58), 9.0]


def quadratic_game(spectra, coupling, seed=0):
    """Own Hessians with these spectra in random directions.

    The generator's first and the discriminator's last direction act on each other.

    Returns:
      (game, its Jacobian with the generator first).
    """
    random = np.random.default_rng(seed)
    generator, generator_basis = random_matrix(spectra.generator, random)
    discriminator, discriminator_basis = random_matrix(spectra.discriminator, random)
    mixed = coupling * np.outer(generator_basis[:, 0], discriminator_basis[:, -1])
    x = tf.Variable(np.zeros(len(generator)))
    y = tf.Variable(np.zeros(len(discriminator)))

    def losses():
        both = tf.tensordot(x, tf.linalg.matvec(mixed, y), 1)
        return Players(
            discriminator=tf.tensordot(y, tf.linalg.matvec(discriminator, y), 1) / 2 - both,
            generator=tf.tensordot(x, tf.linalg.matvec(generator, x), 1) / 2 + both,
        )

    jacobian = np.block([[generator, mixed], [-mixed.T, discriminator]])
    return Game(losses, Players(discriminator=[y], generator=[x])), jacobian


def random_matrix(spectrum, random):
    """(symmetric matrix with this spectrum, its eigenvectors)."""
    basis = np.linalg.qr(random.standard_normal((len(spectrum), len(spectrum))))[0]
    return basis * spectrum @ basis.T, basis


@pytest.mark.parametrize(
    "low, coupling, verdict, stable",
    [
        (0.5, 1.0, "local Nash", True),
        (-0.3, 3.0, "stable but not Nash", True),
        (-0.3, 0.0, "neither", False),
    ],
)
def test_quadratic_games_of_chosen_spectra(low, coupling, verdict, stable):
    spectra = Players(discriminator=DISCRIMINATOR, generator=np.r_[low, GENERATOR[1:]])
    game, jacobian = quadratic_game(spectra, coupling)
    eigenvalues = np.linalg.eigvals(jacobian)
    assert (eigenvalues.real.min() > 0) == stable  # the case is what it is meant to be
    found = diagnose(game, count=2, tolerance=1e-6, max_products=4000)
    assert found.verdict == verdict and found.stable == stable
    assert max(*found.hessian_errors, found.jacobian_error) < 1e-4
    for spectrum, extremes in zip(spectra, found.hessians, strict=True):
        spectrum = np.sort(spectrum)
        np.testing.assert_allclose(extremes, np.r_[spectrum[:2], spectrum[-2:]], rtol=1e-5)
    assert found.jacobian.real.min() == pytest.approx(eigenvalues.real.min(), rel=1e-4)
    assert np.abs(found.jacobian).max() == pytest.approx(np.abs(eigenvalues).max(), rel=1e-4)


def test_what_did_not_settle_is_not_decided():
    game, _ = quadratic_game(Players(DISCRIMINATOR, GENERATOR), 1.0)
    found = diagnose(game, count=2, tolerance=1e-10, max_products=1)
    assert found.nash is None and found.stable is None and found.verdict == "undecided"


def test_products_are_those_of_the_networks_second_derivatives():
    x = tf.Variable(tf.random.stateless_normal((3, 2), (0, 1)))
    y = tf.Variable(tf.random.stateless_normal((4,), (0, 2)))

    def losses(data):
        score = tf.reduce_sum(tf.tanh(data @ x) ** 2) * tf.reduce_sum(tf.sin(y))
        score += tf.reduce_sum(x) * y[0] ** 3
        return Players(discriminator=tf.reduce_sum(y**4) - score, generator=score)

    batches = [(tf.random.stateless_normal((5, 3), (n, 3)),) for n in range(3)]
    game = Game(losses, Players(discriminator=[y], generator=[x]), batches)
    assert game.sizes == (4, 6)
    point = game.point
    dense = (game.jacobian(rates(0.5, 1.0)) @ np.eye(10)).T  # the operator is the transposed one
    scale = game.scale(rates(0.5, 1.0))
    for i in range(10):
        step = 1e-2 * np.eye(10)[i]
        game.point = point + step
        above = game.gradients().mean(0)
        game.point = point - step
        below = game.gradients().mean(0)
        column = scale * (above - below) / 2e-2
        np.testing.assert_allclose(dense[:, i], column, rtol=0.02, atol=0.02)
    game.point = point
    own = game.split(game.split(dense).generator.T).generator.T
    product = game.hessian("generator") @ np.eye(6)
    np.testing.assert_allclose(product, own * 2, rtol=1e-5, atol=1e-4)
    own = game.split(game.split(dense).discriminator.T).discriminator.T
    product = game.hessian("discriminator") @ np.eye(4)
    np.testing.assert_allclose(product, own, rtol=1e-5, atol=1e-4)


def test_parts_of_flat_vectors_belong_to_the_players():
    """Each player's part of the gradient is that of its own loss in its own variables."""
    x = tf.Variable([1.0, 2.0])
    y = tf.Variable([3.0])
    losses = lambda: Players(discriminator=y[0] ** 2 * x[0], generator=x[1] ** 2 + y[0])
    game = Game(losses, Players(discriminator=[y], generator=[x]))
    gradients = game.split(game.gradients())
    np.testing.assert_array_equal(gradients.discriminator, [[6.0]])
    np.testing.assert_array_equal(gradients.generator, [[0.0, 4.0]])
    np.testing.assert_array_equal(game.join(game.split(game.point)), game.point)
    parts = game.split(game.scale(Players(discriminator=5, generator=7)))
    np.testing.assert_array_equal(parts.discriminator, [5.0])
    np.testing.assert_array_equal(parts.generator, [7.0, 7.0])


def test_stationarity_is_judged_against_the_noise_of_the_batches():
    random = np.random.default_rng(0)
    noise = random.standard_normal((400, 8, 50))
    chance = np.array([sign_test(rows, random) for rows in noise])
    # p-values of true hypotheses are uniform: 5 % +- 4 standard errors lie below 0.05.
    assert abs(np.mean(chance < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400) + 1 / 128
    assert sign_test(noise[0] + 1.0, random) == 1 / 128
    # Rounding takes nothing away.
    assert {sign_test(rows, random) for rows in np.float32(noise[:50] + 1.0)} == {1 / 128}
    assert sign_test(noise[:, 0, :] * 1e-3 + 1.0, random) == 1 / 4096  # many rows: drawn patterns
    assert np.isnan(sign_test(noise[0][:1], random))


def test_a_batch_game_is_stationary_where_the_batches_cancel():
    x = tf.Variable([0.0])
    y = tf.Variable([0.0])
    shifts = np.random.default_rng(1).standard_normal(10)
    batches = [(tf.constant(float(shift)),) for shift in shifts]

    def losses(shift):
        return Players(discriminator=y[0] ** 2 + shift * y[0], generator=x[0] ** 2 + shift * x[0])

    variables = Players(discriminator=[y], generator=[x])
    assert diagnose(Game(losses, variables, batches)).verdict == "local Nash"
    x.assign([5.0])
    found = diagnose(Game(losses, variables, batches))
    assert found.verdict == "not stationary (by curvature: local Nash)"
    few = diagnose(Game(losses, variables, batches[:5]))
    assert few.stationary is None and few.verdict.startswith("too few batches")
    x.assign([np.inf])
    with pytest.raises(UserError, match="not finite"):
        diagnose(Game(losses, variables, batches))


def test_path_angle_changes_sign_where_the_path_ends_in_an_attractor():
    game = scalar_game(lambda x, y: (x**2 / 2, y**2 / 2), 0.0, 0.0)
    cosines, norms = path_angle(game, np.array([3.0, 4.0]), np.zeros(2), [0.5, 1, 1.5])
    np.testing.assert_allclose(cosines, [1, 0, -1], atol=1e-12)
    np.testing.assert_allclose(norms, [2.5, 0, 2.5], atol=1e-12)
    np.testing.assert_array_equal(game.point, [0, 0])


def test_a_rotation_stands_at_a_right_angle_to_its_radius_everywhere():
    game = scalar_game(lambda x, y: (x * y, -x * y), 0.0, 0.0)
    cosines, _ = path_angle(game, np.array([3.0, 4.0]), np.zeros(2), [0.5, 1.5])
    np.testing.assert_allclose(cosines, 0, atol=1e-12)
    with pytest.raises(ValueError):
        path_angle(game, np.zeros(2), np.zeros(2), [0])


def test_path_angle_takes_each_players_own_rate():
    """The generator's part of the field is ten times as long, as its rate is."""
    game = scalar_game(lambda x, y: (x, y), 0.0, 0.0)
    along_generator = game.join(Players(discriminator=np.zeros(1), generator=-np.ones(1)))
    cosines, _ = path_angle(game, np.zeros(2), along_generator, [0.5], rates(0.1, 0.01))
    np.testing.assert_allclose(cosines, 10 / np.sqrt(101), rtol=1e-12)
