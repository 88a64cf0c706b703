import json

import matplotlib
import matplotlib.axes
import PIL.Image
import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.players import Players
from tf_ttur.studies import curves, published


def run_folder(path, card, values, metric="fid_stand_in"):
    """A run folder with these {update: value} of a metric, after one second per update."""
    path.mkdir()
    config = configs.load(f"{ROOT}/configs/{card}")
    (path / "config.json").write_text(configs.to_json(config), encoding="utf-8")
    rows = [
        {"update": update, "training_seconds": update, "name": metric, "value": value}
        for update, value in values.items()
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (path / "metrics.jsonl").write_text(text, encoding="utf-8")
    return path


def test_published_curves_are_in_order():
    curves = [points for table in published.CURVES.values() for points in table.values()]
    timed = [points for table in published.TIMED_CURVES.values() for _, points in table.values()]
    for points in curves + timed:
        updates = [point[0] for point in points]
        assert updates == sorted(set(updates))
        assert all(low <= mean <= high for _, mean, low, high in points)
    assert published.CURVES["cifar10"][1e-4, 5e-4][0] == (10_000, 66.9, 56, 81)


def test_scores_are_the_ends_of_the_curves():
    """The best run is not above the curve's lowest edge, up to reading accuracy.

    The table rounds it, with the one exception of its erratum.
    """
    for (experiment, metric), scores in published.SCORES.items():
        for rates, score in scores.items():
            points = published.curve(experiment, metric, rates)
            assert bool(points) == (not experiment.startswith("began"))
            if points:
                assert score.best <= min(low for *_, low, _ in points) * 1.01
                assert score.mean[0] <= min(mean for _, mean, _, _ in points) * 1.01
            if score.table and (experiment, rates) != ("wgan_gp_lsun", (1e-4, 1e-4)):
                rounding = 0.06 if metric == "fid" else 0.006
                assert score.table == pytest.approx(score.best, abs=rounding)


def test_minutes_become_updates():
    # Best of TTUR after 80k updates at 1900 minutes (table A2); 0.35 after 98k at 1150 (table A4).
    ttur = Players(discriminator=3e-4, generator=1e-4)
    points = published.curve("wgan_gp_lsun", "fid", ttur)
    assert points[-2][0] == pytest.approx(80_000, rel=0.03)
    minutes_per_1000, _ = published.TIMED_CURVES["billion_word", "jsd_4"][ttur]
    assert 1000 * 1150 / minutes_per_1000 == pytest.approx(98_000, rel=0.01)
    assert published.curve("began_celeba", "fid", Players(6e-5, 4e-5)) == []


def test_all_rates_are_of_named_players():
    """Discriminator first; a plain pair of numbers finds the same entry."""
    tables = [*published.CURVES.values(), *published.TIMED_CURVES.values()]
    tables += published.SCORES.values()
    assert all(isinstance(rates, Players) for table in tables for rates in table)
    assert published.SCORES["celeba", "fid"][1e-5, 5e-4].best == 12.53


def test_runs_are_drawn(tmp_path):
    ttur = run_folder(tmp_path / "ttur", "cifar10.py:ttur", {0: 500.0, 10_000: 70.0})
    orig = run_folder(tmp_path / "orig", "cifar10.py:orig", {0: 500.0, 10_000: 110.0})
    run = runs.open_run(ttur)
    assert run.config.variant == "ttur"
    assert [(row["update"], row["value"]) for row in run.series["fid_stand_in"]] == [
        (0, 500.0),
        (10_000, 70.0),
    ]
    rates = curves.rates_of(run)
    assert rates.discriminator == 1e-4 and rates.generator == 5e-4
    curves.plot([ttur, orig], tmp_path / "curve.png")
    assert PIL.Image.open(tmp_path / "curve.png").size == (960, 600)
    curves.plot([ttur, orig], tmp_path / "seconds.png", "seconds")


def test_failed_evaluations_are_no_upper_end(tmp_path):
    """The original logs 500 for a distance that it cannot compute."""
    marked = {
        (name, rates, point[0])
        for name, by_rates in published.CURVES.items()
        for rates, points in by_rates.items()
        for point in points
        if published.has_failures("fid", point)
    }
    assert {(name, update) for name, _, update in marked} == {
        ("celeba", 0),
        ("celeba", 100_000),
        ("svhn", 10_000),
    }
    assert len(marked) == 6
    run = run_folder(tmp_path / "svhn", "svhn.py:ttur", {0: 400.0, 20_000: 120.0})
    drawn = []
    errorbar = matplotlib.axes.Axes.errorbar

    def keep(axes, *arguments, **settings):
        drawn.append(arguments)
        return errorbar(axes, *arguments, **settings)

    with (
        pytest.MonkeyPatch.context() as patch,
        matplotlib.rc_context({"svg.fonttype": "none"}),
    ):
        patch.setattr(matplotlib.axes.Axes, "errorbar", keep)
        curves.plot([run], tmp_path / "curve.svg")
    [(updates, mean, (below, above))] = drawn
    assert (updates[0], mean[0], below[0], above[0]) == (10_000, 297, 297 - 206, 0)
    text = (tmp_path / "curve.svg").read_text(encoding="utf-8")
    assert "they count as 500 in the mean and are left out of the range" in text
    # Where no evaluation failed, there is nothing to say.
    run = run_folder(tmp_path / "cifar10", "cifar10.py", {0: 400.0, 20_000: 60.0})
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        curves.plot([run], tmp_path / "other.svg")
    assert "500 in the mean" not in (tmp_path / "other.svg").read_text(encoding="utf-8")


def test_language_has_two_measures(tmp_path):
    run = run_folder(tmp_path / "ttur", "billion_word.py", {0: 0.9, 100: 0.7}, "jsd_4")
    with pytest.raises(UserError, match="jsd_6"):
        curves.plot([run], tmp_path / "curve.png")
    row = {"update": 0, "training_seconds": 0, "name": "jsd_6", "value": 0.99}
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    curves.plot([run], tmp_path / "curve.png")
    assert PIL.Image.open(tmp_path / "curve.png").size == (1920, 600)
    parts = [{"evaluation": {"floor": {"jsd_4": 0.2343, "jsd_6": 0.559}}}]
    (run / "environment.json").write_text(json.dumps(parts), encoding="utf-8")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        curves.plot([run], tmp_path / "curve.svg")
    for text in ("equally many real lines: 0.234", "equally many real lines: 0.559"):
        assert text in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_what_cannot_be_drawn(tmp_path):
    cifar10 = run_folder(tmp_path / "a", "cifar10.py", {0: 1.0})
    svhn = run_folder(tmp_path / "b", "svhn.py", {0: 1.0})
    with pytest.raises(UserError, match="cifar10, svhn"):
        curves.plot([cifar10, svhn], tmp_path / "curve.png")
    with pytest.raises(UserError, match="no evaluation"):
        curves.plot([run_folder(tmp_path / "c", "svhn.py", {})], tmp_path / "curve.png")
    config = configs.load("svhn", {"evaluation.every_updates": 0})
    (tmp_path / "c/config.json").write_text(configs.to_json(config), encoding="utf-8")
    with pytest.raises(UserError, match=r"is not evaluated: .*every_updates is 0"):
        curves.plot([tmp_path / "c"], tmp_path / "curve.png")
