"""Updates that XLA compiles, and several updates in a call."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.models import MODELS, Training, build
from tests.conformance.test_models import SGD
from tf_ttur.errors import UserError
from tf_ttur.training import clock, compilation, devices, faults, loop, surroundings
from tf_ttur.training import update as updates

QUICK = "dcgan"
OWN = """
import keras
import tensorflow as tf


class Discriminator(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(1)

    def call(self, images, training=True):
        flat = tf.reshape(images, (-1, 32 * 32 * 3))
        same = tf.numpy_function(lambda x: x, [flat], tf.float32)
        return self.dense(tf.ensure_shape(same, flat.shape))[:, 0]
"""


def one_device():
    return tf.distribute.OneDeviceStrategy("CPU:0")


def copy(other, training):
    """Gives networks and optimizers of `training` the variables of `other`."""
    for name in ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer"):
        pairs = zip(
            getattr(training.state, name).variables,
            getattr(other.state, name).variables,
            strict=True,
        )
        for mine, theirs in pairs:
            mine.assign(theirs.value)


@pytest.mark.parametrize(
    "name",
    [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODELS],
)
def test_a_compiled_update_is_the_update(name, tmp_path):
    """One by one, from the same weights: other latents could not hide behind rounding."""
    config = build(name, tmp_path, **SGD)  # with SGD the weights move by the gradient
    plain = Training(config, one_device())
    compiled = Training(config, one_device(), compiled=True)
    for number in (0, 1, 1000):
        before = plain.weights()
        [expected], [found] = plain.go(number, 1), compiled.go(number, 1)
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
        for start, a, b in zip(before, plain.weights(), compiled.weights(), strict=True):
            moved = abs(a - start).max(initial=0)
            np.testing.assert_allclose(b - start, a - start, atol=2e-3 * moved + 1e-7)
        copy(plain, compiled)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_updates_of_a_call_are_those_of_single_calls(tmp_path, compiled):
    config = build(QUICK, tmp_path, **{"discriminator.steps": 1 if compiled else 2})
    single = Training(config, one_device(), compiled)
    several = Training(config, one_device(), compiled, per_call=2)
    assert single.go(0, 3) == several.go(0, 3)
    for a, b in zip(single.weights(), several.weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_be_compiled_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "own.py").write_text(OWN)
    word = f"{tmp_path / 'own.py'}:Discriminator"
    config = build(QUICK, tmp_path, **{"model.discriminator": word})
    monkeypatch.setattr(devices, "may_compile", lambda _: True)
    training = Training(config, one_device())
    arguments = (one_device(), training.state, training.examples, training.examples.encode)
    assert not compilation.decide(config, *arguments)
    assert "XLA cannot compile the operation PyFunc" in capsys.readouterr().err
    config.compile = "xla"
    with pytest.raises(UserError, match=r"PyFunc[\s\S]*config.compile = none, or auto"):
        compilation.decide(config, *arguments)


def test_deterministic_operations_can_be_compiled(tmp_path, monkeypatch):
    config = build(QUICK, tmp_path, compile="xla")
    training = Training(config, one_device())
    arguments = (one_device(), training.state, training.examples, training.examples.encode)
    monkeypatch.setattr(devices, "may_compile", lambda _: True)
    with surroundings.exact():
        assert compilation.decide(config, *arguments)


def test_several_devices_are_not_compiled(tmp_path):
    config = build(QUICK, tmp_path, compile="xla")  # the tests have two devices
    with pytest.raises(UserError, match="one device"):
        devices.strategy(config)
    config.compile = "auto"
    assert isinstance(devices.strategy(config), tf.distribute.MirroredStrategy)


def test_the_update_of_a_fault_is_named_where_a_call_makes_several(tmp_path):
    state = Training(build(QUICK, tmp_path), one_device()).state
    flags = {
        name: np.zeros((3, 1 + 2 * len(getattr(state, name).trainable_variables)), np.float32)
        for name in ("discriminator", "generator")
    }
    flags["generator"][1, 1] = 1
    values = {"loss/generator": tf.constant([5.0, 6.0, 7.0])}
    fault = faults.find(state, [faults.Results(11, 3, values, flags)])
    first = state.generator.trainable_variables[0].path
    assert fault == (12, "generator", f"gradient of {first}", {"loss/generator": 6.0})


def test_the_clock_starts_when_the_updates_are_compiled(tmp_path, monkeypatch):
    """The first call, in which XLA compiles, is taken back: it leaves no trace but this one."""
    happened = []
    call, start = updates.Updates.__call__, clock.Clock.start

    def noted_call(calls, first, count, iterator):
        happened.append(first)
        return call(calls, first, count, iterator)

    def noted_start(self):
        happened.append("start")
        start(self)

    monkeypatch.setattr(updates.Updates, "__call__", noted_call)
    monkeypatch.setattr(clock.Clock, "start", noted_start)
    monkeypatch.setattr(devices, "_names", lambda: ["CPU:0"])
    saved = {}
    for mode in ("none", "xla"):
        keys = {"updates": 2, "checkpoint_every_updates": 1, "evaluation.every_updates": 0}
        config = build(QUICK, tmp_path, compile=mode, **keys, **SGD)
        happened.clear()
        loop.train(config, tmp_path / mode)
        first_start = happened.index("start")
        assert happened[:first_start] == ([] if mode == "none" else [0])
        assert [one for one in happened[first_start:] if one != "start"] == [0, 1]
        for number in (1, 2):
            path = tmp_path / mode / "checkpoints" / f"ckpt-{number}"
            saved[mode, number] = tf.train.load_checkpoint(str(path))
    for name in saved["none", 1].get_variable_to_shape_map():
        if name.startswith(("generator/", "discriminator/")):
            first, second = (saved["none", number].get_tensor(name) for number in (1, 2))
            moved = abs(second - first).max(initial=0)
            compiled = saved["xla", 2].get_tensor(name)
            np.testing.assert_allclose(compiled, second, atol=1e-2 * moved + 1e-7)
