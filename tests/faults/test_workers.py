"""Two processes that train one GAN together, over the loopback device."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.faults import kills
from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.training import devices

CARD = """
from tests.faults import kills

def get_config(variant="tiny"):
    config = kills.small_config()
    config.distribution = "multi_worker"
    config.updates = {updates}
    return config
"""


@pytest.fixture
def start(tmp_path):
    """A function that starts both workers of a training; those that still run at the end of the
    test are killed.
    """
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    (tmp_path / "card.py").write_text(CARD.format(updates=12), encoding="utf-8")
    command = [sys.executable, "-m", "tf_ttur.train", "--config", tmp_path / "card.py"]
    command += ["--inception", tmp_path / "graph.pb", "--workdir"]
    started = []

    def start(workdir):
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        cluster = {"worker": [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]}
        for server in servers:
            server.close()
        workers = []
        for index in range(2):
            task = {"type": "worker", "index": index}
            environment = os.environ | {
                "TF_CONFIG": json.dumps({"cluster": cluster, "task": task}),
                "TF_TTUR_CACHE": str(tmp_path / f"cache-{index}"),
                "PYTHONPATH": str(ROOT),
                "CUDA_VISIBLE_DEVICES": "",
            }
            with open(tmp_path / f"{workdir.name}-{index}.log", "a", encoding="utf-8") as log:
                process = subprocess.Popen(
                    [*command, workdir], env=environment, stdout=log, stderr=log, cwd=tmp_path
                )
            workers.append(process)
        started.extend(workers)
        return workers

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_lost_worker_costs_nothing_but_time(start, tmp_path):
    def log(name):
        logs = (tmp_path / f"{name}-{index}.log" for index in range(2))
        return "".join(path.read_text(encoding="utf-8")[-3000:] for path in logs)

    assert [worker.wait(300) for worker in start(tmp_path / "whole")] == [0, 0], log("whole")
    workers = start(tmp_path / "run")
    while not (tmp_path / "run/checkpoints/ckpt-4.index").exists():
        assert workers[0].poll() is None, log("run")
        time.sleep(0.01)
    workers[1].kill()
    assert workers[0].wait(300) == 2, log("run")
    assert "one may be gone" in log("run"), log("run")
    assert "Traceback" not in log("run"), log("run")
    assert [worker.wait(300) for worker in start(tmp_path / "run")] == [0, 0], log("run")
    assert "resuming after update" in log("run")
    assert kills.fingerprint(tmp_path / "run") == kills.fingerprint(tmp_path / "whole")
    assert workers[1].wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "[]"],
)
def test_wrong_tf_config(content, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(UserError, match="with TF_CONFIG = "):
        devices.multi_worker_strategy()
