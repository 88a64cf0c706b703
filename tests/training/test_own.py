"""What a run folder records of objects that a Python program gave."""

import math

import keras
import numpy as np
import pytest

from tf_ttur.errors import UserError
from tf_ttur.losses import LossPair
from tf_ttur.training import loop
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


def networks(width):
    layers = keras.layers
    shape = (32, 32, 3)
    return {
        "generator": keras.Sequential(
            [layers.Dense(width), layers.Dense(math.prod(shape), "tanh"), layers.Reshape(shape)]
        ),
        "discriminator": keras.Sequential([layers.Flatten(), layers.Dense(1)]),
    }


@pytest.mark.usefixtures("one_replica")
def test_other_networks_are_refused_by_name_before_anything_is_written(tiny, tmp_path):
    tiny.evaluation.every_updates = 0
    tiny.updates = 1
    loop.train(tiny, tmp_path / "run", **networks(4))
    tiny.updates = 2
    before = (tmp_path / "run/environment.json").read_bytes()
    with pytest.raises(
        UserError, match=r"other networks than .*\n    \S+: \(100, 4\) -> \(100, 5\)"
    ):
        loop.train(tiny, tmp_path / "run", **networks(5))
    assert (tmp_path / "run/environment.json").read_bytes() == before
