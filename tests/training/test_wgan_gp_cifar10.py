"""Run folders of version 0.1.0 of the card whose critic scored each image by itself."""

import json

import pytest

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.training import run_folder


@pytest.fixture
def earlier(tmp_path):
    """A run folder of that time: the variant ttur, and no key that was added since."""
    config = configs.load("wgan_gp_cifar10:ttur_one").to_dict()
    config["variant"] = "ttur"
    config["data"]["source"] = "tfds:cifar10/train"
    del config["data"]["jpeg_quality"]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    row = {"update": 100, "training_seconds": 1.0, "name": "loss/generator", "value": 1.0}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/ckpt-100.index").touch()
    return tmp_path


def test_it_is_resumed_under_its_new_name(earlier):
    run_folder.check(earlier, configs.load("wgan_gp_cifar10:ttur_one"))


def test_the_new_default_is_refused(earlier):
    with pytest.raises(UserError, match="samples_per_score"):
        run_folder.check(earlier, configs.load("wgan_gp_cifar10:ttur"))
