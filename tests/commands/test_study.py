"""Studies as a user runs them: processes that train processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.commands.processes import TINY, run
from tests.conftest import ROOT
from tests.faults import kills
from tf_ttur.commands import study
from tf_ttur.io import files
from tf_ttur.studies import study as studies

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("heard")]

UPDATES = 60
PATIENCE = 1800  # seconds; a dozen starts of TensorFlow beside other work
FLAGS = [
    *TINY,
    f"--config.updates={UPDATES}",
    "--config.evaluation.every_updates=30",
    "--config.checkpoint_every_updates=5",
    "--config.log_every_updates=1",
]
GRID = ["study", "quickstart", "--variants", "ttur,orig", "--seeds", "0-2", "--jobs", "2"]


@pytest.fixture
def start(graph, cache):
    """A function that starts `tf-ttur WORDS` on a tiny experiment."""
    started = []

    def begin(*words):
        line = [sys.executable, "-m", "tf_ttur", *words, *FLAGS, "--inception", str(graph)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_TTUR_CACHE": str(cache)}
        process = subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()  # it stops the processes that it has started
        process.communicate(timeout=PATIENCE)


def wait_for_checkpoints(process, folder, count):
    """Waits until so many checkpoints are in a study. Returns the cells that are being trained."""
    end = time.monotonic() + PATIENCE
    while len(list(folder.glob("*/checkpoints/ckpt-*.index"))) < count:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    return [cell for cell in studies.open_study(folder).cells if cell.run.is_in_use]


def process_of(cell):
    """The number of the process that trains a cell, as its lock says."""
    text = (cell.folder / ".lock").read_text(encoding="utf-8")
    return int(re.match(r"process (\d+) on", text)[1])


def prints_of(folder):
    """{name of a cell: everything that decides its values}, except times and older checkpoints."""
    found = {}
    for cell in studies.open_study(folder).cells:
        prints = kills.fingerprint(cell.folder)
        found[cell.name] = {
            name: value
            for name, value in prints.items()
            if not name.startswith("checkpoints/ckpt-") or f"ckpt-{UPDATES}.index" in name
        }
    return found


def test_a_study_that_is_killed_and_stopped_ends_as_an_undisturbed_one(start, tmp_path):
    whole = start(*GRID, "--output", tmp_path / "whole")
    _, messages = whole.communicate(timeout=PATIENCE)
    assert whole.returncode == 0, messages
    assert messages.count(f"done after {UPDATES} updates") == 6

    words = [*GRID, "--output", tmp_path / "other", "--interleave", "25"]
    killed = start(*words)
    cells = wait_for_checkpoints(killed, tmp_path / "other", 4)
    killed.kill()
    for cell in cells:
        os.kill(process_of(cell), signal.SIGKILL)
    killed.communicate(timeout=PATIENCE)

    stopped = start(*words)
    wait_for_checkpoints(stopped, tmp_path / "other", 12)
    stopped.send_signal(signal.SIGHUP)
    _, messages = stopped.communicate(timeout=PATIENCE)
    assert stopped.returncode == 129
    assert "stopped by SIGHUP; the same command resumes from here" in messages
    assert not any(cell.run.is_in_use for cell in studies.open_study(tmp_path / "other").cells)

    resumed = start(*words)
    _, messages = resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 0, messages
    assert "its turn ends after update" in messages
    expected = prints_of(tmp_path / "whole")
    assert len(expected) == 6
    for name, prints in prints_of(tmp_path / "other").items():
        assert kills.differences(prints, expected[name]) == [], name
    numbers = [
        json.loads((tmp_path / part / "numbers.json").read_text(encoding="utf-8"))
        for part in ("whole", "other")
    ]
    for one, other in zip(*(part["settings"] for part in numbers), strict=True):
        assert one["chosen"] == other["chosen"]
        assert one["area"] == other["area"]


def test_one_cell_may_be_started_by_hand_and_the_study_adopts_it(start, tmp_path, graph, cache):
    folder = tmp_path / "study"
    words = ["study", "quickstart", "--seeds", "0", "--output", folder]
    listed = run("-m", "tf_ttur", *words, *FLAGS, "--list")
    command = listed.stdout.splitlines()[1].split()
    assert listed.stdout.startswith("1/2  ttur-seed0  new") and command[0] == "tf-ttur"
    by_hand = run("-m", "tf_ttur", *command[1:], "--inception", graph, TF_TTUR_CACHE=str(cache))
    assert by_hand.returncode == 0, by_hand.stderr
    alone = start(*words, "--cell", "2/2")
    _, messages = alone.communicate(timeout=PATIENCE)
    assert alone.returncode == 0 and "ttur-seed0" not in messages
    everything = start(*words)
    _, messages = everything.communicate(timeout=PATIENCE)
    assert everything.returncode == 0 and "training from" not in messages
    content = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    assert [entry["seeds"] for entry in content["settings"]] == [[0], [0]]
    assert content["differences_at_updates"][-1]["verdict"] == "inconclusive"


def test_a_cell_that_fails_counts_and_does_not_stop_the_search(start, tmp_path):
    folder = tmp_path / "search"
    rates = ["--rates", "1e-3,1e30", "--generator-rates", "1e-3", "--seeds", "0"]
    search = start("search", "quickstart", *rates, "--output", folder)
    _, messages = search.communicate(timeout=PATIENCE)
    assert search.returncode == 0, messages
    assert re.search(r"d1e\+30-g0.001-seed0: failed: a value was not finite in update \d", messages)
    ranking = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    assert [(row["discriminator"], row["num_failed"]) for row in ranking] == [(1e-3, 0), (1e30, 1)]
    again = start("search", "quickstart", *rates, "--output", folder)
    _, messages = again.communicate(timeout=PATIENCE)
    assert "training from" not in messages
    assert "has failed in update" in messages


def test_another_failure_stops_the_study_and_another_process_does_not(start, tmp_path):
    folder = tmp_path / "study"
    words = ["study", "quickstart", "--seeds", "0", "--output", folder]
    (folder / "ttur-seed0").mkdir(parents=True)
    held = files.lock(folder / "ttur-seed0/.lock")
    busy = start(*words)
    _, messages = busy.communicate(timeout=PATIENCE)
    held.close()
    assert busy.returncode == 0, messages
    assert "in the hands of other processes: ttur-seed0" in messages
    failing = start(*words, "--config.evaluation.reference=/nowhere.npz", "--output", folder / "b")
    _, messages = failing.communicate(timeout=PATIENCE)
    assert failing.returncode == 2
    assert "the training of ttur-seed0 ended with status 2; its last lines:" in messages
    assert "/nowhere.npz" in messages and "Traceback" not in messages


def test_a_card_without_variants_is_one_setting(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "from tf_ttur.config import default\n"
        "def get_config():\n"
        "    config = default()\n"
        "    config.name, config.variant, config.updates = 'mine', 'plain', 9\n"
        "    config.data.source = 'digits:64'\n"
        "    config.discriminator.learning_rate = config.generator.learning_rate = 1e-3\n"
        "    return config\n",
        encoding="utf-8",
    )
    study.main([str(path), "--seeds", "3", "--list", "--output", str(tmp_path / "study")])
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "1/1  plain-seed3  new"
    assert f"--config {path} " in second
