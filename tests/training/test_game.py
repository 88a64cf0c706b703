import json

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import losses
from tf_ttur.errors import UserError
from tf_ttur.losses.penalties import gradient_penalty
from tf_ttur.theory import nash
from tf_ttur.training import loop
from tf_ttur.training.game import Run

pytestmark = [
    pytest.mark.usefixtures("offline"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of four updates with two checkpoints."""
    from tests import conftest

    config = conftest.tiny.__wrapped__()
    config.evaluation.every_updates = 0
    config.discriminator.gradient_penalty = 1.0
    folder = tmp_path_factory.mktemp("game") / "run"
    with pytest.MonkeyPatch.context() as patch:
        conftest.one_replica.__wrapped__(patch)
        loop.train(config, folder)
    return folder


def test_the_game_is_that_of_the_update(workdir):
    """The gradients of the losses at the checkpoint, batch by batch, written out once more."""
    run = Run(workdir, 2)
    assert run.kept == [2, 4] and run.update == 4 and run.name == "tiny-ttur-seed0 after 4 updates"
    generator, discriminator = run._state.generator, run._state.discriminator
    pair = losses.pair(run.config.loss)
    assert run.game.sizes == tuple(
        sum(int(np.prod(v.shape)) for v in n.trainable_variables)
        for n in (generator, discriminator)
    )
    found = run.game.gradients()
    for row, (real, latents, mix) in zip(found, run.game.batches):
        assert real.shape == (8, 32, 32, 3) and float(tf.reduce_min(real)) < 0
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                pair.generator(discriminator(generator(latents, training=True), training=True))
            )
        expected = tape.gradient(loss, generator.trainable_variables)
        np.testing.assert_allclose(
            row[: run.game.sizes[0]],
            np.concatenate([np.ravel(g) for g in expected]),
            rtol=1e-4,
            atol=1e-6,
        )
        with tf.GradientTape() as tape:
            fake = generator(latents, training=True)
            loss = tf.reduce_mean(
                pair.discriminator(
                    discriminator(real, training=True), discriminator(fake, training=True)
                )
            )
            loss += tf.reduce_mean(
                gradient_penalty(lambda x: discriminator(x, training=True), real, fake, mix)
            )
        expected = tape.gradient(loss, discriminator.trainable_variables)
        np.testing.assert_allclose(
            row[run.game.sizes[0] :],
            np.concatenate([np.ravel(g) for g in expected]),
            rtol=1e-4,
            atol=1e-5,
        )
    assert not np.allclose(run.game.batches[0][0], run.game.batches[1][0])


def test_products_of_a_smooth_network_are_differences_of_gradients(workdir, monkeypatch):
    """With ReLU they would not be: a step of any length that float32 allows crosses kinks, which no
    Hessian sees.
    """
    monkeypatch.setattr(tf.nn, "relu", tf.nn.softplus)
    monkeypatch.setattr(tf.nn, "leaky_relu", lambda x, slope: tf.nn.softplus(x))
    run = Run(workdir, 1)
    game, point = run.game, run.game.point
    for player, part in ((0, slice(0, game.sizes[0])), (1, slice(game.sizes[0], None))):
        vector = game.gradients()[0, part].astype(np.float64)
        vector /= np.linalg.norm(vector)
        ends = []
        for sign in (1, -1):
            moved = point.copy()
            moved[part] += sign * 1e-3 * vector
            game.point = moved
            ends.append(game.gradients()[0, part].astype(np.float64))
        game.point = point
        product = game.hessian(player) @ vector
        assert np.linalg.norm((ends[0] - ends[1]) / 2e-3 - product) < 0.02 * np.linalg.norm(product)


@pytest.mark.slow
def test_diagnosis_and_path_of_a_run(workdir):
    run = Run(workdir, 2)
    end = run.game.point
    run.go_to(2)
    start = run.game.point
    run.go_to(4)
    np.testing.assert_array_equal(run.game.point, end)
    cosines, norms = nash.path_angle(run.game, start, end, [0, 1])
    assert np.abs(cosines).max() <= 1 and norms.min() > 0
    found = nash.diagnose(run.game, (2e-3, 1e-3), count=1, tolerance=1e-2, max_products=40)
    assert found.rates == (2e-3, 1e-3) == run.rates
    assert found.stationary is None and found.verdict.startswith("too few batches")
    gradients = run.game.gradients()
    assert found.gradient_norms[0] == pytest.approx(
        np.linalg.norm(gradients[:, : run.game.sizes[0]].mean(0)), rel=1e-5
    )
    # Rayleigh quotients of any vector lie between the extreme eigenvalues.
    vector = np.random.default_rng(0).standard_normal(run.game.sizes[1])
    quotient = vector @ (run.game.hessian(1) @ vector) / (vector @ vector)
    assert found.hessians[1].min() < quotient < found.hessians[1].max()
    with pytest.raises(UserError, match="one of 2, 4"):
        run.go_to(3)


def test_assumptions_of_a_run(workdir):
    asked = Run(workdir, 8).ask_assumptions()
    found = {}
    for _, _, finding in asked:
        found.setdefault(finding.assumption, []).append(finding)
    assert set(found) == {"A1", "A2", "A3", "A5"} and len(found["A3"]) == 2
    assert not found["A1"][0].holds  # kinks of the ReLUs
    assert not found["A2"][0].holds and "constant" in found["A2"][0].words
    assert found["A3"][0].holds is None and found["A3"][0].numbers["second_moment"] > 0
    assert found["A5"][0].holds and found["A5"][0].numbers["points"] == 4


def test_weight_norms_that_were_cut_off_or_never_written(workdir, tmp_path):
    run = Run(workdir, 1)
    lines = (workdir / "metrics.jsonl").read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if "weight_norm/discriminator" in line)
    run._workdir = tmp_path
    assert run._bounded().holds is None
    (tmp_path / "metrics.jsonl").write_text("".join(lines[:last]))
    assert run._bounded().numbers["points"] == 3


def test_batches_are_not_repeated(workdir):
    with pytest.raises(UserError, match="without repetition"):
        Run(workdir, 9)


def test_a_folder_without_checkpoints(workdir, tmp_path):
    (tmp_path / "config.json").write_text((workdir / "config.json").read_text())
    with pytest.raises(UserError, match="no checkpoint"):
        Run(tmp_path, 1)


def test_the_run_folder_says_whether_the_rates_satisfy_a2(workdir):
    [part] = json.loads((workdir / "environment.json").read_text())
    assert part["theorem_1"]["a2_satisfied"] is False and "constant" in part["theorem_1"]["a2"]
