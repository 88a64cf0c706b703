import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur import losses

REAL, FAKE = np.array([1.5, -0.5, 0.2]), np.array([-2.0, 0.3, 0.9])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


CLOSED_FORMS = {
    "non_saturating": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), -np.log(sigmoid(FAKE))),
    "minimax": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), np.log(1 - sigmoid(FAKE))),
    "least_squares": (((REAL - 1) ** 2 + FAKE**2) / 2, (FAKE - 1) ** 2 / 2),
    "hinge": (np.maximum(0, 1 - REAL) + np.maximum(0, 1 + FAKE), -FAKE),
    "wasserstein": (FAKE - REAL, -FAKE),
}


@pytest.mark.parametrize("name", configs.LOSSES)
def test_closed_form(name):
    pair = losses.PAIRS[name]
    discriminator, generator = CLOSED_FORMS[name]
    np.testing.assert_allclose(pair.discriminator(tf.constant(REAL), tf.constant(FAKE)), discriminator)
    np.testing.assert_allclose(pair.generator(tf.constant(FAKE)), generator)


def test_every_pair_can_be_chosen():
    assert set(losses.PAIRS) == set(configs.LOSSES)


def test_gradient_penalty_of_a_linear_function():
    w = tf.constant([[3.0], [4.0]])
    real, fake = tf.random.stateless_normal((2, 5, 2), (1, 2))
    penalty = losses.gradient_penalty(lambda x: tf.matmul(x, w)[:, 0], real, fake, tf.linspace(0.0, 1.0, 5))
    np.testing.assert_allclose(penalty, 16.0, rtol=1e-6)  # (|w| - 1)^2


def test_gradient_penalty_is_taken_between_real_and_fake():
    # f = x^2 / 2 has the gradient x, which at the middle of 0 and 4 is 2.
    penalty = losses.gradient_penalty(lambda x: x[:, 0] ** 2 / 2, tf.zeros((1, 1)), tf.fill((1, 1), 4.0), tf.constant([0.5]))
    np.testing.assert_allclose(penalty, [1.0], rtol=1e-6)


def test_gradient_penalty_at_gradient_zero_has_a_finite_derivative():
    w = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(lambda x: w * x[:, 0], tf.ones((2, 1)), tf.zeros((2, 1)), tf.constant([0.5, 0.5]))
    assert np.isfinite(tape.gradient(penalty, w))
