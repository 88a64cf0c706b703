"""The short form of `tests/faults/disks.py`."""

import json
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_full_disk_costs_nothing_but_time(tmp_path):
    may_mount = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run(
            [*may_mount, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody but its owner mount file systems")
    line = [
        sys.executable,
        "-m",
        "tests.faults.disks",
        "--steps",
        "3",
        "--output",
        tmp_path / "report.json",
    ]
    subprocess.run([*may_mount, *line], check=True, cwd=pathlib.Path(__file__).parents[2])
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["different"] == []
    assert [start["status"] for start in report["starts"]] == [2] * (len(report["starts"]) - 1) + [
        0
    ]
    assert len(report["starts"]) > 3 and "Read-only" in report["starts"][0]["error"]
