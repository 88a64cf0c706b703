"""The cells of a study: what they are, what their folders say, and their numbers."""

import json
import os
import shutil

import numpy as np
import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.io import sharing
from tf_ttur.reports.settings import open_settings
from tf_ttur.studies import places, results, search, summary
from tf_ttur.studies import study as studies

TTUR = studies.Setting("ttur", "ttur", {"updates": 200})
ORIG = studies.Setting("orig", "orig", {"updates": 200})


def plan(folder, seeds, settings=(TTUR, ORIG)):
    return studies.plan(folder, "cifar10", settings, seeds)


def write_run(cell, values, metric="fid_stand_in", seconds_per_update=1.0, crash=None, **changes):
    """A run folder with these {update: value} of a metric."""
    config = configs.load(cell.card_word, {**cell.setting.overrides, "seed": cell.seed, **changes})
    config = configs.settled(config)  # as a training writes it
    cell.folder.mkdir(parents=True)
    (cell.folder / "config.json").write_text(configs.to_json(config), encoding="utf-8")
    rows = [
        {"update": u, "training_seconds": u * seconds_per_update, "name": metric, "value": value}
        for u, value in values.items()
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (cell.folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    if crash is not None:
        report = {"update": crash, "player": "generator", "tensor": "loss", "last_checkpoint": 0}
        (cell.folder / "crash.json").write_text(json.dumps(report), encoding="utf-8")


def write_end(cell, updates):
    """Adds the last checkpoint and the export to a run folder."""
    (cell.folder / "checkpoints").mkdir()
    (cell.folder / f"checkpoints/ckpt-{updates}.index").touch()
    (cell.folder / "export").mkdir()


def test_cells_are_ordinary_commands_seed_by_seed(tmp_path):
    study = plan(tmp_path / "study", [1, 0])
    assert [cell.name for cell in study.cells] == [
        *("ttur-seed0", "orig-seed0", "ttur-seed1", "orig-seed1")
    ]
    assert study.cells[1].arguments == [
        *("train", "--config", "cifar10:orig", "--config.seed=0", "--config.updates=200"),
        *("--workdir", str(tmp_path / "study/orig-seed0")),
    ]
    assert not (tmp_path / "study").exists()


def test_seeds_and_settings_are_added(tmp_path):
    studies.record(plan(tmp_path, [0, 1], [TTUR]))
    merged = studies.record(plan(tmp_path, [1, 2], [ORIG, TTUR]))
    assert merged.seeds == {"ttur": (0, 1, 2), "orig": (1, 2)}
    assert studies.open_study(tmp_path) == merged
    assert [cell.name for cell in merged.cells][:2] == ["ttur-seed0", "ttur-seed1"]


def test_a_folder_with_the_same_values_is_adopted(tmp_path):
    cell = plan(tmp_path, [0]).cells[0]
    write_run(cell, {0: 400.0, 100: 90.0})
    assert plan(tmp_path, [0]).cells[0].state == "begun"
    # More updates are no other run with constant rates.
    longer = studies.Setting("ttur", "ttur", {"updates": 500})
    assert plan(tmp_path, [0], [longer]).cells[0].state == "begun"


@pytest.mark.parametrize("key, value", [("batch_size", 32), ("evaluation.num_samples", 5000)])
def test_a_folder_with_other_values_is_refused(tmp_path, key, value):
    write_run(plan(tmp_path, [0]).cells[1], {0: 400.0, 100: 90.0}, **{key: value})
    with pytest.raises(UserError, match=rf"orig-seed0 holds a run with other values:\n +{key}"):
        plan(tmp_path, [0])


def test_values_of_earlier_seeds_are_compared_too(tmp_path):
    study = studies.record(plan(tmp_path, [0], [TTUR]))
    write_run(study.cells[0], {0: 400.0, 100: 90.0})
    other = studies.Setting("ttur", "ttur", {"updates": 200, "batch_size": 32})
    with pytest.raises(UserError, match="ttur-seed0 holds a run with other values"):
        plan(tmp_path, [1], [other])


def test_states(tmp_path):
    study = plan(tmp_path, [0, 1])
    done, failed, begun, new = study.cells
    write_run(done, {200: 90.0})
    write_end(done, 200)
    write_run(failed, {0: 400.0}, crash=3)
    write_run(begun, {0: 400.0, 100: 90.0})
    assert [cell.state for cell in study.cells] == ["done", "failed", "begun", "new"]
    # A first try with other rates gives way to this one.
    write_run(new, {0: 400.0}, crash=3, **{"generator.learning_rate": 1.0})
    assert new.state == "new"


def test_numbers_of_a_study(tmp_path):
    study = studies.record(plan(tmp_path, [0, 1, 2]))
    for cell in study.cells:
        is_ttur = cell.setting.name == "ttur"
        level = (66.0 if is_ttur else 104.0) + cell.seed
        values = {0: 480.0, 100: level + 40, 200: level}
        write_run(cell, values, seconds_per_update=2.0 if is_ttur else 1.0)
    found = results.of_study(study)
    ttur, orig = found.settings
    assert (ttur.chosen.updates, ttur.chosen.mean, ttur.best.value) == (200, 67, 66)
    assert (orig.share_failed, orig.published.best) == (0, 37.66)
    at_updates, at_seconds = found.pairs()[0]
    assert (at_updates.position, at_updates.estimate, at_updates.verdict) == (200, -38, "lower")
    # After 200 seconds the first has made 100 updates.
    assert (at_seconds.position, at_seconds.estimate) == (200, 2)
    assert at_seconds.verdict == "higher"
    assert "200 of the card's 120,000 updates" in ttur.caveats
    assert any("fid_stand_in" in caveat for caveat in ttur.caveats)
    assert "3 runs; the published values are of 8" in ttur.caveats
    results.write(found, tmp_path / "numbers.json")
    content = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert content["settings"][0]["band"]["mean"] == [480.0, 107.0, 67.0]
    assert "ttur - orig at 200 updates: -38 [-38, -38]: ttur is lower" in summary.describe(found)


def test_runs_that_are_ahead_are_not_compared_with_each_other(tmp_path):
    """They have other seeds."""
    study = studies.record(plan(tmp_path, [0, 1, 2]))
    for cell in study.cells:
        is_ttur = cell.setting.name == "ttur"
        values = {0: 480.0, 100: (90.0 if is_ttur else 100.0) + 20 * cell.seed}
        if (cell.setting.name, cell.seed) in (("ttur", 1), ("orig", 2)):
            values[200] = 50.0 + cell.seed
        write_run(cell, values)
    for difference in results.of_study(study).pairs()[0]:
        assert difference.position == 100
        assert (difference.seeds, difference.estimate) == ([0, 1, 2], -10)


@pytest.mark.parametrize("name, is_published", [("cifar10", True), ("mine", False)])
def test_the_number_of_published_runs_is_said_where_there_are_any(name, is_published, tmp_path):
    shutil.copytree(ROOT / "tests" / "runs" / "dcgan", tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"cifar10"', f'"{name}"'))
    entries = results.of_runs([tmp_path / "run"]).settings
    caveats = [caveat for entry in entries for caveat in entry.caveats]
    assert entries and any("published values are of" in one for one in caveats) == is_published


def test_failed_runs_are_counted(tmp_path):
    study = plan(tmp_path, [0, 1], [TTUR])
    write_run(study.cells[0], {0: 480.0, 100: 90.0, 200: None})
    write_run(study.cells[1], {0: 500.0}, crash=17)
    entry = results.of_study(studies.record(study)).settings[0]
    assert entry.share_failed == 0.5
    assert (entry.failed[0].seed, entry.failed[0].updates) == (1, 17)
    assert entry.band.num_failed.tolist() == [0, 0, 1]
    assert entry.chosen.updates == 100


def test_values_that_were_measured_differently_are_not_compared(tmp_path):
    study = plan(tmp_path, [0, 1])
    for cell in study.cells:
        samples = 5000 if cell.setting.name == "ttur" else 6000
        write_run(cell, {0: 480.0, 100: 90.0}, **{"evaluation.num_samples": samples})
    found = results.of_groups(
        {s.name: [cell.run for cell in study.cells_of(s)] for s in study.settings}
    )
    assert found.differences_at_updates == []
    assert "evaluation.num_samples: 5000 -> 6000" in found.not_compared[0]


def test_a_mean_that_not_all_runs_are_in_says_so(tmp_path):
    study = studies.record(plan(tmp_path, [0, 1, 2]))
    for cell in study.cells:
        values = {0: 480.0, 100: 90.0, 200: 60.0}
        if cell.setting.name == "ttur":
            write_run(cell, values if cell.seed else {0: 480.0, 100: 95.0}, crash=1 - cell.seed)
        else:
            write_run(cell, values if cell.seed else {0: 480.0})
    found = results.of_study(study)
    assert [entry.chosen.num_values for entry in found.settings] == [2, 2]
    lines = summary.describe(found).splitlines()
    assert all("60 [60, 60] (2 of 3 runs)" in line for line in lines[1:3])
    assert "(2 of 3 runs)" in summary.describe_ranking(search.rank(found))


def test_an_area_is_that_of_the_runs_that_did_not_fail(tmp_path):
    study = studies.record(plan(tmp_path, [0, 1], [TTUR]))
    write_run(study.cells[0], {0: 480.0, 50: 90.0, 100: 80.0, 200: 60.0})
    write_run(study.cells[1], {0: 480.0, 50: 990.0, 100: 980.0}, crash=117)
    area = results.of_study(study).settings[0].area
    assert (area.first, area.last, area.mean) == (50, 200, 75)
    assert area.by_seed == {0: 75}


def record_of(cell, **changes):
    """Writes what a training has recorded of its data, network and reference."""
    digests = {"data": "d", "network": "n", "reference": "r"} | changes
    part = {
        "data": {"num_examples": 9, "fingerprint": digests["data"]},
        "evaluation": {
            "network_sha1": digests["network"],
            "reference": {"images_digest": digests["reference"]},
        },
    }
    (cell.folder / "environment.json").write_text(json.dumps([part]), encoding="utf-8")


@pytest.mark.parametrize("what", ["data", "network", "reference"])
def test_runs_of_other_content_are_no_runs_of_a_setting(what, tmp_path):
    study = studies.record(plan(tmp_path, [0, 1, 2], [TTUR]))
    for cell in study.cells:
        write_run(cell, {0: 480.0, 100: 90.0 + cell.seed})
        if cell.seed:  # what a run has not recorded, counts as the same
            record_of(cell, **({what: "another"} if cell.seed == 2 else {}))
    one, other = results.of_study(study).settings
    assert (one.name, one.seeds, one.chosen.mean) == ("ttur", [0, 1], 90.5)
    assert (other.name, other.seeds, other.chosen.mean) == (f"ttur (other {what})", [2], 92)
    opened = open_settings([tmp_path])
    assert [(one.label, one.seeds) for one in opened] == [(one.name, [0, 1]), (other.name, [2])]


@pytest.mark.parametrize("what", ["data", "network", "reference"])
def test_values_by_other_means_are_not_compared(what, tmp_path):
    """Those of other data are, if they have the same reference."""
    study = studies.record(plan(tmp_path, [0, 1]))
    for cell in study.cells:
        write_run(cell, {0: 480.0, 100: 90.0})
        record_of(cell, **({what: "another"} if cell.setting.name == "orig" else {}))
    found = results.of_study(study)
    assert bool(found.differences_at_updates) == (what == "data")
    expected = [f"ttur and orig: measured with another {what}"]
    assert found.not_compared == ([] if what == "data" else expected)


def test_each_experiment_has_its_differences(tmp_path):
    cells = [
        cell
        for card in ("cifar10", "svhn")
        for cell in studies.plan(tmp_path / card, card, [TTUR, ORIG], [0, 1]).cells
    ]
    for cell in cells:
        write_run(cell, {0: 480.0, 100: 90.0})
    found = results.of_runs([cell.folder for cell in cells])
    pairs = [(one.first, one.second) for one, _ in found.pairs()]
    assert pairs == [("cifar10:ttur", "cifar10:orig"), ("svhn:ttur", "svhn:orig")]
    assert found.not_compared == []


def test_any_runs_are_grouped_by_what_they_share(tmp_path):
    study = plan(tmp_path, [0, 1])
    for cell in study.cells:
        write_run(cell, {0: 480.0, 100: 90.0})
    found = results.of_runs([cell.folder for cell in study.cells])
    assert [(entry.name, entry.seeds) for entry in found.settings] == [
        ("cifar10:ttur", [0, 1]),
        ("cifar10:orig", [0, 1]),
    ]
    assert len(results.of_runs([study.cells[0].folder]).settings) == 1


def test_numbers_of_lines():
    found = results.of_runs([ROOT / "tests/runs/language"])
    assert [entry.metric for entry in found.settings] == ["jsd_4", "jsd_6"]
    assert found.settings[1].published.table == 0.74


def test_pairs_of_rates_are_ranked(tmp_path):
    settings = search.settings("", {"updates": 200}, [1e-5, 5e-4], [1e-4, 5e-4])
    study = plan(tmp_path, [0, 1], settings)
    assert study.cells[0].name == "d1e-05-g0.0001-seed0"
    for cell in study.cells:
        rates = cell.config.discriminator.learning_rate, cell.config.generator.learning_rate
        write_run(cell, {0: 480.0, 200: 50.0 + abs(np.log10(rates[0] / rates[1])) + cell.seed})
    ranking = search.rank(results.of_study(studies.record(study)))
    best = ranking[0]
    assert (best["discriminator"], best["generator"], best["mean"]) == (5e-4, 5e-4, 50.5)
    means = [row["mean"] for row in ranking]
    assert means == sorted(means) and len(means) == 4
    assert summary.describe_ranking(ranking).splitlines()[1].startswith("0.0005")


def test_cores_and_gpus_are_divided(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 6")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    three = places.divide(3)
    assert [place.environment["CUDA_VISIBLE_DEVICES"] for place in three] == ["4", "6", "4"]
    assert sorted(core for place in three for core in place.cores) == list(range(8))
    assert all(place.environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" for place in three)
    assert all(place.environment[sharing.PROCESSES_PER_GPU] == "2" for place in three)
    assert all(sharing.PROCESSES_PER_GPU not in place.environment for place in places.divide(2))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert [len(place.cores) for place in places.divide(20)] == [1] * 20
    assert places.divide(1) == [places.Place(None, {})]


def test_a_process_gets_its_cores(tmp_path):
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("cores are chosen on Linux alone")
    before = os.sched_getaffinity(0)
    core = min(before)
    with places.limited_to(frozenset({core})):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before
