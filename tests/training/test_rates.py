import keras
import pytest
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.training import rates

LINEAR = {"schedule": "linear"}
COSINE = {"schedule": "cosine"}


def polynomial(power):
    return {"schedule": "polynomial", "decay_power": power}


def player(**changes):
    """The part of a config about one player, with changes."""
    player = configs.default().generator
    player.learning_rate = 1e-3
    player.update(changes)
    return player


def test_adam_has_the_constants_of_the_paper():
    adam = rates.optimizer(player(), 10, "adam")
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.5, 0.999, 1e-8)
    assert float(adam.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_end_at_zero(schedule):
    falling = rates.schedule(player(schedule=schedule), 100)
    assert [float(falling(n)) for n in (0, 50, 100)] == pytest.approx([1e-3, 5e-4, 0], abs=1e-9)


def test_halving():
    """As in BEGAN: the rate is halved at once after every `decay_shift` steps."""
    falling = rates.schedule(player(schedule="halving", decay_shift=100.0), 1000)
    assert [float(falling(n)) for n in (0, 99, 100, 199, 200, 350)] == pytest.approx(
        [1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 1.25e-4]
    )


def test_polynomial_decay():
    falling = rates.schedule(player(schedule="polynomial", decay_shift=20.0, decay_power=0.9), 100)
    assert [float(falling(n)) for n in (0, 20, 10**6)] == pytest.approx(
        [1e-3, 1e-3 * 2**-0.9, 1e-3 * 50_001**-0.9], rel=1e-5
    )
    optimizer = rates.optimizer(
        player(schedule="polynomial", decay_shift=1.0, decay_power=1.0, optimizer="sgd"), 10, "sgd"
    )
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    for _ in range(3):
        optimizer.apply([tf.constant([-1.0])])
    assert float(weight.value[0]) == pytest.approx(1e-3 * (1 + 1 / 2 + 1 / 3), rel=1e-5)


@pytest.mark.parametrize(
    "generator, discriminator, satisfied, reason",
    [
        ({}, {}, False, "the rate is constant"),
        (LINEAR, COSINE, False, "the sum of a(n) (generator) is finite"),
        (polynomial(0.9), polynomial(0.6), True, "a(n) falls as n^-0.9"),
        (polynomial(0.6), polynomial(0.9), False, "does not go to 0"),
        (
            polynomial(0.9),
            polynomial(0.5),
            False,
            "the sum of b(n)^2 (discriminator) is infinite",
        ),
        (polynomial(1.1), polynomial(0.6), False, "the sum of a(n) (generator) is finite"),
    ],
)
def test_a2_of_a_run(generator, discriminator, satisfied, reason):
    config = configs.default()
    for target, changes in ((config.generator, generator), (config.discriminator, discriminator)):
        target.update({"learning_rate": 1e-3, **changes})
    config.updates = 1000
    config.discriminator.steps = 2
    with_adam = rates.check_a2(config)
    assert not with_adam.holds
    assert with_adam.numbers["schedules_hold"] == satisfied
    assert "Adam" in with_adam.words
    config.generator.optimizer = "sgd"
    config.discriminator.optimizer = "sgd"
    with_sgd = rates.check_a2(config)
    assert with_sgd.holds == satisfied
    assert reason in with_sgd.words


@pytest.mark.parametrize("kind", ["constant", "linear", "cosine", "polynomial", "halving"])
def test_rates_at_an_update_are_those_of_the_optimizer(kind):
    config = configs.default()
    config.updates = 100
    config.discriminator.steps = 2
    for target, rate in ((config.generator, 1e-3), (config.discriminator, 4e-3)):
        target.update({"learning_rate": rate, "schedule": kind, "decay_shift": 30.0})
    generator = rates.schedule(config.generator, 100)
    discriminator = rates.schedule(config.discriminator, 200)

    def value(schedule, step):
        return schedule if isinstance(schedule, float) else float(schedule(step))

    for update in (0, 33, 99):
        players = rates.at_update(config, update)
        assert players.generator == pytest.approx(value(generator, update), rel=1e-3)
        expected = sum(value(discriminator, 2 * update + step) for step in (0, 1))
        assert players.discriminator == pytest.approx(expected, rel=1e-3)


def test_sgd():
    assert rates.optimizer(player(optimizer="sgd", momentum=0.9), 10, "sgd").momentum == 0.9
