"""The short form of `tests/faults/disks.py`."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_a_full_disk_costs_nothing_but_time(tmp_path):
    may_mount = ["unshare", "--map-root-user", "--mount"]
    mount = ["mount", "-t", "tmpfs", "tmpfs", tmp_path]
    try:
        subprocess.run([*may_mount, *mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("on this system only root may mount file systems")
    file = tmp_path / "report.json"
    line = [sys.executable, "-m", "tests.faults.disks", "--steps", "3", "--output", file]
    subprocess.run([*may_mount, *line], check=True, cwd=ROOT)
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["different"] == []
    *failed, last = report["starts"]
    assert {start["status"] for start in failed} == {2}
    assert last["status"] == 0
    assert len(failed) > 2
    assert "Read-only" in failed[0]["error"]
