"""Run folders that version 0.1.0 wrote: read, resumed and exported.

`tests/runs/NAME` is one run of two updates for each architecture, at width 2.
`tests/runs/resumed.json` holds what the same version measured when it resumed them up to update 4.
"""

import json
import shutil

import numpy as np
import pytest

from tests.conftest import ROOT
from tf_ttur.runs import open_run
from tf_ttur.training import loop

RUNS = ROOT / "tests/runs"
NAMES = ("dcgan", "wgan_gp", "language", "began")
# Every run traces its networks; these two take the longest.
MARKED = [
    pytest.param(name, marks=pytest.mark.slow if name in ("wgan_gp", "began") else ())
    for name in NAMES
]


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """A function that copies a run, so that a test can change it."""
    monkeypatch.chdir(ROOT)  # the run on lines names its data relative to it
    return lambda name: shutil.copytree(RUNS / name, tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_read(name):
    run = open_run(RUNS / name)
    assert run.config.model.architecture == name and run.config.updates == 2
    assert run.checkpoints == [2] and run.best_checkpoint is not None
    assert {row["update"] for row in run.rows} == {0, 1, 2}
    assert len(run.environment) == 1 and run.warnings == []
    assert len(run.vocabulary) == (23 if name == "language" else 0)
    assert (run.floor("jsd_4") == pytest.approx(0.2610, abs=1e-4)) if name == "language" else True


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.filterwarnings("ignore:.*The covariance is singular")
def test_a_run_is_resumed_and_exported(name, earlier, one_replica):
    folder = earlier(name)
    config = open_run(folder).config
    config.updates = 4
    export = loop.train(config, folder)
    expected = json.loads((RUNS / "resumed.json").read_text())[name]
    found = {
        f"{row['name']} {row['update']}": row["value"]
        for row in open_run(folder).rows
        if row["update"] > 2
    }
    assert found == pytest.approx(expected, rel=1e-3)
    assert (export / "saved_model.pb").is_file()
    assert len(open_run(folder).environment) == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_command_exports_a_run(name, earlier, tool, tmp_path):
    folder = earlier(name)
    process = tool("tools/export.py", folder, "--output", tmp_path / "exported")
    assert process.returncode == 0 and "generator after 2 updates" in process.stdout
    process = tool(
        "tools/sample.py", tmp_path / "exported", "--count", 5, "--output", tmp_path / "samples"
    )
    assert process.returncode == 0 and np.size(list((tmp_path / "samples").iterdir())) == (
        1 if name == "language" else 5
    )
