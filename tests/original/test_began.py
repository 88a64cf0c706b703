"""Images, reconstructions, errors and gradients of BEGAN, beside those of the original code."""

import numpy as np
import pytest
import tensorflow as tf

from tests.original import numbers
from tf_ttur import config as configs
from tf_ttur import losses
from tf_ttur.data import images
from tf_ttur.training.state import State


@pytest.fixture(scope="module")
def arrays():
    return numbers.read("began_32")


@pytest.fixture(scope="module")
def networks(arrays):
    """A `State` with the stored weights and balance, and {stored name: variable}."""
    config = configs.load("began_celeba", {"model.width": 4, "batch_size": 4})
    config.data.image_size = 32
    state = State(configs.validate(config))
    variables = numbers.of_began(state.generator, state.discriminator)
    numbers.assign(variables, numbers.below(arrays, "weights/"))
    state.balance.assign(arrays["balance"])
    return state, variables


@pytest.fixture(scope="module")
def real(arrays):
    return images.scale(arrays["real_images"], (4, 32, 32, 3))


def test_images_reconstructions_and_errors(arrays, networks, real):
    state, _ = networks
    generated = state.generator(arrays["latents"], training=True)
    for found, name in (
        (generated, "generated_images"),
        (state.discriminator.reconstruct(generated), "reconstructed_generated"),
        (state.discriminator.reconstruct(real), "reconstructed_real"),
    ):
        expected = arrays[name]
        np.testing.assert_allclose(found[: len(expected)], expected, rtol=0, atol=1e-5)
    for batch, name in ((real, "error_real"), (generated, "error_generated")):
        error = tf.reduce_mean(state.discriminator(batch, training=True))
        assert float(error) == pytest.approx(float(arrays[name]), rel=1e-5)


def test_gradients(arrays, networks, real):
    """Of both players' losses, with the balance in that of the discriminator."""
    state, variables = networks
    pair = losses.pair("boundary_equilibrium", state.balance)
    generated = state.generator(arrays["latents"], training=True)
    names = {player: [n for n in variables if n.startswith(player)] for player in PLAYERS}
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            pair.discriminator(state.discriminator(real), state.discriminator(generated))
        )
    gradients = tape.gradient(loss, [variables[n].value for n in names["discriminator"]])
    found = dict(zip(names["discriminator"], gradients, strict=True))
    with tf.GradientTape() as tape:
        generated = state.generator(arrays["latents"], training=True)
        loss = tf.reduce_mean(pair.generator(state.discriminator(generated)))
    gradients = tape.gradient(loss, [variables[n].value for n in names["generator"]])
    found |= dict(zip(names["generator"], gradients, strict=True))
    stored = numbers.below(arrays, "gradients/")
    assert set(found) == set(stored)
    for name, expected in stored.items():
        # Of the largest ones only every eighth row is stored.
        rows = found[name].numpy()[:: found[name].shape[0] // len(expected)]
        error = np.linalg.norm(rows - expected) / np.linalg.norm(expected)
        assert error < 1e-4, name


PLAYERS = ("discriminator", "generator")
