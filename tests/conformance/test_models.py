"""What must hold for every model."""

import json
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.models import MODELS, Training, build
from tests.conformance.replicas import twenty_updates
from tests.conftest import ROOT
from tf_ttur.data.exported import Exported
from tf_ttur.data.quantisation import to_uint8
from tf_ttur.io import saved_model
from tf_ttur.training import devices
from tf_ttur.training import export as exports
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.state import State

GOLDEN = pathlib.Path(__file__).parent / "golden.json"
SGD = {"discriminator.optimizer": "sgd", "generator.optimizer": "sgd"}


def one_replica():
    return tf.distribute.MirroredStrategy(["CPU:0"])


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def run(name, tmp_path_factory):
    """A run of three updates with a checkpoint before each of them, for all tests of a model.

    Most of the time goes into tracing, so there is only one run. It has the attributes config,
    folder, training, checkpoints, weights and values.
    """
    folder = tmp_path_factory.mktemp(name)
    config = build(name, folder, **{"evaluation.sample_batch_size": 32})
    training = Training(config, one_replica())
    kept = Checkpoints(folder, training.state, keep=5)
    checkpoints = []
    weights = []
    values = []
    for number in range(3):
        kept.save(number)
        checkpoints.append(kept.path(number))
        weights.append(training.weights())
        values += training.go(number, 1)
    weights.append(training.weights())
    return types.SimpleNamespace(
        config=config,
        folder=folder,
        training=training,
        checkpoints=checkpoints,
        weights=weights,
        values=values,
    )


def equal(first, second):
    return len(first) == len(second) and all(
        (a == b).all() for a, b in zip(first, second, strict=True)
    )


def test_updates_move_both_players(run):
    generator = len(run.training.state.generator.get_weights())
    for players in (slice(0, generator), slice(generator, None)):
        assert not equal(run.weights[0][players], run.weights[1][players])


@pytest.mark.parametrize("number", [0, 2])
def test_a_restored_state_makes_the_same_next_update(run, number):
    run.training.state.read(run.checkpoints[number])
    assert equal(run.training.weights(), run.weights[number])
    assert run.training.go(number, 1) == [run.values[number]]
    assert equal(run.training.weights(), run.weights[number + 1])


def test_a_checkpoint_fits_a_state_made_anew(run):
    state = State(run.config, len(run.training.vocabulary))
    state.read(run.checkpoints[1])
    assert equal(state.generator.get_weights() + state.discriminator.get_weights(), run.weights[1])


@pytest.mark.slow  # traces every model once more
def test_the_seed_decides_the_run(run, name, tmp_path):
    again = Training(run.config, one_replica())
    assert again.go(0, 2) == run.values[:2] and equal(again.weights(), run.weights[2])
    same, other = (
        State(build(name, tmp_path, seed=seed), len(run.training.vocabulary)) for seed in (0, 1)
    )
    assert equal(same.generator.get_weights() + same.discriminator.get_weights(), run.weights[0])
    assert not equal(other.generator.get_weights(), same.generator.get_weights())


def test_golden_values(run, name):
    """Two updates from seed 0 give what they gave when the file was written, by
    tests/conformance/write_golden.py.
    """
    for found, expected in zip(run.values[:2], json.loads(GOLDEN.read_text())[name], strict=True):
        assert {key: found[key] for key in expected} == pytest.approx(expected, rel=5e-4)


def test_export_gives_what_the_generator_gives(run):
    training = run.training
    exports.export(run.config, training.state.generator, run.folder / "export", training.vocabulary)
    # Refuses an export that could do more than arithmetic.
    signatures = saved_model.load(run.folder / "export").signatures
    latents = tf.random.stateless_normal((6, run.config.latent.size), (0, 0))
    [output] = signatures["serving_default"](latents=latents).values()
    np.testing.assert_allclose(output, training.state.generator(latents, training=False), atol=1e-5)
    [few], [many] = (
        signatures["sample"](count=tf.constant(n), seed=tf.constant(5)).values() for n in (3, 70)
    )
    np.testing.assert_array_equal(few, many[:3])
    assert len(many) == 70
    if "block" in signatures:
        blocks = [
            to_uint8(*signatures["block"](number=tf.constant(n), seed=tf.constant(5)).values())
            for n in range(3)
        ]
        np.testing.assert_array_equal(np.concatenate(blocks)[:70], many)
        again = np.concatenate(list(Exported(run.folder / "export").blocks(70, 5)))
        np.testing.assert_array_equal(again, many)


def test_one_replica_equals_two(name, tmp_path):
    config = build(name, tmp_path, **SGD)  # with SGD the weights move by the gradient
    single = Training(config, one_replica())
    double = Training(config, devices.mirrored_strategy())
    start = single.weights()
    for a, b in zip(single.go(0, 2), double.go(0, 2), strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    for before, a, b in zip(start, single.weights(), double.weights(), strict=True):
        moved = abs(a - before).max(initial=0)
        np.testing.assert_allclose(a - before, b - before, rtol=1e-3, atol=2e-3 * moved + 1e-7)


@pytest.mark.slow
def test_one_two_and_four_replicas_make_the_same_twenty_updates(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "tests.conformance.replicas", tmp_path], check=True, cwd=ROOT
    )
    one, two = (
        twenty_updates(strategy, tmp_path)
        for strategy in (one_replica(), devices.mirrored_strategy())
    )
    with np.load(tmp_path / "four.npz") as found:
        four = found["losses"], found["weights"]
    assert np.ptp(one[0], axis=0).min() > 0.01
    for losses, weights in (two, four):
        np.testing.assert_allclose(losses, one[0], rtol=1e-4)
        np.testing.assert_allclose(weights, one[1], atol=2e-5)


def test_bfloat16_stays_finite_and_near(run, name, tmp_path):
    training = Training(build(name, tmp_path, **{"model.precision": "bfloat16"}), one_replica())
    values = training.go(0, 2)
    assert all(np.isfinite(list(row.values())).all() for row in values)
    assert all(
        np.isfinite(weight).all() and weight.dtype == np.float32 for weight in training.weights()
    )
    assert values[0]["loss/discriminator"] == pytest.approx(
        run.values[0]["loss/discriminator"], rel=0.05, abs=0.05
    )
    assert values[0] != run.values[0]
