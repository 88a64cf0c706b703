"""The last lines of a training: its values beside the published ones, and the next commands."""

import json
import shlex

from tf_ttur import commands
from tf_ttur import config as configs
from tf_ttur.runs import open_run
from tf_ttur.studies import outcome


def run_of(folder, word, name, values):
    """A run folder with these values of an evaluation, {update: value}."""
    folder.mkdir()
    config = configs.load(word)
    (folder / "config.json").write_text(configs.to_json(config), encoding="utf-8")
    rows = [
        {"update": update, "training_seconds": 0.0, "name": name, "value": value}
        for update, value in values.items()
    ]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    return open_run(folder)


def test_beside_the_published_values(tmp_path):
    run = run_of(tmp_path / "a run", "cifar10", "fid", {0: 400.0, 50_000: 41.04, 75_000: 42.5})
    lines = outcome.lines(run)
    assert lines[:2] == [
        "FID        best 41.04 after 50,000 updates, last 42.5 after 75,000 updates",
        "published  best 36.89, mean 41 [37.4, 46.7] after 75,000 updates,"
        " with these learning rates",
    ]
    following = [shlex.split(line[11:]) for line in lines[2:]]
    assert [words[:2] for words in following] == [
        ["tf-ttur", "sample"],
        ["tf-ttur", "fid"],
        ["tf-ttur", "report"],
    ]
    assert all(words[1] in commands.COMMANDS for words in following)
    assert following[0][2] == str(tmp_path / "a run" / "export")


def test_values_that_cannot_be_compared_say_so(tmp_path):
    run = run_of(tmp_path / "run", "cifar10:orig", "fid_stand_in", {0: 300.0, 10_000: 100.6})
    run.config.evaluation.num_samples = 10_000
    best = run.path / "checkpoints/best-10000"
    best.mkdir(parents=True)
    lines = outcome.lines(run)
    assert lines[0].startswith("fid_stand_in best 100.6 after 10,000")
    assert "mean 104.7 [95, 122] after 10,000 updates" in lines[1]
    assert lines[2].strip() == (
        "but by the original network, not by that of this run and from 50,000 samples, not 10,000"
    )
    assert lines[4].split() == [
        "tf-ttur",
        "export",
        str(run.path),
        "--best",
        "--output",
        str(run.path / "best"),
    ]


def test_a_run_without_a_published_value(tmp_path):
    run = run_of(tmp_path / "run", "quickstart", "frechet_pixels", {0: 10.2, 1000: None})
    assert outcome.lines(run)[0] == (
        "frechet_pixels best 10.2 after 0 updates, last 10.2 after 0 updates"
    )
    assert not any(line.startswith("published") for line in outcome.lines(run))
    (run.path / "metrics.jsonl").write_text("", encoding="utf-8")
    assert [line[:4] for line in outcome.lines(open_run(run.path))] == ["next", "    ", "    "]
