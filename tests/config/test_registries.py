"""The registries as a config sees them: names, keys of entries, and new entries."""

import dataclasses

import pytest

from tf_ttur import config as configs
from tf_ttur.commands import flags
from tf_ttur.config import keys
from tf_ttur.data import KINDS, QUANTISATIONS
from tf_ttur.errors import UserError
from tf_ttur.losses import LOSSES, PENALTIES
from tf_ttur.models import ARCHITECTURES
from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.registry import Key

# {key whose value is a name: its registry}
NAMED = {
    "loss": LOSSES,
    "model.architecture": ARCHITECTURES,
    "discriminator.optimizer": OPTIMIZERS,
    "generator.optimizer": OPTIMIZERS,
    "discriminator.schedule": SCHEDULES,
    "generator.schedule": SCHEDULES,
    "evaluation.quantisation": QUANTISATIONS,
}


def test_the_keys_that_name_entries():
    assert {name: key.choices for name, key in configs.KEYS.items() if key.choices} == NAMED


@pytest.mark.parametrize("name, registry", NAMED.items())
def test_a_name_that_is_not_in_its_registry_is_an_error_that_lists_the_names(name, registry):
    with pytest.raises(UserError) as error:
        configs.load("svhn", {name: "none_of_them"})
    assert f"config.{name} = 'none_of_them'" in error.value.found
    assert f"one of {', '.join(registry)}, or MODULE:OBJECT" in error.value.expected


def test_every_key_has_a_meaning_and_a_default_that_fits():
    for name, key in configs.KEYS.items():
        assert key.meaning, name
        assert "\n" not in key.meaning, name
        assert type(key.default) in (bool, int, float, str), name
    for registry in (LOSSES, PENALTIES, ARCHITECTURES, KINDS, OPTIMIZERS, SCHEDULES):
        for name, entry in registry.items():
            assert entry.help, (registry.what, name)


@pytest.mark.parametrize(
    "card, name, value, owner",
    [
        ("svhn", "model.samples_per_score", 4, "wgan_gp"),
        ("svhn", "data.dir", "lines/", "lines"),
        ("billion_word", "evaluation.reference", "real.npz", "images"),
    ],
)
def test_an_exclusive_key_is_refused_with_another_entry(card, name, value, owner):
    with pytest.raises(UserError) as error:
        configs.load(card, {name: value})
    assert f"config.{name} = {value!r}" in error.value.found
    assert f"only {owner} has this key" in error.value.expected
    configs.load(card, {name: configs.KEYS[name].default})  # at rest it may stand there


@pytest.mark.parametrize(
    "card, name, value",
    [
        ("began_lsun", "model.batch_norm_momentum", 0.5),
        ("svhn", "equilibrium.ratio", 0.7),
        ("svhn", "data.max_lines", 5),
        ("billion_word", "data.image_size", 64),
        ("billion_word", "data.memory_gib", 8.0),
    ],
)
def test_other_keys_of_other_entries_are_ignored_as_in_earlier_versions(card, name, value):
    assert configs.flatten(configs.load(card, {name: value}))[name] == value


@pytest.mark.parametrize("name, registry", NAMED.items())
def test_a_new_entry_is_a_name_without_any_other_change(name, registry, monkeypatch):
    entry = registry[configs.KEYS[name].default]
    if dataclasses.is_dataclass(entry):
        entry = dataclasses.replace(entry, help="a name that was not there before")
    monkeypatch.setitem(registry._entries, "brand_new", entry)
    assert configs.flatten(configs.load("svhn", {name: "brand_new"}))[name] == "brand_new"
    [line] = [line for line in flags.describe_keys().splitlines() if "brand_new" in line]
    assert line.split(maxsplit=1) == ["brand_new", *filter(None, [getattr(entry, "help", "")])]


def test_the_keys_of_a_new_entry_are_config_keys(monkeypatch):
    """They are collected once, when the package is imported."""
    margin = Key(1.0, "of the new loss")
    new_loss = dataclasses.replace(LOSSES["hinge"], keys={"margin": margin})
    monkeypatch.setitem(LOSSES._entries, "brand_new", new_loss)
    warmth = Key(3, "of the new optimizer")
    new_optimizer = dataclasses.replace(OPTIMIZERS["sgd"], keys={"warmth": warmth})
    monkeypatch.setitem(OPTIMIZERS._entries, "brand_new", new_optimizer)
    weight = Key(0.0, "of the new penalty")
    new_penalty = dataclasses.replace(
        PENALTIES["gradient_penalty"],
        weight="new_penalty",
        keys={"discriminator.new_penalty": weight},
    )
    monkeypatch.setitem(PENALTIES._entries, "brand_new", new_penalty)
    collected = keys._all_keys()
    assert set(collected) - set(configs.KEYS) == {
        *("margin", "discriminator.warmth", "generator.warmth", "discriminator.new_penalty"),
    }
    assert collected["margin"] is margin
    assert collected["generator.warmth"] is warmth
    assert collected["discriminator.new_penalty"] is weight


def test_a_new_kind_of_data_is_one_that_an_architecture_may_learn_from(monkeypatch):
    points = dataclasses.replace(KINDS["images"], help="points of the plane", keys={}, requires={})
    learner = dataclasses.replace(ARCHITECTURES["dcgan"], learns="points")
    monkeypatch.setitem(ARCHITECTURES._entries, "brand_new", learner)
    changes = {"model.architecture": "brand_new", "data.source": ""}
    with pytest.raises(UserError, match=r"brand_new learns from 'points'\n.*one of images, lines"):
        configs.load("svhn", changes)
    monkeypatch.setitem(KINDS._entries, "points", points)
    config = configs.load("svhn", changes)
    assert configs.kind_of(config) is points


def test_own_objects_are_found_beside_the_card(tmp_path):
    (tmp_path / "objects_of_a_card.py").write_text(
        "from tf_ttur.losses import LossPair\n"
        "PAIR = LossPair(discriminator=max, generator=min)\n"
        "NUMBER = 3\n",
        encoding="utf-8",
    )
    (tmp_path / "card.py").write_text(
        "from tf_ttur import config as configs\n"
        "def get_config(variant='ttur'):\n"
        "    config = configs.load('svhn')\n"
        "    config.loss = f'objects_of_a_card.py:{variant}'\n"
        "    return config\n",
        encoding="utf-8",
    )
    config = configs.load(f"{tmp_path}/card.py:PAIR")
    assert configs.objects(config) == ["objects_of_a_card.py:PAIR"]
    with pytest.raises(UserError, match="NUMBER is not a valid loss"):
        configs.load(f"{tmp_path}/card.py:NUMBER")
    with pytest.raises(UserError, match=r"has no PIAR\n.*PAIR"):
        configs.load(f"{tmp_path}/card.py:PIAR")
