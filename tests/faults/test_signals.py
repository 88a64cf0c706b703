"""A training in a process of its own, ended by a signal."""

import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

SMALL = [
    "--config.data.source=digits:64",
    "--config.model.width=4",
    "--config.batch_size=8",
    "--config.updates=100000",
    "--config.evaluation.every_updates=0",
    "--config.checkpoint_every_updates=5",
    "--config.samples_every_updates=100000",
]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_leaves_with_its_own_status(tmp_path, number, status):
    line = [sys.executable, "-m", "tf_ttur.train", "--config", "configs/quickstart.py", *SMALL]
    line += ["--workdir", tmp_path / "run"]
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "run/checkpoints/ckpt-5.index").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, messages = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == status
    assert f"stopped by {number.name}; the same command resumes from here" in messages
    assert "Traceback" not in messages
    checkpoints = tmp_path.glob("run/checkpoints/ckpt-*.index")
    assert max(int(path.stem.partition("-")[2]) for path in checkpoints) >= 5
