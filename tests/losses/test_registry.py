"""The registries of losses and penalties, and a loss of the user's own."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur import losses
from tf_ttur.errors import UserError
from tf_ttur.losses import LOSSES, PENALTIES, BatchLoss, LossPair
from tf_ttur.registry import load

REAL = np.array([1.5, -0.5, 0.2])
FAKE = np.array([-2.0, 0.3, 0.9])

OWN = """
import tensorflow as tf

from tf_ttur.losses import Loss, LossPair

PAIR = LossPair(
    lambda real, fake: tf.exp(-real) + tf.exp(fake), lambda fake: tf.exp(-fake), boundary=0.25
)
ERRORS = Loss(pair=LossPair(lambda real, fake: real, lambda fake: fake), outputs="errors")
BALANCED = Loss(
    pair=lambda balance: LossPair(lambda real, fake: real - balance * fake, lambda fake: fake),
    balanced=True,
)
FUNCTION = tf.exp
"""


@pytest.fixture
def own(tmp_path):
    """A file with losses of the user's own."""
    path = tmp_path / "my_losses.py"
    path.write_text(OWN, encoding="utf-8")
    return path


def assert_gives(pair, discriminator, generator):
    """Checks the losses of both players for REAL and FAKE."""
    real = tf.constant(REAL)
    fake = tf.constant(FAKE)
    np.testing.assert_allclose(pair.discriminator(real, fake), discriminator)
    np.testing.assert_allclose(pair.generator(fake), generator)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_resolves(name):
    entry = LOSSES[name]
    assert entry.help
    assert entry.outputs in ("logits", "errors")
    pair = load(entry.pair)
    if entry.balanced:
        pair = pair(tf.constant(0.5))
    assert isinstance(pair, LossPair | BatchLoss)
    assert callable(pair.discriminator)
    assert callable(pair.generator)
    assert pair.boundary is None or isinstance(pair.boundary, float)


@pytest.mark.parametrize("name", PENALTIES)
def test_every_penalty_resolves(name):
    entry = PENALTIES[name]
    assert entry.help
    assert callable(load(entry.function))
    weight = configs.KEYS[f"discriminator.{entry.weight}"]
    assert weight.default == 0  # no penalty unless it is asked for


def test_a_pair_of_the_users_own_is_a_loss(tiny, own):
    tiny.loss = f"{own}:PAIR"
    assert configs.validate(tiny).loss == f"{own}:PAIR"
    pair = losses.pair(tiny.loss)
    assert_gives(pair, np.exp(-REAL) + np.exp(FAKE), np.exp(-FAKE))
    assert pair.boundary == 0.25


def test_an_entry_of_the_users_own_says_what_the_discriminator_gives(own):
    name = f"{own}:ERRORS"
    assert_gives(losses.pair(name), REAL, FAKE)
    with pytest.raises(UserError) as error:
        configs.load("svhn", {"loss": name})
    assert f"config.loss = {name!r} with config.model.architecture = 'dcgan'" in error.value.found


def test_a_balanced_loss_of_the_users_own_gets_the_balance(own):
    pair = losses.pair(f"{own}:BALANCED", tf.constant(0.25, tf.float64))
    assert_gives(pair, REAL - 0.25 * FAKE, FAKE)


def test_an_unknown_name_lists_all_losses():
    with pytest.raises(UserError) as error:
        losses.pair("hinges")
    assert error.value.found == "there is no loss 'hinges'"
    assert error.value.expected.startswith(f"one of {', '.join(LOSSES)}, or MODULE:OBJECT")
    assert error.value.cure == "did you mean hinge?"


def test_an_object_of_another_type_is_refused(tiny, own):
    tiny.loss = f"{own}:FUNCTION"
    with pytest.raises(UserError) as error:
        configs.validate(tiny)
    assert error.value.found.startswith(f"{own}:FUNCTION is not a valid loss (it is of type ")
    assert "LossPair, BatchLoss or Loss of tf_ttur.losses" in error.value.found
    assert error.value.expected.startswith("one of non_saturating, ")
    assert error.value.cure == "correct it"
