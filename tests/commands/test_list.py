"""The table of experiment cards."""

import json

import pytest

from tests.conftest import ROOT

LIST = "tools/list_configs.py"


def test_rows_of_cards_as_json(tool):
    rows = json.loads(tool(LIST, "--json").stdout)
    by_name = {(row["experiment"], row["variant"], row["metric"]): row for row in rows}
    row = by_name["wgan_gp_lsun", "orig", "fid"]
    assert list(row) == [
        *("experiment", "variant", "discriminator", "generator", "discriminator_steps"),
        *("updates", "hours_per_1000_updates", "metric", "published_table", "published_best"),
        *("published_best_at", "published_end", "published_lowest_mean", "erratum"),
    ]
    assert row["discriminator"] == 1e-4
    assert row["generator"] == 1e-4
    assert row["discriminator_steps"] == 5
    assert row["updates"] == 25_009
    assert row["published_best"] == 27.22
    assert row["published_table"] == 20.5
    assert "orig 5e-4" in row["erratum"]
    assert row["published_end"] == {"mean": 30.9, "low": 27.2, "high": 34.2}
    assert row["hours_per_1000_updates"] is None
    assert by_name["billion_word", "ttur", "jsd_6"]["published_best"] == 0.7365


def test_table_of_cards(tool):
    process = tool(LIST)
    lines = process.stdout.splitlines()
    assert len({line.index("updates") for line in lines if line.startswith("experiment")}) == 1
    assert sum(line.startswith("svhn:") for line in lines) == 4
    assert any(line.startswith("  wgan_gp_lsun: the table's orig 1e-4") for line in lines)
    [line] = [line for line in lines if line.startswith("began_lsun:ttur")]
    assert "lowest mean 123.8" in line
    assert "--measure" in process.stderr


@pytest.mark.slow
def test_measured_hours_are_kept(tool, tmp_path, cache):
    card = (ROOT / "configs/cifar10.py").read_text(encoding="utf-8")
    small = "config.model.width, config.batch_size = 2, 2\n    config.updates ="
    (tmp_path / "cifar10.py").write_text(card.replace("config.updates =", small), encoding="utf-8")
    measured = tool(LIST, tmp_path, "--measure", "--json")
    hours = {row["hours_per_1000_updates"] for row in json.loads(measured.stdout)}
    assert len(hours) == 1  # as all variants have the same networks
    assert hours.pop() > 0
    assert measured.stderr.count("s per update") == 1
    assert list(cache.iterdir()) == [cache / "speed.json"]
    again = tool(LIST, tmp_path, "--json")
    assert again.stdout == measured.stdout
    assert again.stderr == ""
