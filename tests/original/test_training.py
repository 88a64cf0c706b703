"""Two updates of each experiment, beside those of the original code.

The cards that ship, made narrow, take the same weights, batches, latents and penalty points through
the product's own steps. Losses, weights and images must be those of the original.
"""

import types
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from tests.original import numbers
from tf_ttur import config as configs
from tf_ttur import losses
from tf_ttur.data import images, text
from tf_ttur.registry import load
from tf_ttur.training import steps
from tf_ttur.training.state import State


class Case(NamedTuple):
    """An experiment beside its stored numbers.

    Attributes:
      card: whose config it has, but for `changes`.
      critic_steps: per update.
      after: prefix of the weights after the updates.
      variables: function of the two networks that gives {stored name: variable}.
      loss, rms: tolerances; of a loss relative to its size or to 1.
    """

    card: str
    critic_steps: int
    after: str
    variables: object
    loss: float
    rms: float
    changes: dict


CASES = {
    "dcgan_32": Case(
        "cifar10", 1, "after/", numbers.of_dcgan, 1e-5, 1e-3, {"model.width": 4, "batch_size": 8}
    ),
    "wgan_gp_64": Case(
        "wgan_gp_lsun",
        1,
        "after_1/",
        numbers.of_wgan_gp,
        5e-5,
        # An input of a rectifier is so near 0 here that rounding decides its sign: changes of the
        # latents by 1e-7 move this value between 2e-5 and 3.3e-3. Mistakes give 1.1e-2 and more.
        5e-3,
        {"model.width": 2, "batch_size": 4},
    ),
    "wgan_gp_32": Case(
        "wgan_gp_cifar10",
        2,
        "after_2/",
        numbers.of_wgan_gp,
        5e-5,
        5e-4,
        {"model.width": 2, "batch_size": 8},
    ),
    "language": Case(
        "billion_word",
        2,
        "after_2/",
        numbers.of_language,
        1e-5,
        5e-4,
        {"model.width": 6, "batch_size": 8},
    ),
}
SYMBOLS = 20  # of the lines


@pytest.fixture(autouse=True, scope="module")
def exact():
    """Operations are deterministic, as in every training on a CPU.

    Otherwise the load of the machine decides the order of sums, and Adam makes full steps of the
    rounding error of tiny gradients.
    """
    tf.config.experimental.enable_op_determinism()


class Trained(NamedTuple):
    """What two updates gave.

    Attributes:
      losses: {"discriminator", "generator"}: of each step.
      rms: {player: the root of the sum of squared differences from the original's weights, over the
        sum of the original's squared moves}.
      state: after the updates.
    """

    losses: dict
    rms: dict
    state: State


def config_of(case, **changes):
    """The card's config, made narrow, with further changes."""
    config = configs.load(case.card)
    config.discriminator.steps = case.critic_steps
    config.update_from_flattened_dict(case.changes | changes)
    return configs.validate(config)


def start(case, arrays, config):
    """A `State` with the stored weights, and its {stored name: variable}."""
    state = State(config, SYMBOLS if "real_codes" in arrays else 0)
    variables = case.variables(state.generator, state.discriminator)
    numbers.assign(variables, numbers.below(arrays, "before/"))
    return state, variables


def batch(arrays, step):
    """The batch of a discriminator step as the networks see it."""
    if "real_codes" in arrays:
        lines = types.SimpleNamespace(vocabulary=range(SYMBOLS))
        return text.Lines.encode(lines, tf.constant(arrays["real_codes"][step]))
    real = arrays["real_images"][step]
    return images.scale(real, real.shape)


def train(case, arrays, **changes):
    """Makes two updates with the pure steps, in the order of `training.update`."""
    config = config_of(case, **changes)
    state, variables = start(case, arrays, config)
    loss = losses.as_batch_loss(losses.pair(config.loss))
    discriminator = steps.Player(state.discriminator, state.discriminator_optimizer)
    generator = steps.Player(state.generator, state.generator_optimizer)
    entry = losses.PENALTIES["gradient_penalty"]
    weight = config.discriminator.gradient_penalty
    penalties = [steps.WeightedPenalty(weight, load(entry.function))] if weight else []
    seen = {"discriminator": [], "generator": []}

    def generate(latents):
        with tf.GradientTape() as path:
            fake = state.generator(latents, training=True)
        return fake, path

    latents = arrays["latents"] if config.latent.shared else arrays["critic_latents"]
    for update in range(2):
        for step in range(case.critic_steps * update, case.critic_steps * (update + 1)):
            fake, path = generate(latents[step])
            learned = steps.discriminator_step(
                discriminator,
                loss,
                penalties,
                batch(arrays, step),
                fake,
                tf.constant(arrays["mixes"][step]) if penalties else None,
                replicas=1,
            )
            seen["discriminator"].append(float(learned.step.loss))
        if not config.latent.shared:
            fake, path = generate(arrays["generator_latents"][update])
        generated = steps.generator_step(
            generator,
            state.discriminator,
            loss,
            learned.batch.real,
            fake,
            path,
            replicas=1,
        )
        seen["generator"].append(float(generated.loss))
    return Trained(seen, distances(case, arrays, variables), state)


def distances(case, arrays, variables):
    """`Trained.rms`."""
    before = numbers.below(arrays, "before/")
    after = numbers.below(arrays, case.after)
    left_out = {*arrays["undetermined"]} | {name for name in after if "moving_" in name}
    rms = {}
    for player in sorted({name.partition("/")[0] for name in after}):
        names = [n for n in after if n.startswith(f"{player}/") and n not in left_out]
        off = sum(
            np.sum(np.square(variables[n].numpy() - after[n], dtype=np.float64)) for n in names
        )
        moved = sum(np.sum(np.square(after[n] - before[n], dtype=np.float64)) for n in names)
        rms[player] = float(np.sqrt(off / moved))
    return rms


def stored_losses(case, arrays):
    """The losses of the original, as `Trained.losses`."""
    if "loss_discriminator" in arrays:
        return {
            "discriminator": arrays["loss_discriminator"],
            "generator": arrays["loss_generator"],
        }
    return {
        "discriminator": arrays[f"loss_critic_{case.critic_steps}"],
        "generator": arrays[f"loss_generator_{case.critic_steps}"],
    }


def misses(case, arrays, trained):
    """Names of what lies outside the tolerances."""
    wrong = [f"rms of {player}" for player, rms in trained.rms.items() if not rms < case.rms]
    for player, stored in stored_losses(case, arrays).items():
        allowed = case.loss * np.maximum(1, np.abs(stored))
        if not np.all(np.abs(trained.losses[player] - stored) < allowed):
            wrong.append(f"loss of {player}")
    return wrong


@pytest.mark.parametrize("name", CASES)
def test_two_updates_are_those_of_the_original(name, record_property):
    case = CASES[name]
    arrays = numbers.read(name)
    config = config_of(case)
    rates = (config.discriminator.learning_rate, config.generator.learning_rate)
    assert rates == pytest.approx(tuple(arrays["learning_rates"]))
    trained = train(case, arrays)
    record_property("rms", trained.rms)
    assert misses(case, arrays, trained) == [], trained[:2]


@pytest.mark.parametrize(
    "name, changes",
    [
        ("dcgan_32", {"generator.epsilon": 1e-7, "discriminator.epsilon": 1e-7}),
        ("dcgan_32", {"generator.beta_2": 0.99, "discriminator.beta_2": 0.99}),
        ("dcgan_32", {"generator.learning_rate": 1e-4, "discriminator.learning_rate": 5e-4}),
        ("language", {"discriminator.gradient_penalty": 2.5}),
        ("language", {"generator.beta_2": 0.999, "discriminator.beta_2": 0.999}),
        ("wgan_gp_64", {"discriminator.gradient_penalty": 2.5}),
        ("wgan_gp_64", {"generator.beta_2": 0.999, "discriminator.beta_2": 0.999}),
    ],
)
def test_a_mistake_is_seen(name, changes):
    case = CASES[name]
    arrays = numbers.read(name)
    assert misses(case, arrays, train(case, arrays, **changes)) != []


def test_dcgan_draws_the_images_of_the_original():
    """With the moving averages, before and after the updates."""
    arrays = numbers.read("dcgan_32")
    case = CASES["dcgan_32"]
    state, variables = start(case, arrays, config_of(case))
    for when in ("before", "after"):
        numbers.assign(variables, numbers.below(arrays, f"{when}/"))
        drawn = state.generator(arrays["inference_latents"], training=False)
        np.testing.assert_allclose(drawn, arrays[f"inference_images_{when}"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["wgan_gp_64", "wgan_gp_32"])
def test_wgan_gp_draws_the_images_of_the_original(name):
    """With the statistics of the whole batch."""
    arrays = numbers.read(name)
    case = CASES[name]
    state, _ = start(case, arrays, config_of(case))
    drawn = state.generator(arrays["sample_latents"], training=False)
    expected = arrays["images_before"]
    np.testing.assert_allclose(drawn[: len(expected)], expected, rtol=0, atol=1e-4)


def test_language_writes_the_probabilities_of_the_original():
    arrays = numbers.read("language")
    case = CASES["language"]
    state, _ = start(case, arrays, config_of(case))
    written = state.generator(arrays["sample_latents"], training=False)
    np.testing.assert_allclose(written, arrays["probabilities_before"], rtol=0, atol=1e-6)


def test_four_samples_per_score_weigh_the_penalty_by_a_quarter():
    """The critic of four is four linear heads, one for each place of its group: with equal heads
    its score is the sum of the four images' scores. So its Wasserstein term is four times the mean
    of one image's, while the penalty, whose gradients are those of single images, stays.
    """
    arrays = numbers.read("wgan_gp_32")
    case = CASES["wgan_gp_32"]
    together, names = start(case, arrays, config_of(case))
    alone = State(config_of(case, **{"model.samples_per_score": 1}))
    heads = np.tile(arrays["before/critic/dense/kernel"][:64], (4, 1))
    names["critic/dense/kernel"].assign(heads)
    names["critic/dense/bias"].assign([0])
    weights = together.discriminator.get_weights()
    alone.discriminator.set_weights([w[:64] if w.shape == heads.shape else w for w in weights])
    real = batch(arrays, 0)
    fake = batch(arrays, 1)
    pair = losses.pair("wasserstein")
    penalty = load(losses.PENALTIES["gradient_penalty"].function)
    terms = []
    for state in (together, alone):
        critic = state.discriminator
        wasserstein = tf.reduce_mean(pair.discriminator(critic(real), critic(fake)))
        penalties = penalty(lambda x, critic=critic: critic(x), real, fake, arrays["mixes"][0])
        terms.append((float(wasserstein), penalties.numpy()))
    assert terms[0][0] == pytest.approx(4 * terms[1][0], rel=1e-4)
    np.testing.assert_allclose(terms[0][1], terms[1][1], rtol=1e-4)
