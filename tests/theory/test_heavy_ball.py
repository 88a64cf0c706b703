import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from tf_ttur.theory import heavy_ball as theory


def test_the_moment_is_that_of_keras_adam():
    """Constant steps and memory give a constant beta_1, and so an optimizer that exists."""
    gradients = np.random.default_rng(0).standard_normal((50, 3))
    steps, memory = np.full(50, 0.1), theory.exponential_memory(2.0)(np.full(50, 0.1))
    _, moments, _ = theory.discrete(lambda _, n: gradients[n], np.zeros(3), steps, memory)
    adam, weights = keras.optimizers.Adam(1e-3, beta_1=1 - 0.1 * 2.0), keras.Variable(np.zeros(3))
    adam.build([weights])
    for n, gradient in enumerate(gradients):
        adam.apply([tf.constant(gradient, tf.float32)])
        found = next(v for v in adam.variables if "momentum" in v.path)
        np.testing.assert_allclose(found.numpy(), moments[n + 1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("memory", [theory.exponential_memory(1.0), theory.polynomial_memory(1.0)])
def test_heavy_ball_is_adams_recursion(memory):
    steps = 0.1 * np.arange(1, 2001) ** -0.5
    r, noise = memory(steps), np.random.default_rng(0)
    _, moments, gradients = theory.discrete(lambda x, n: x + 0.1 * noise.standard_normal(), 1.0, steps, r)
    assert np.abs(moments - theory.adam_first_moment(gradients, 1 - steps * r)).max() <= 3e-15


def test_polynomial_memory_is_the_mean_of_all_gradients():
    """With constant steps and r = 1, m(n) is the plain average."""
    gradients = np.random.default_rng(1).standard_normal(30)
    steps = np.full(30, 0.1)
    _, moments, _ = theory.discrete(lambda _, n: gradients[n], 0.0, steps, theory.polynomial_memory(1.0)(steps))
    np.testing.assert_allclose(moments[-1], gradients.mean(), rtol=1e-12)


def test_continuous_path_of_a_bowl_is_the_matrix_exponential():
    r, times = 1.0, np.linspace(0, 10, 21)
    positions, velocities, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], r, r, times)
    system = np.block([[np.zeros((2, 2)), np.eye(2)], [-r * np.diag(theory.CURVATURES), -r * np.eye(2)]])
    exact = np.array([scipy.linalg.expm(system * t) @ [1, 1, 0, 0] for t in times])
    np.testing.assert_allclose(np.hstack([positions, velocities]), exact, atol=1e-10)


def test_discretisation_has_a_first_order_error():
    """§9 of the fact sheet."""
    errors = []
    for h in (0.1, 0.05, 0.025, 0.0125, 0.00625):
        count = round(10 / h)
        path, _, _ = theory.discrete(lambda x, n: theory.bowl_gradient(x), [1.0, 1.0], np.full(count, h), np.ones(count))
        exact, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], 1.0, 1.0, h * np.arange(count + 1))
        errors.append(np.abs(path - exact).max())
    np.testing.assert_allclose(errors, [0.189, 0.0801, 0.0383, 0.0187, 0.0093], atol=6e-5, rtol=3e-3)
    assert errors[-2] / errors[-1] == pytest.approx(2, abs=0.05)


def test_rescaled_time():
    r, times = 0.5, np.linspace(0, 10, 101)
    first, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], r, r, times)
    second, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], np.sqrt(r), 1.0, np.sqrt(r) * times)
    np.testing.assert_allclose(first, second, atol=1e-11)


@pytest.mark.parametrize("a", [0.1, 0.5, 2.0])
def test_energy_never_rises_and_what_it_loses_is_friction(a):
    times = np.linspace(0, 20, 2001)
    positions, velocities, losses = theory.continuous(theory.landscape_gradient, [5.0], a, 1.0, times)
    energy = np.sum(velocities**2, axis=1) / 2 + theory.landscape(positions[:, 0])
    assert np.diff(energy).max() <= 1e-9
    np.testing.assert_allclose(energy[0] - energy, losses, atol=2e-5)


def test_flat_and_sharp_minima():
    assert theory.gradient_flow(theory.landscape_gradient, 5.0, 1000)[0] == pytest.approx(2.990, abs=5e-4)
    for friction, end in ((0.1, 0), (0.4, 0), (0.8, 0), (2.0, 2.990)):
        positions, _, _ = theory.continuous(theory.landscape_gradient, 5.0, friction, 1.0, np.linspace(0, 400, 401))
        assert positions[-1, 0] == pytest.approx(end, abs=5e-4)


def test_gradients_of_the_landscapes():
    x, h = np.linspace(-2, 5, 50), 1e-6
    np.testing.assert_allclose(theory.landscape_gradient(x), (theory.landscape(x + h) - theory.landscape(x - h)) / (2 * h), atol=1e-7)


def test_adams_second_moment_where_noise_dominates():
    """§9: f = theta^2 / 2, noise of std 2, h = 0.01, r = 1: within 0.004 of the ball divided by the std."""
    h, std = 0.01, 2.0
    noise = std * np.random.default_rng(0).standard_normal((1000, 2000))
    noise = np.concatenate([noise, -noise], axis=1)  # opposite pairs: their linear part cancels in the mean
    adam = theory.adam_path(lambda x, n: x + noise[n], np.full(4000, 0.5), h, 1 - h, 1 - 0.1 * h, 1000, std**2).mean(axis=1)
    position, moment = 0.5, 0.0
    for mean in adam:
        assert abs(mean - position) <= 0.004
        position, moment = position - h * moment / std, (1 - h) * moment + h * position
