import pytest

from tf_ttur import config as configs
from tf_ttur.training import rates


def player(**changes):
    player = configs.default().generator
    player.learning_rate = 1e-3
    player.update(changes)
    return player


def test_adam_has_the_constants_of_the_paper():
    adam = rates.optimizer(player(), 10, "adam")
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.5, 0.999, 1e-8)
    assert float(adam.learning_rate) == pytest.approx(1e-3)


def test_schedules_end_at_zero():
    for schedule, half in (("linear", 5e-4), ("cosine", 5e-4)):
        falling = rates._schedule(schedule, 1e-3, 100)
        assert [float(falling(n)) for n in (0, 50, 100)] == pytest.approx([1e-3, half, 0], abs=1e-9)


def test_sgd():
    assert rates.optimizer(player(optimizer="sgd", momentum=0.9), 10, "sgd").momentum == 0.9
