"""The measured speeds of a machine."""

import pytest

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.training import speed, speeds


def test_speeds_are_measured_once_per_kind_of_update_and_read_again(monkeypatch, capsys):
    measured = []

    def seconds_per_update(config):
        measured.append(f"{config.name}:{config.variant}")
        return 0.5

    monkeypatch.setattr(speed, "seconds_per_update", seconds_per_update)
    assert speeds.read() == {}
    names = ("svhn", "svhn:orig", "cifar10", "celeba", "wgan_gp_lsun", "wgan_gp_lsun:orig")
    cards = [configs.load(name) for name in names]
    seconds = {}
    speeds.measure(cards, seconds)
    # Rates and data cost nothing; size, architecture and critic steps do.
    assert [name.partition(":")[0] for name in measured] == [
        *("cifar10", "celeba", "wgan_gp_lsun", "wgan_gp_lsun"),
    ]
    assert capsys.readouterr().err.count(": 0.50 s per update") == 4
    assert speeds.read() == seconds == {speeds.key(card): 0.5 for card in cards}


def test_another_machine_has_another_key(monkeypatch):
    here = speeds.key(configs.load("svhn"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "17")
    assert speeds.key(configs.load("svhn")) != here


def test_a_damaged_file_is_refused(cache):
    (cache / "speed.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"speed\.json cannot be read"):
        speeds.read()
