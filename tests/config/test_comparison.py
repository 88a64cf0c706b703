"""What each key decides, the differences between two configs, and the names of run folders."""

import pytest

from tf_ttur import config as configs
from tf_ttur.config import comparison
from tf_ttur.registry import Decides

CURVE = {
    "evaluation.every_updates",
    "evaluation.metrics",
    "evaluation.num_samples",
    "evaluation.sample_batch_size",
    "evaluation.quantisation",
    "evaluation.precision",
    "evaluation.reference_samples",
    "evaluation.without_inception",
    "evaluation.weights",
}
NOTHING = {
    *("name", "variant", "updates", "distribution"),
    # Places: what is there is compared instead.
    *("data.source", "data.dir", "data.files", "evaluation.reference"),
    *("data.memory_gib", "evaluation.feature_batch_size", "evaluation.cache_features"),
    *("log_every_updates", "check_every_updates", "samples_every_updates"),
    *("checkpoint_every_updates", "keep_checkpoints"),
    *("collapse.metric_factor", "collapse.accuracy_updates"),
    *("compile", "data_on_device", "updates_per_call"),
}


def test_what_the_keys_decide():
    for decided, names in ((Decides.CURVE, CURVE), (Decides.NOTHING, NOTHING)):
        assert {name for name, key in configs.KEYS.items() if key.decides is decided} == names


@pytest.mark.parametrize(
    ("changes", "name", "decided"),
    [
        ({}, "updates", Decides.NOTHING),
        ({"discriminator.schedule": "cosine"}, "updates", Decides.WEIGHTS),
        ({}, "generator.momentum", Decides.NOTHING),
        ({"generator.optimizer": "sgd"}, "generator.momentum", Decides.WEIGHTS),
        ({"discriminator.optimizer": "sgd"}, "generator.momentum", Decides.NOTHING),
        ({"generator.optimizer": "sgd"}, "generator.beta_1", Decides.NOTHING),
        ({}, "generator.decay_shift", Decides.NOTHING),
        ({"generator.schedule": "halving"}, "generator.decay_shift", Decides.WEIGHTS),
        ({"generator.schedule": "halving"}, "generator.decay_power", Decides.NOTHING),
        ({"generator.optimizer": "keras.optimizers:SGD"}, "generator.momentum", Decides.WEIGHTS),
        ({}, "generator.learning_rate", Decides.WEIGHTS),
        ({}, "evaluation.sample_batch_size", Decides.NOTHING),
        ({}, "evaluation.weights", Decides.NOTHING),
        ({"generator.ema_decay": 0.9}, "evaluation.weights", Decides.CURVE),
    ],
)
def test_a_key_that_decides_something_only_with_others(changes, name, decided):
    assert comparison.decides(name, configs.load("svhn", changes)) is decided


def test_a_generator_that_normalises_over_its_batch_needs_the_same_batches():
    config = configs.load("wgan_gp_lsun", {"data.source": "somewhere"})
    assert comparison.decides("evaluation.sample_batch_size", config) is Decides.CURVE


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({}, ""),
        ({"generator.learning_rate": 1e-4}, ""),  # the card's own
        ({"generator.learning_rate": 3e-4}, "-generator.learning_rate=3e-4"),
        (
            {"discriminator.learning_rate": 0.00025, "generator.learning_rate": 0.5},
            "-discriminator.learning_rate=2.5e-4-generator.learning_rate=0.5",
        ),
        ({"batch_size": 100, "latent.shared": False}, "-batch_size=100-latent.shared=False"),
        ({"updates": 5, "evaluation.num_samples": 10, "log_every_updates": 3}, ""),
        ({"data.source": "data/faces", "evaluation.reference": "a/b.npz"}, ""),
        ({"generator.schedule": "linear", "updates": 9}, "-generator.schedule=linear"),
        ({"generator.momentum": 0.5}, ""),  # of an optimizer that is not used
    ],
)
def test_the_folder_of_a_changed_card(changes, added):
    config, changed = configs.cards.load_changed("svhn", changes)
    assert configs.folder_name(config, changed) == f"svhn-ttur-seed0{added}"


def test_keys_that_the_name_holds_already_are_not_added():
    changes = {"seed": 5, "variant": "mine", "name": "digits"}
    config, changed = configs.cards.load_changed("svhn", changes)
    assert changed == changes
    assert configs.folder_name(config, changed) == "digits-mine-seed5"


def test_the_name_of_a_folder_is_a_name():
    """Long words and paths are cut, and stay different."""
    config = configs.load("svhn")
    words = ("../losses.py:PAIR", "/elsewhere/losses.py:PAIR", f"{'long/' * 100}losses.py:PAIR")
    names = {configs.folder_name(config, {"loss": word}) for word in words}
    assert len(names) == 3
    for name in names:
        assert "losses.py_PAIR-" in name
        assert "/" not in name
    every = {name: value for name, value in configs.flatten(config).items() if name != "name"}
    assert len(configs.folder_name(config, every)) == 150
    assert configs.folder_name(config, every) != configs.folder_name(config, every | {"loss": "x"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1e-4, "1e-4"), (0.5, "0.5"), (0.05, "0.05"), (1.0, "1"), (0.00025, "2.5e-4")),
        *((1e30, "1e30"), (0.1 + 0.2, "0.30000000000000004"), (0.9999, "0.9999")),
    ],
)
def test_numbers_in_names_are_short_and_exact(value, text):
    assert comparison._short(value) == text
    assert float(text) == value


def test_a_list_of_differences_is_short():
    shown = configs.listed(configs.Difference(f"key_{n}", n, "") for n in range(20))
    assert shown.splitlines()[0] == "    key_0: 0 -> ''"
    assert len(shown.splitlines()) == 13
    assert shown.splitlines()[-1] == "    and 8 more"


def test_values_that_differ_in_nested_dicts():
    was = {"network": "a", "reference": {"digest": "0" * 64, "size": 32}, "old": 1}
    now = {"network": "a", "reference": {"digest": "f" * 64, "size": 32}, "new": None}
    assert list(map(str, configs.differing_values(was, now))) == [
        "reference.digest: 000000000000... -> ffffffffffff...",
        "old: 1 -> None",
    ]
