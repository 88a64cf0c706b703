"""A training whose stderr goes away, or was never there: it makes all its updates."""

import contextlib
import os
import pty
import subprocess
import time

import pytest

from tests.conftest import ROOT
from tests.faults.small_training import command, newest, wait_for_checkpoint
from tf_ttur import runs

pytestmark = pytest.mark.slow

UPDATES = 400


def start(folder, stderr, *more, **options):
    line = command(folder, f"--config.updates={UPDATES}", *more)
    return subprocess.Popen(
        line, cwd=ROOT, stderr=stderr, stdout=subprocess.PIPE, text=True, **options
    )


def assert_complete(process, folder):
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert newest(folder) == UPDATES
    assert (folder / runs.EXPORT).exists() and "generator" in output


def test_a_terminal_that_is_closed(tmp_path):
    """As by the end of an ssh connection, for a process that is not of the terminal's session."""
    ours, theirs = pty.openpty()
    process = start(tmp_path / "run", theirs, start_new_session=True)
    os.close(theirs)
    try:
        end = time.monotonic() + 120
        while newest(tmp_path / "run") < 5:
            assert process.poll() is None and time.monotonic() < end
            os.read(ours, 1000)  # otherwise the terminal's buffer fills
        os.close(ours)
        assert_complete(process, tmp_path / "run")
    finally:
        process.kill()


def test_a_pipe_whose_reader_goes(tmp_path):
    process = start(tmp_path / "run", subprocess.PIPE)
    try:
        wait_for_checkpoint(process, tmp_path / "run")
        process.stderr.close()
        process.stderr = None
        assert_complete(process, tmp_path / "run")
    finally:
        process.kill()


def test_a_log_on_a_full_disk(tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = start(tmp_path / "run", full)
    with contextlib.closing(process.stdout):
        assert_complete(process, tmp_path / "run")


def test_no_stderr_at_all(tmp_path):
    line = command(tmp_path / "run", f"--config.updates={UPDATES}")
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *line], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert_complete(process, tmp_path / "run")
    # A file that took the descriptor of stderr would hold messages.
    for path in (tmp_path / "run").rglob("*"):
        if path.suffix in (".json", ".jsonl"):
            assert path.read_text(encoding="utf-8").startswith(("{", "["))


def test_a_name_that_looks_like_markup(tmp_path):
    folder = tmp_path / "sweep[lr=1e-4]" / "[/run]" / "[bold]"
    process = subprocess.run(
        command(folder, "--config.updates=2"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert f"in {folder}\n" in process.stderr  # whole, and on one line
