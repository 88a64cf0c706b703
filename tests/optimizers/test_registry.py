"""The registries of optimizers and schedules, and objects of the user's own in their place."""

import keras
import pytest
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES, schedules
from tf_ttur.registry import load
from tf_ttur.training import rates

STEPS = 100  # that a player takes

OWN = """
import keras

from tf_ttur.optimizers import Optimizer
from tf_ttur.optimizers.schedules import Schedule


def momentum(rate, player, name):
    return keras.optimizers.SGD(rate, momentum=0.5, name=name)


class Sudden(Schedule):
    def at(self, step):
        return self.rate if step < self.steps / 2 else self.rate / 10

    def for_optimizer(self):
        halfway = self.steps // 2
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [halfway - 1], [self.rate, self.rate / 10]
        )


ENTRY = Optimizer(make=momentum, steps_are_rates=True)
NUMBER = 3
"""


@pytest.fixture
def own(tmp_path):
    """A file with an optimizer and a schedule of the user's own."""
    path = tmp_path / "my_optimizers.py"
    path.write_text(OWN, encoding="utf-8")
    return path


def player_of(config):
    config.generator.learning_rate = 1e-3
    return config.generator


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_resolves(name):
    entry = OPTIMIZERS[name]
    assert entry.help
    optimizer = load(entry.make)(1e-3, player_of(configs.default()), "its_name")
    assert isinstance(optimizer, keras.optimizers.Optimizer)
    assert optimizer.name == "its_name"
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_resolves_and_its_two_forms_agree(name):
    entry = SCHEDULES[name]
    assert entry.help
    make = load(entry.make)
    assert issubclass(make, schedules.Schedule)
    player = player_of(configs.default())
    schedule = make(1e-3, STEPS, player)
    falling = schedule.for_optimizer()
    for step in (0, 1, 50, 99):
        rate = falling if isinstance(falling, float) else float(falling(step))
        assert rate == pytest.approx(schedule.at(step), rel=1e-5, abs=1e-9)
    differs = make(1e-3, 2 * STEPS, player).at(50) != schedule.at(50)
    assert differs == entry.depends_on_length


@pytest.mark.parametrize("name", ["momentum", "ENTRY"])
def test_an_optimizer_of_the_users_own_takes_the_steps(name, tiny, own):
    tiny.generator.optimizer = f"{own}:{name}"
    config = configs.validate(tiny)
    optimizer = rates.optimizer(config.generator, STEPS, "generator")
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    for _ in range(2):
        optimizer.apply([tf.constant([-1.0])])
    assert float(weight.value[0]) == pytest.approx(2e-3 * (1 + 1.5))  # the rate of `tiny` is 2e-3
    assert OPTIMIZERS.find(config.generator.optimizer).steps_are_rates == (name == "ENTRY")


def test_a_schedule_of_the_users_own_sets_the_rate(tiny, own):
    tiny.generator.schedule = f"{own}:Sudden"
    config = configs.validate(tiny)
    falling = rates.schedule(config.generator, STEPS)
    assert [float(falling(step)) for step in (0, 49, 50, 99)] == pytest.approx(
        [2e-3, 2e-3, 2e-4, 2e-4]
    )
    config.updates = STEPS
    assert rates.at_update(config, 49).generator == pytest.approx(2e-3)
    assert rates.at_update(config, 50).generator == pytest.approx(2e-4)
    assert SCHEDULES.find(config.generator.schedule).depends_on_length


@pytest.mark.parametrize(
    "registry, name, near",
    [(OPTIMIZERS, "adams", "adam or adamw"), (SCHEDULES, "cosines", "cosine")],
)
def test_an_unknown_name_lists_all(registry, name, near):
    with pytest.raises(UserError) as error:
        registry.find(name)
    assert error.value.found == f"there is no {registry.what} {name!r}"
    assert error.value.expected.startswith(f"one of {', '.join(registry)}, or MODULE:OBJECT")
    assert error.value.cure == f"did you mean {near}?"


@pytest.mark.parametrize("key", ["optimizer", "schedule"])
def test_an_object_of_another_type_is_refused(key, tiny, own):
    tiny.generator[key] = f"{own}:NUMBER"
    with pytest.raises(UserError) as error:
        configs.validate(tiny)
    assert error.value.found.startswith(f"{own}:NUMBER is not a valid {key} (it is of type int, ")
    assert error.value.expected.startswith("one of ")
    assert error.value.cure == "correct it"
