"""What a run folder records of objects that a Python program gave."""

import keras
import numpy as np

from tf_ttur.losses import LossPair
from tf_ttur.training.own import Own


def sequential(width):
    layers = keras.layers
    return keras.Sequential(
        [layers.Input((4,)), layers.Dense(width, "relu"), layers.Dropout(0.1), layers.Dense(1)]
    )


def functional(width):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(width)(inputs)
    return keras.Model(inputs, keras.layers.Add()([hidden, keras.layers.Dense(width)(hidden)]))


def loss(scale):
    return lambda real, fake: scale * fake - real


def test_equal_networks_have_one_digest_whatever_keras_calls_their_layers():
    for build in (sequential, functional):
        part = {"from_update": 7, "given": Own(generator=build(8)).describe()}
        assert Own(generator=build(8)).changes(part) == []
        [change] = Own(generator=build(9)).changes(part)
        assert change.startswith("generator, as given from Python, differs from the last start")
        assert "after update 7" in change
    [change] = Own(generator=functional(8)).changes({"given": {}})
    assert ": none -> keras." in change
    assert Own().changes({}) == []  # the entry of an earlier version


def test_losses_and_examples():
    part = {"given": Own(loss=loss(1), examples=np.zeros((2, 32, 32, 3))).describe()}
    assert part["given"]["examples"] == {"type": "numpy.ndarray", "sha256": None}
    assert Own(loss=loss(1)).changes(part) == []
    assert len(Own(loss=lambda real, fake: fake).changes(part)) == 1
    assert len(Own(loss=LossPair(loss(1), loss(1))).changes(part)) == 1
