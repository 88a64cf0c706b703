import keras
import numpy as np
import scipy.linalg
import tensorflow as tf

from tf_ttur.theory import heavy_ball as theory


def test_the_moment_is_that_of_keras_adam():
    """Constant steps and memory give a constant beta_1, and so an optimizer that exists."""
    gradients = np.random.default_rng(0).standard_normal((50, 3))
    steps = np.full(50, 0.1)
    memory = theory.exponential_memory(2.0)(steps)
    _, moments, _ = theory.discrete(lambda _, n: gradients[n], np.zeros(3), steps, memory)
    adam = keras.optimizers.Adam(1e-3, beta_1=1 - 0.1 * 2.0)
    weights = keras.Variable(np.zeros(3))
    adam.build([weights])
    for n, gradient in enumerate(gradients):
        adam.apply([tf.constant(gradient, tf.float32)])
        found = next(v for v in adam.variables if "momentum" in v.path)
        np.testing.assert_allclose(found.numpy(), moments[n + 1], rtol=1e-5, atol=1e-6)


def test_polynomial_memory_is_the_mean_of_all_gradients():
    """With constant steps and r = 1, m(n) is the plain average."""
    gradients = np.random.default_rng(1).standard_normal(30)
    steps = np.full(30, 0.1)
    _, moments, _ = theory.discrete(
        lambda _, n: gradients[n], 0.0, steps, theory.polynomial_memory(1.0)(steps)
    )
    np.testing.assert_allclose(moments[-1], gradients.mean(), rtol=1e-12)


def test_continuous_path_of_a_bowl_is_the_matrix_exponential():
    r = 1.0
    times = np.linspace(0, 10, 21)
    positions, velocities, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], r, r, times)
    system = np.block(
        [[np.zeros((2, 2)), np.eye(2)], [-r * np.diag(theory.CURVATURES), -r * np.eye(2)]]
    )
    exact = np.array([scipy.linalg.expm(system * t) @ [1, 1, 0, 0] for t in times])
    np.testing.assert_allclose(np.hstack([positions, velocities]), exact, atol=1e-10)


def test_gradients_of_the_landscapes():
    x = np.linspace(-2, 5, 50)
    h = 1e-6
    expected = (theory.landscape(x + h) - theory.landscape(x - h)) / (2 * h)
    np.testing.assert_allclose(theory.landscape_gradient(x), expected, atol=1e-7)


def test_energy_on_a_landscape_with_two_minima():
    positions, velocities, losses = theory.continuous(
        theory.landscape_gradient, [5.0], 0.5, 1.0, np.linspace(0, 20, 2001)
    )
    energy = np.sum(velocities**2, axis=1) / 2 + theory.landscape(positions[:, 0])
    assert np.diff(energy).max() <= 1e-9
    np.testing.assert_allclose(energy[0] - energy, losses, atol=1e-8)
