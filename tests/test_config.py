"""Every card against the published facts, and every mistake in a config."""

import pathlib

import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.studies.published import CURVES

# (TTUR discriminator, TTUR generator), orig rate, image size, updates
FACTS = {
    "celeba": ((1e-5, 5e-4), 5e-4, 64, 256_365),
    "cifar10": ((1e-4, 5e-4), 1e-4, 32, 120_000),
    "svhn": ((1e-5, 1e-4), 5e-5, 32, 185_000),
    "lsun": ((1e-5, 1e-4), 5e-5, 64, 426_519),
}


def card(name, variant="ttur"):
    return configs.load(f"{ROOT}/configs/{name}.py:{variant}")


@pytest.mark.parametrize("name", FACTS)
def test_card_is_the_experiment_of_the_paper(name):
    (discriminator, generator), orig, size, updates = FACTS[name]
    for variant, rates in (("ttur", (discriminator, generator)), ("orig", (orig, orig))):
        config = card(name, variant)
        assert (config.discriminator.learning_rate, config.generator.learning_rate) == rates
        assert (config.data.image_size, config.updates, config.batch_size, config.loss) == (size, updates, 64, "non_saturating")
        assert rates in CURVES[name]
        for player in (config.discriminator, config.generator):
            assert (player.optimizer, player.beta_1, player.beta_2, player.epsilon) == ("adam", 0.5, 0.999, 1e-8)
            assert player.schedule == "constant"
        assert config.discriminator.steps == 1 and config.latent.shared and config.model.width == 64
        assert (config.latent.size, config.latent.distribution) == (100, "uniform")
        evaluation = config.evaluation
        assert (evaluation.every_updates, evaluation.num_samples, evaluation.quantisation) == (5000, 50_000, "float")
        assert (evaluation.sample_batch_size, evaluation.feature_batch_size) == (1000, 100)
        assert evaluation.without_inception == "fail" and evaluation.precision == "float32"


def test_every_card_is_valid_in_both_variants():
    cards = sorted(path.stem for path in (ROOT / "configs").glob("*.py"))
    assert set(FACTS) < set(cards)
    for name in cards:
        names = {configs.run_name(card(name, variant)) for variant in ("ttur", "orig")}
        assert names == {f"{name}-ttur-seed0", f"{name}-orig-seed0"}


def test_only_the_quickstart_may_do_without_inception():
    may = {path.stem for path in (ROOT / "configs").glob("*.py") if card(path.stem).evaluation.without_inception != "fail"}
    assert may == {"quickstart"}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"seed": -1}, "config.seed = -1"),
        ({"batch_size": 1}, "batch_size = 1"),
        ({"updates": 0}, "updates = 0"),
        ({"loss": "mse"}, "one of non_saturating"),
        ({"discriminator.learning_rate": 0.0}, "learning_rate = 0.0"),
        ({"generator.learning_rate": float("nan")}, "learning_rate = nan"),
        ({"generator.learning_rate": float("inf")}, "learning_rate = inf"),
        ({"generator.optimizer": "rmsprop"}, "one of adam, sgd"),
        ({"generator.beta_1": 1.0}, "beta_1 = 1.0"),
        ({"discriminator.steps": 0}, "steps = 0"),
        ({"latent.distribution": "cauchy"}, "uniform, normal"),
        ({"data.source": ""}, "data.source"),
        ({"data.image_size": 40}, "multiple of 16"),
        ({"data.crop": "circle"}, "data.crop"),
        ({"evaluation.quantisation": "up"}, "truncate"),
        ({"evaluation.num_samples": 1}, "num_samples = 1"),
        ({"name": "a/b"}, "name = 'a/b'"),
    ],
)
def test_impossible_values(changes, message):
    config = card("svhn")
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError, match=message):
        configs.validate(config)


def test_wrong_types_and_keys():
    config = card("svhn").to_dict()
    for change, message in (
        ({"seed": "0"}, r"config.seed = '0' \(str\)"),
        ({"seed": True}, "config.seed = True"),
        ({"sed": 0}, "config.sed is not a key.*\n.*seed"),
        ({"data": 3}, "config.data"),
    ):
        with pytest.raises(UserError, match=message):
            configs.validate(config | change)
    del config["loss"]
    with pytest.raises(UserError, match="config.loss is missing"):
        configs.validate(config)


def test_config_survives_its_file(tmp_path):
    config = card("celeba")
    path = pathlib.Path(tmp_path / "config.json")
    path.write_text(configs.to_json(config))
    assert configs.from_json(path).to_dict() == config.to_dict()
