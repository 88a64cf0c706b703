"""Processes of a study that end in every way, with small programs in place of trainings.

tests/commands/test_study.py has the same with trainings.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.studies.test_study import plan, write_run
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.studies import execution, places
from tf_ttur.studies import study as studies

# Needs three seconds to save after SIGTERM; a second SIGTERM ends it at once.
SAVES = """
import pathlib, signal, sys, time
def save(*_):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(3)
    pathlib.Path(sys.argv[-1], "saved").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
pathlib.Path(sys.argv[-1]).mkdir(parents=True)
time.sleep(600)
"""
# A study of one cell whose process is the program above, with a watchdog of one second.
STUDY = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
from tf_ttur.commands import program
from tf_ttur.studies import execution, study
from tf_ttur.studies.progress import Progress
execution.python_command = lambda words: [sys.executable, "-c", {SAVES!r}, words[-1]]
program._SECONDS_TO_END = 1
ttur = study.Setting("ttur", "ttur", {{}})
cells = study.plan(sys.argv[1], "cifar10", [ttur], [0]).cells
def main():
    with Progress(cells, 1) as progress:
        execution.train(cells, progress)
program.run(main)
"""


class Events(list):
    """A `Progress` that remembers what it was told."""

    def started(self, cell):
        self.append(f"{cell.name} started")

    def ended(self, cell, words):
        self.append(f"{cell.name}: {words}")

    def refresh(self):
        pass


def replace_training(monkeypatch, code):
    """Lets `python -c CODE FOLDER` run in place of a training."""
    monkeypatch.setattr(
        execution, "python_command", lambda words: [sys.executable, "-c", code, words[-1]]
    )


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("signals", "status", "is_saved"),
    [
        ([signal.SIGTERM], 143, True),
        ([signal.SIGHUP, signal.SIGHUP], 129, True),
        ([signal.SIGINT, signal.SIGINT], 130, False),
    ],
)
def test_a_signal_waits_until_the_trainings_have_saved(tmp_path, signals, status, is_saved):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", STUDY, str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = tmp_path / "ttur-seed0"
    end = time.monotonic() + 100
    while not folder.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    for number in signals:
        process.send_signal(number)
        time.sleep(1)
    _, messages = process.communicate(timeout=100)
    assert process.returncode == status, messages
    assert (folder / "saved").exists() == is_saved
    assert "waiting for 1 process to save" in messages
    name = signals[0].name
    if is_saved:
        assert f"stopped by {name}; the same command resumes from here" in messages


def test_another_failure_stops_the_study_with_its_last_lines(tmp_path, monkeypatch):
    replace_training(monkeypatch, "import sys; print('the disk\\n\\nis full'); sys.exit(3)")
    events = Events()
    expected = (
        r"(?s)of ttur-seed0 ended with status 3; its last lines:\n    the disk\n    is full\n"
    )
    with pytest.raises(UserError, match=expected):
        execution.train(plan(tmp_path, [0, 1]).cells, events)
    assert events == ["ttur-seed0 started", "ttur-seed0: ended with status 3"]


def test_cells_that_fail_or_are_in_use_do_not_stop_the_others(tmp_path, monkeypatch):
    crashed, held, third, done = plan(tmp_path, [0, 1]).cells
    write_run(crashed, {0: 480.0}, crash=7)
    write_run(held, {0: 480.0, 100: 90.0})
    lock = files.lock(held.folder / ".lock")
    replace_training(
        monkeypatch,
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "if folder.name == 'orig-seed0': sys.exit(2)\n"
        "(folder / 'checkpoints').mkdir(parents=True)\n"
        "(folder / 'checkpoints/ckpt-200.index').touch()\n",
    )
    events = Events()
    with lock:
        assert execution.train([crashed, held, third, done], events, jobs=3) == [held]
    assert "orig-seed0: another process is training it" in events
    assert {f"{cell.name}: done after 200 updates" for cell in (third, done)} < set(events)
    assert not any("ttur-seed0" in event for event in events)  # it has failed before


@pytest.mark.parametrize(
    ("count", "jobs", "expected"), [(1, 8, 1), (2, 8, 2), (2, 2, 2), (0, 8, 1)]
)
def test_the_machine_is_divided_among_as_many_cells_as_there_are(
    tmp_path, monkeypatch, count, jobs, expected
):
    replace_training(
        monkeypatch,
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1]) / 'checkpoints'\n"
        "folder.mkdir(parents=True)\n"
        "(folder / 'ckpt-200.index').touch()\n",
    )
    asked = []
    divide = places.divide
    monkeypatch.setattr(places, "divide", lambda number: asked.append(number) or divide(number))
    execution.train(plan(tmp_path, [0]).cells[:count], Events(), jobs=jobs)
    assert asked == [expected]


def test_cells_take_turns(tmp_path, monkeypatch):
    """Each program makes 40 updates per half second until it is stopped."""
    cells = plan(tmp_path, [0]).cells
    for cell in cells:
        write_run(cell, {0: 480.0})
        (cell.folder / "checkpoints").mkdir()
    replace_training(
        monkeypatch,
        "import json, pathlib, signal, sys, time\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "saved = [int(path.stem[5:]) for path in folder.glob('checkpoints/*')]\n"
        "number = max(saved, default=0)\n"
        "def save(*_):\n"
        "    (folder / f'checkpoints/ckpt-{number}.index').touch()\n"
        "    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "while number < 200:\n"
        "    number += 40\n"
        "    row = {'update': number, 'training_seconds': 1.0, 'name': 'loss/g', 'value': 1.0}\n"
        "    with (folder / 'metrics.jsonl').open('a') as file: print(json.dumps(row), file=file)\n"
        "    time.sleep(0.5)\n"
        "(folder / 'checkpoints/ckpt-200.index').touch()\n",
    )
    events = Events()
    execution.train(cells, events, turn=70)
    started = [event.split()[0] for event in events if event.endswith("started")]
    assert started[:3] == ["ttur-seed0", "orig-seed0", "ttur-seed0"]
    assert {f"{cell.name}: done after 200 updates" for cell in cells} < set(events)


def test_a_turn_ends_after_the_evaluation_that_is_due(tmp_path):
    settings = (studies.Setting("ttur", "ttur", {"evaluation.every_updates": 100}),)
    cell = plan(tmp_path, [0], settings).cells[0]
    write_run(cell, {0: 480.0})

    def is_over(update, name):
        row = {"update": update, "training_seconds": 1.0, "name": name, "value": 1.0}
        with (cell.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        child = execution._Child(cell, None, None, begins=0, target=100)
        return child.has_reached_target

    assert not is_over(99, "loss/generator")
    assert not is_over(100, "loss/generator")
    assert is_over(100, "fid_stand_in")
    assert is_over(101, "loss/generator")
