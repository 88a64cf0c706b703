import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import losses
from tf_ttur.losses import pairs, penalties
from tf_ttur.losses.batches import Batch
from tf_ttur.registry import load

REAL = np.array([1.5, -0.5, 0.2])
FAKE = np.array([-2.0, 0.3, 0.9])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# {name: (losses of the discriminator, losses of the generator)}
CLOSED_FORMS = {
    "non_saturating": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), -np.log(sigmoid(FAKE))),
    "minimax": (-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE)), np.log(1 - sigmoid(FAKE))),
    "least_squares": (((REAL - 1) ** 2 + FAKE**2) / 2, (FAKE - 1) ** 2 / 2),
    "hinge": (np.maximum(0, 1 - REAL) + np.maximum(0, 1 + FAKE), -FAKE),
    "wasserstein": (FAKE - REAL, -FAKE),
    # D~(x) = sigmoid(D(x) - mean D(other))
    "relativistic_average": (
        -np.log(sigmoid(REAL - FAKE.mean())) - np.log(1 - sigmoid(FAKE - REAL.mean())),
        -np.log(sigmoid(FAKE - REAL.mean())) - np.log(1 - sigmoid(REAL - FAKE.mean())),
    ),
}


def test_every_loss_of_the_config_is_here():
    assert {*CLOSED_FORMS, "boundary_equilibrium"} == set(losses.LOSSES)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_form(name):
    loss = losses.as_batch_loss(losses.pair(name))
    # The examples are their own outputs.
    batch = Batch(tf.constant(REAL), tf.constant(FAKE), tf.identity)
    discriminator, generator = CLOSED_FORMS[name]
    np.testing.assert_allclose(loss.discriminator(batch), discriminator)
    np.testing.assert_allclose(loss.generator(batch), generator)


def test_a_loss_asks_the_discriminator_only_for_what_it_needs():
    calls = []

    def score(examples):
        calls.append(examples)
        return examples

    batch = Batch(tf.constant(REAL), tf.constant(FAKE), score)
    losses.as_batch_loss(losses.pair("hinge")).generator(batch)
    losses.as_batch_loss(losses.pair("hinge")).generator(batch)
    [fake] = calls
    np.testing.assert_array_equal(fake, FAKE)


@pytest.mark.parametrize(
    "name, expected",
    [
        # Of f(x) = x^3 / 3, whose gradient is x^2, at real 1, fake 3, and 1.5 between them.
        ("r1", 1.0**4 / 2),
        ("r2", 3.0**4 / 2),
        ("zero_centered", 1.5**4),
        ("gradient_penalty", (1.5**2 - 1) ** 2),
    ],
)
def test_penalties_of_a_cubic(name, expected):
    penalty = load(losses.PENALTIES[name].function)
    real, fake = tf.fill((1, 1), 1.0), tf.fill((1, 1), 3.0)
    values = penalty(lambda x: x[:, 0] ** 3 / 3, real, fake, tf.constant([0.25]))
    np.testing.assert_allclose(values, [expected], rtol=1e-6)


def test_gradient_penalty_of_a_linear_function():
    w = tf.constant([[3.0], [4.0]])
    real, fake = tf.random.stateless_normal((2, 5, 2), (1, 2))
    penalty = penalties.gradient_penalty(
        lambda x: tf.matmul(x, w)[:, 0], real, fake, tf.linspace(0.0, 1.0, 5)
    )
    np.testing.assert_allclose(penalty, 16.0, rtol=1e-6)  # (|w| - 1)^2


def test_gradient_penalty_is_taken_between_real_and_fake():
    # f = x^2 / 2 has the gradient x, which is 2 halfway between 0 and 4.
    penalty = penalties.gradient_penalty(
        lambda x: x[:, 0] ** 2 / 2, tf.zeros((1, 1)), tf.fill((1, 1), 4.0), tf.constant([0.5])
    )
    np.testing.assert_allclose(penalty, [1.0], rtol=1e-6)


def test_gradient_penalty_at_gradient_zero_has_a_finite_derivative():
    w = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_penalty(
            lambda x: w * x[:, 0], tf.ones((2, 1)), tf.zeros((2, 1)), tf.constant([0.5, 0.5])
        )
    assert np.isfinite(tape.gradient(penalty, w))


def test_boundary_equilibrium():
    pair = losses.pair("boundary_equilibrium", tf.constant(0.25, tf.float64))
    np.testing.assert_allclose(
        pair.discriminator(tf.constant(REAL), tf.constant(FAKE)), REAL - 0.25 * FAKE
    )
    np.testing.assert_allclose(pair.generator(tf.constant(FAKE)), FAKE)


@pytest.mark.parametrize(
    "balance, real, fake, expected",
    [
        (0.2, 1.0, 0.3, (0.2 + 0.01 * 0.2, 1.2)),
        (0.2, 1.0, 0.9, (0.2 - 0.01 * 0.4, 1.4)),
        (0.001, 0.0, 1.0, (0.0, 1.0)),  # k stays in 0 ... 1
        (0.999, 4.0, 0.0, (1.0, 6.0)),
    ],
)
def test_balance_moves_towards_the_ratio(balance, real, fake, expected):
    values = pairs.next_balance(balance, real, fake, ratio=0.5, rate=0.01)
    assert [float(value) for value in values] == pytest.approx(expected)
