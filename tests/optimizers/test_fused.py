"""The optimizers of one operation per variable, beside those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.optimizers import fused

RATE = keras.optimizers.schedules.PolynomialDecay(0.1, 10)

PAIRS = {
    "adam": (
        lambda: fused.FusedAdam(RATE, beta_1=0.5, epsilon=1e-8),
        lambda: keras.optimizers.Adam(RATE, beta_1=0.5, epsilon=1e-8),
    ),
    "adamw": (
        lambda: fused.FusedAdamW(0.1, weight_decay=0.3),
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.3),
    ),
    "sgd": (lambda: fused.FusedSGD(RATE), lambda: keras.optimizers.SGD(RATE)),
    "nesterov": (
        lambda: fused.FusedSGD(0.1, momentum=0.7, nesterov=True),
        lambda: keras.optimizers.SGD(0.1, momentum=0.7, nesterov=True),
    ),
}


def steps(optimizer, count=5, rows=None):
    """Weights and the optimizer's own variables after some steps with fixed gradients."""
    weights = keras.Variable(np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3))
    optimizer.build([weights])
    random = np.random.default_rng(0)
    for _ in range(count):
        gradient = tf.constant(random.normal(size=weights.shape), tf.float32)
        if rows is not None:
            gradient = tf.IndexedSlices(tf.gather(gradient, rows), tf.constant(rows), (4, 3))
        optimizer.apply([gradient], [weights])
    return [np.asarray(weights), *(np.asarray(variable) for variable in optimizer.variables)]


@pytest.mark.parametrize("name", PAIRS)
def test_steps_and_variables_are_those_of_keras(name):
    ours, theirs = (steps(make()) for make in PAIRS[name])
    assert len(ours) == len(theirs)
    for mine, of_keras in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, of_keras, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_rows_of_an_embedding_may_repeat(name):
    rows = [2, 0, 2]
    ours = steps(PAIRS[name][0](), rows=rows)[0]
    random = np.random.default_rng(0)
    reference = keras.Variable(np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3))
    optimizer = PAIRS[name][1]()
    for _ in range(5):
        every = random.normal(size=(4, 3)).astype("float32")
        dense = np.zeros_like(every)
        np.add.at(dense, rows, every[rows])
        optimizer.apply([tf.constant(dense)], [reference])
    np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=5e-6)
