import json

import PIL.Image
import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.studies import curves
from tf_ttur.studies.published import CURVES


def run_folder(path, card, values):
    """A run folder with these {update: value} of a metric."""
    path.mkdir()
    (path / "config.json").write_text(configs.to_json(configs.load(f"{ROOT}/configs/{card}")))
    rows = [{"update": update, "training_seconds": 0, "name": "fid_stand_in", "value": value} for update, value in values.items()]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_published_curves_are_in_order():
    for experiment in CURVES.values():
        for points in experiment.values():
            updates = [point[0] for point in points]
            assert updates == sorted(set(updates))
            assert all(low <= mean <= high for _, mean, low, high in points)
    assert CURVES["cifar10"][1e-4, 5e-4][0] == (10_000, 66.9, 56, 81)


def test_read_run_and_plot(tmp_path):
    ttur = run_folder(tmp_path / "ttur", "cifar10.py:ttur", {0: 500.0, 10_000: 70.0})
    orig = run_folder(tmp_path / "orig", "cifar10.py:orig", {0: 500.0, 10_000: 110.0})
    config, series = curves.read_run(ttur)
    assert config.variant == "ttur" and series == {"fid_stand_in": [(0, 500.0), (10_000, 70.0)]}
    curves.plot([ttur, orig], tmp_path / "curve.png")
    assert PIL.Image.open(tmp_path / "curve.png").size == (960, 600)


def test_what_cannot_be_drawn(tmp_path):
    runs = [run_folder(tmp_path / "a", "cifar10.py", {0: 1.0}), run_folder(tmp_path / "b", "svhn.py", {0: 1.0})]
    with pytest.raises(UserError, match="cifar10, svhn"):
        curves.plot(runs, tmp_path / "curve.png")
    with pytest.raises(UserError, match="no evaluation"):
        curves.plot([run_folder(tmp_path / "c", "svhn.py", {})], tmp_path / "curve.png")
