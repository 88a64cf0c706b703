import json

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import losses, runs
from tf_ttur.errors import UserError
from tf_ttur.losses.penalties import gradient_penalty
from tf_ttur.players import Players
from tf_ttur.theory import nash
from tf_ttur.training import loop
from tf_ttur.training.game import TrainedGame, bounded_weights

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
    trained = TrainedGame(workdir, 2)
    assert trained.kept == [2, 4] and trained.update == 4
    assert trained.name == "tiny-ttur-seed0 after 4 updates"
    generator = trained._state.generator
    discriminator = trained._state.discriminator
    pair = losses.pair(trained.config.loss)
    game = trained.game
    assert game.sizes == Players(num_weights(discriminator), num_weights(generator))
    for row, (real, latents, mix) in zip(game.gradients(), game.batches, strict=True):
        found = game.split(row)
        assert real.shape == (8, 32, 32, 3) and float(tf.reduce_min(real)) < 0
        with tf.GradientTape() as tape:
            fake = generator(latents, training=True)
            loss = tf.reduce_mean(pair.generator(discriminator(fake, training=True)))
        expected = flat(tape.gradient(loss, generator.trainable_variables))
        np.testing.assert_allclose(found.generator, expected, rtol=1e-4, atol=1e-6)
        with tf.GradientTape() as tape:
            fake = generator(latents, training=True)
            real_outputs = discriminator(real, training=True)
            fake_outputs = discriminator(fake, training=True)
            loss = tf.reduce_mean(pair.discriminator(real_outputs, fake_outputs))
            loss += tf.reduce_mean(
                gradient_penalty(lambda x: discriminator(x, training=True), real, fake, mix)
            )
        expected = flat(tape.gradient(loss, discriminator.trainable_variables))
        np.testing.assert_allclose(found.discriminator, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(game.batches[0][0], game.batches[1][0])


def num_weights(network):
    """How many numbers its trainable variables hold."""
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def flat(gradients):
    """Gradients as one vector."""
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_products_of_a_smooth_network_are_differences_of_gradients(workdir, monkeypatch, player):
    """With ReLU they would not be.

    A step of any length that float32 allows crosses kinks, which no Hessian sees.
    """
    monkeypatch.setattr(tf.nn, "relu", tf.nn.softplus)
    monkeypatch.setattr(tf.nn, "leaky_relu", lambda x, slope: tf.nn.softplus(x))
    game = TrainedGame(workdir, 1).game
    point = game.split(game.point)

    def gradient_at(weights):
        """Of the player, where its own weights are these."""
        game.point = game.join(point._replace(**{player: weights}))
        return getattr(game.split(game.gradients()[0]), player).astype(np.float64)

    weights = getattr(point, player)
    vector = gradient_at(weights)
    vector /= np.linalg.norm(vector)
    difference = gradient_at(weights + 1e-3 * vector) - gradient_at(weights - 1e-3 * vector)
    game.point = game.join(point)
    product = game.hessian(player) @ vector
    assert np.linalg.norm(difference / 2e-3 - product) < 0.02 * np.linalg.norm(product)


@pytest.mark.slow
def test_diagnosis_and_path_of_a_run(workdir):
    trained = TrainedGame(workdir, 2)
    end = trained.game.point
    trained.go_to(2)
    start = trained.game.point
    trained.go_to(4)
    np.testing.assert_array_equal(trained.game.point, end)
    cosines, norms = nash.path_angle(trained.game, start, end, [0, 1])
    assert np.abs(cosines).max() <= 1 and norms.min() > 0
    rates = Players(discriminator=1e-3, generator=2e-3)
    found = nash.diagnose(trained.game, rates, count=1, tolerance=1e-2, max_products=40)
    assert found.rates == rates == trained.rates
    assert found.stationary is None and found.verdict.startswith("too few batches")
    gradients = trained.game.split(trained.game.gradients())
    expected = np.linalg.norm(gradients.generator.mean(0))
    assert found.gradient_norms.generator == pytest.approx(expected, rel=1e-5)
    # Rayleigh quotients of any vector lie between the extreme eigenvalues.
    vector = np.random.default_rng(0).standard_normal(trained.game.sizes.discriminator)
    product = trained.game.hessian("discriminator") @ vector
    quotient = vector @ product / (vector @ vector)
    eigenvalues = found.hessians.discriminator
    assert eigenvalues.min() < quotient < eigenvalues.max()
    with pytest.raises(UserError, match="one of 2, 4"):
        trained.go_to(3)


def test_the_path_leads_from_one_checkpoint_to_another(workdir):
    trained = TrainedGame(workdir, 1)
    assert trained.path(4, 4) is None
    path = trained.path(2, 4)
    assert (path.from_update, path.to_update, trained.update) == (2, 4, 4)
    assert len(path.alphas) == len(path.cosines) == len(path.norms) == 15
    assert path.alphas[0] == 0 and path.alphas[-1] == 1.4


def test_assumptions_of_a_run(workdir):
    found = {}
    for _, _, finding in TrainedGame(workdir, 8).ask_assumptions():
        found.setdefault(finding.assumption, []).append(finding)
    assert set(found) == {"A1", "A2", "A3", "A5"} and len(found["A3"]) == 2
    assert not found["A1"][0].holds  # kinks of the ReLUs
    assert not found["A2"][0].holds and "constant" in found["A2"][0].words
    assert found["A3"][0].holds is None and found["A3"][0].numbers["second_moment"] > 0
    assert found["A5"][0].holds and found["A5"][0].numbers["points"] == 4


def test_weight_norms_that_were_cut_off_or_never_written(workdir, tmp_path):
    text = (workdir / "metrics.jsonl").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if "weight_norm/discriminator" in line)
    assert bounded_weights(runs.open_run(tmp_path)).holds is None
    (tmp_path / "metrics.jsonl").write_text("".join(lines[:last]), encoding="utf-8")
    assert bounded_weights(runs.open_run(tmp_path)).numbers["points"] == 3


def test_batches_are_not_repeated(workdir):
    with pytest.raises(UserError, match="without repetition"):
        TrainedGame(workdir, 9)


def test_a_folder_without_checkpoints(workdir, tmp_path):
    text = (workdir / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="no checkpoint"):
        TrainedGame(tmp_path, 1)


def test_the_run_folder_says_whether_the_rates_satisfy_a2(workdir):
    [part] = json.loads((workdir / "environment.json").read_text(encoding="utf-8"))
    assert part["theorem_1"]["a2_satisfied"] is False and "constant" in part["theorem_1"]["a2"]
