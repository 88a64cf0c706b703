"""Every card that ships against the published facts, and every mistake in a config."""

import re
import runpy

import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.metrics import measures
from tf_ttur.studies import published

DCGAN = {
    "optimizer": "adam",
    "beta_1": 0.5,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "schedule": "constant",
}
WGAN_GP = DCGAN | {"beta_1": 0.0, "beta_2": 0.9}
LANGUAGE = WGAN_GP | {"beta_1": 0.5}
BEGAN = DCGAN | {"beta_1": 0.9, "schedule": "halving", "decay_shift": 100_000}
# (samples, generated at a time, embedded at a time, quantisation)
FID_OF_DCGAN = (50_000, 1000, 0, "float")
FID_OF_WGAN_GP = (50_000, 1000, 200, "truncate")
FID_OF_BEGAN = (50_000, 200, 200, "float")
# {experiment: (players, batch, latent size, distribution, shared, architecture, width, size,
# evaluation)}, all from the paper and its code.
FACTS = {
    "celeba": (DCGAN, 64, 100, "uniform", True, "dcgan", 64, 64, FID_OF_DCGAN),
    "cifar10": (DCGAN, 64, 100, "uniform", True, "dcgan", 64, 32, FID_OF_DCGAN),
    "svhn": (DCGAN, 64, 100, "uniform", True, "dcgan", 64, 32, FID_OF_DCGAN),
    "lsun": (DCGAN, 64, 100, "uniform", True, "dcgan", 64, 64, FID_OF_DCGAN),
    "wgan_gp_cifar10": (WGAN_GP, 64, 128, "normal", False, "wgan_gp", 32, 32, FID_OF_WGAN_GP),
    "wgan_gp_lsun": (WGAN_GP, 64, 128, "normal", False, "wgan_gp", 64, 64, FID_OF_WGAN_GP),
    "billion_word": (LANGUAGE, 64, 128, "normal", False, "language", 512, 32, (640, 64)),
    "began_celeba": (BEGAN, 16, 64, "uniform", True, "began", 128, 64, FID_OF_BEGAN),
    "began_lsun": (BEGAN, 16, 64, "uniform", True, "began", 128, 64, FID_OF_BEGAN),
}
CROPS = {
    "celeba": "108",
    "lsun": "square",
    "wgan_gp_lsun": "square",
    "began_celeba": "108",
    "began_lsun": "square",
}  # others none
# Cards that no published curve belongs to.
NOT_OF_THE_PAPER = {"quickstart", "images", "sngan_cifar10", "wgan_cifar10"}
# {(experiment, variant): (discriminator, generator, discriminator steps, updates, updates between
# evaluations)}
VARIANTS = {
    ("celeba", "ttur"): (1e-5, 5e-4, 1, 256_365, 5000),
    ("celeba", "orig"): (5e-4, 5e-4, 1, 256_365, 5000),
    ("celeba", "orig_1e-5"): (1e-5, 1e-5, 1, 256_365, 5000),
    ("celeba", "orig_1e-4"): (1e-4, 1e-4, 1, 256_365, 5000),
    ("cifar10", "ttur"): (1e-4, 5e-4, 1, 120_000, 5000),
    ("cifar10", "orig"): (1e-4, 1e-4, 1, 120_000, 5000),
    ("cifar10", "orig_2e-4"): (2e-4, 2e-4, 1, 120_000, 5000),
    ("cifar10", "orig_5e-4"): (5e-4, 5e-4, 1, 120_000, 5000),
    ("svhn", "ttur"): (1e-5, 1e-4, 1, 185_000, 5000),
    ("svhn", "orig"): (5e-5, 5e-5, 1, 185_000, 5000),
    ("svhn", "orig_1e-5"): (1e-5, 1e-5, 1, 185_000, 5000),
    ("svhn", "orig_1e-4"): (1e-4, 1e-4, 1, 185_000, 5000),
    ("lsun", "ttur"): (1e-5, 1e-4, 1, 426_519, 5000),
    ("lsun", "orig"): (5e-5, 5e-5, 1, 426_519, 5000),
    ("lsun", "orig_1e-5"): (1e-5, 1e-5, 1, 426_519, 5000),
    ("lsun", "orig_1e-4"): (1e-4, 1e-4, 1, 426_519, 5000),
    ("wgan_gp_cifar10", "ttur"): (3e-4, 1e-4, 1, 228_000, 4000),
    ("wgan_gp_cifar10", "orig"): (1e-4, 1e-4, 5, 62_651, 1333),
    ("wgan_gp_cifar10", "orig_5e-4"): (5e-4, 5e-4, 5, 62_651, 1333),
    ("wgan_gp_cifar10", "orig_7e-4"): (7e-4, 7e-4, 5, 62_651, 1333),
    ("wgan_gp_cifar10", "ttur_one"): (3e-4, 1e-4, 1, 228_000, 4000),
    ("wgan_gp_cifar10", "orig_one"): (1e-4, 1e-4, 5, 62_651, 1333),
    ("wgan_gp_lsun", "ttur"): (3e-4, 1e-4, 1, 100_000, 1000),
    ("wgan_gp_lsun", "orig"): (1e-4, 1e-4, 5, 25_009, 333),
    ("wgan_gp_lsun", "orig_5e-4"): (5e-4, 5e-4, 5, 25_009, 333),
    ("wgan_gp_lsun", "orig_7e-4"): (7e-4, 7e-4, 5, 25_009, 333),
    ("billion_word", "ttur"): (3e-4, 1e-4, 1, 200_000, 100),
    ("billion_word", "orig"): (1e-4, 1e-4, 10, 200_000, 100),
    ("began_celeba", "ttur"): (6e-5, 4e-5, 1, 500_000, 1000),
    ("began_celeba", "orig"): (5e-5, 5e-5, 1, 500_000, 1000),
    ("began_celeba", "orig_1e-4"): (1e-4, 1e-4, 1, 500_000, 1000),
    ("began_lsun", "ttur"): (3e-5, 1e-5, 1, 500_000, 1000),
    ("began_lsun", "orig"): (2e-5, 2e-5, 1, 500_000, 1000),
}
GROUPED = {("wgan_gp_cifar10", variant) for variant in ("ttur", "orig", "orig_5e-4", "orig_7e-4")}
LOSSES = {
    "dcgan": ("non_saturating", 0),
    "wgan_gp": ("wasserstein", 10),
    "language": ("wasserstein", 10),
    "began": ("boundary_equilibrium", 0),
}


def card(name, variant="ttur"):
    return configs.load(f"{ROOT}/configs/{name}.py:{variant}")


def card_module(name):
    return runpy.run_path(f"{ROOT}/configs/{name}.py")


def variants(name):
    return list(card_module(name)["VARIANTS"])


@pytest.mark.parametrize("name, variant", VARIANTS)
def test_card_is_the_experiment_of_the_paper(name, variant):
    player, batch, latents, distribution, shared, architecture, width, size, protocol = FACTS[name]
    discriminator, generator, steps, updates, every = VARIANTS[name, variant]
    loss, penalty = LOSSES[architecture]
    expected = {
        "discriminator.learning_rate": discriminator,
        "generator.learning_rate": generator,
        "discriminator.steps": steps,
        "updates": updates,
        "batch_size": batch,
        "loss": loss,
        "discriminator.gradient_penalty": penalty,
        "latent.size": latents,
        "latent.distribution": distribution,
        "latent.shared": shared,
        "model.architecture": architecture,
        "model.width": width,
        # The published script groups four images where it runs at 32x32.
        "model.samples_per_score": 4 if (name, variant) in GROUPED else 1,
        "model.precision": "float32",
        "evaluation.every_updates": every,
        "evaluation.precision": "float32",
        "evaluation.without_inception": "fail",
    }
    for side in ("discriminator", "generator"):
        expected |= {f"{side}.{key}": value for key, value in player.items()}
    keys = ("num_samples", "sample_batch_size", "feature_batch_size", "quantisation")
    # Lines have no more than the first two.
    expected |= {f"evaluation.{key}": value for key, value in zip(keys, protocol, strict=False)}
    if architecture == "language":
        expected |= {"data.max_lines": 10_000_000, "data.line_length": 32, "data.max_symbols": 2048}
    else:
        expected |= {"data.image_size": size, "data.crop": CROPS.get(name, "none")}
    if architecture == "dcgan":
        expected["model.batch_norm_momentum"] = pytest.approx(0.9**4)
    if architecture == "began":
        expected |= {"equilibrium.ratio": 0.5, "equilibrium.rate": 0.001}
    flat = configs.flatten(card(name, variant))
    assert {key: flat[key] for key in expected} == expected
    assert any(
        (discriminator, generator) in scores
        for (experiment, _), scores in published.SCORES.items()
        if experiment == name
    )


@pytest.mark.parametrize("name", FACTS)
def test_card_tells_what_was_published(name):
    """For each pair of rates: the best run, and the mean and range at the end of the curve."""
    text = card_module(name)["__doc__"]
    ends = set()
    for (experiment, metric), scores in published.SCORES.items():
        for rates, score in scores.items() if experiment == name else ():
            best = f"{score.best:.1f}" if metric == "fid" else f"{score.best:.2f}"
            assert re.search(rf"(?<![\d.]){re.escape(best)}(?!\d)", text), (rates, best)
            ends |= {point[1:] for point in published.curve(name, metric, rates)[-1:]}
    ranges = re.findall(r"([\d.]+)\s\[([\d.]+),\s([\d.]+)\]", text)
    assert {tuple(map(float, numbers)) for numbers in ranges} == ends


@pytest.mark.parametrize("path", configs.list_cards(), ids=lambda path: path.stem)
def test_card_tells_the_commands_that_train_it(path):
    text = runpy.run_path(str(path))["__doc__"]
    named = set(re.findall(rf"tf-ttur train --config ({path.stem}(?::[\w-]+)?)(?=\s)", text))
    assert path.stem in named
    for word in named:
        assert configs.load(word).name == path.stem
    if path.stem != "quickstart":
        assert f"python -m tf_ttur.train --config configs/{path.stem}.py" in text
        assert f"{path.stem}:orig" in named


def test_every_published_curve_has_a_card_and_every_card_its_facts():
    cards = {path.stem for path in (ROOT / "configs").glob("*.py")} - NOT_OF_THE_PAPER
    assert {(name, variant) for name in cards for variant in variants(name)} == set(VARIANTS)
    rates = {
        name: {row[:2] for (experiment, _), row in VARIANTS.items() if experiment == name}
        for name in FACTS
    }
    curves = list(published.CURVES.items())
    for table in (published.TIMED_CURVES, published.SCORES):
        curves += [(name, by_rates) for (name, _), by_rates in table.items()]
    for name, by_rates in curves:
        assert set(by_rates) == rates[name], name


def test_every_card_is_valid_under_its_own_name():
    for path in (ROOT / "configs").glob("*.py"):
        names = [configs.run_name(card(path.stem, variant)) for variant in variants(path.stem)]
        assert names == [f"{path.stem}-{variant}-seed0" for variant in variants(path.stem)]


def test_only_the_quickstart_may_do_without_inception():
    names = [path.stem for path in (ROOT / "configs").glob("*.py")]
    assert [n for n in names if card(n).evaluation.without_inception != "fail"] == ["quickstart"]


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
        ({"generator.optimizer": "rprop"}, "one of adam, sgd"),
        ({"generator.beta_1": 1.0}, "beta_1 = 1.0"),
        ({"discriminator.steps": 0}, "steps = 0"),
        ({"latent.distribution": "cauchy"}, "uniform, normal"),
        ({"data.source": ""}, "data.source"),
        ({"model.architecture": "vae"}, "one of dcgan, wgan_gp, sngan, language, began"),
        ({"model.architecture": "language"}, "config.data.dir = ''"),
        ({"model.architecture": "began"}, "config.loss = 'non_saturating'"),
        ({"loss": "boundary_equilibrium"}, "boundary_equilibrium with began"),
        ({"model.samples_per_score": 4}, "samples_per_score = 4"),
        (
            {"model.architecture": "wgan_gp", "model.samples_per_score": 4, "batch_size": 6},
            "multiple of config.model.samples_per_score",
        ),
        ({"data.max_symbols": 1}, "max_symbols = 1"),
        ({"data.dir": "lines"}, "config.data.dir = 'lines'"),
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
        ({"sed": 0}, r"config\.sed is not a key\n(.*\n)*.*did you mean config\.seed\?"),
        ({"data": 3}, "config.data"),
    ):
        with pytest.raises(UserError, match=message):
            configs.validate(config | change)
    del config["loss"]
    with pytest.raises(UserError, match=r"config\.loss is missing"):
        configs.validate(config)


def test_config_survives_its_file(tmp_path):
    config = card("celeba")
    path = tmp_path / "config.json"
    path.write_text(configs.to_json(config), encoding="utf-8")
    assert configs.from_json(path).to_dict() == config.to_dict()


def test_keys_of_images_say_nothing_about_lines():
    for key in ("data.source", "evaluation.reference"):
        config = card("billion_word")
        config.update_from_flattened_dict({key: "somewhere"})
        with pytest.raises(UserError, match=f"config.{key} = 'somewhere'"):
            configs.validate(config)
    assert configs.summary(card("billion_word")).endswith(
        "on data/billion_word or data/1-billion-word-language-modeling-benchmark-r13output"
    )


def test_began_makes_one_step_without_penalty():
    for key, value in (("discriminator.steps", 2), ("discriminator.gradient_penalty", 1.0)):
        config = card("began_lsun")
        config.update_from_flattened_dict({key: value})
        with pytest.raises(UserError, match=f"config.{key}"):
            configs.validate(config)


class WithoutNames(measures.Measure):
    """A measure of a user that says neither its values nor that they fall."""


@pytest.mark.parametrize(
    "metrics, words",
    [
        ("prdc,fid", "prdc does not fall while training goes well"),
        ("fid,fud", "no metric fud"),
        ("fid,kid:degree=x", "kid:degree=3"),
        ("", "names of measures"),
        (f"fid,{__name__}:WithoutNames", "the names of its values"),
    ],
)
def test_measures_that_a_training_cannot_use(tiny, metrics, words):
    tiny.evaluation.metrics = metrics
    with pytest.raises(UserError, match=words):
        configs.validate(tiny)


def test_own_measures_are_among_the_objects_of_a_config(tiny):
    tiny.evaluation.metrics = f"fid,{__name__}:WithoutNames:k=2"
    assert configs.objects(tiny) == [f"{__name__}:WithoutNames"]
