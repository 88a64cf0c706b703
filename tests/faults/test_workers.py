"""Two processes that train one GAN, on the loopback device."""

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
    config.distribution, config.updates = "multi_worker", {updates}
    return config
"""


@pytest.fixture
def start(tmp_path):
    """Starts both workers of a training; what still runs at the end is killed."""
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    (tmp_path / "card.py").write_text(CARD.format(updates=12))
    command = [
        sys.executable,
        "-m",
        "tf_ttur.train",
        "--config",
        tmp_path / "card.py",
        "--inception",
        tmp_path / "graph.pb",
        "--workdir",
    ]
    started = []

    def start(workdir):
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
        for each in sockets:
            each.close()
        workers = []
        for index in range(2):
            environment = os.environ | {
                "TF_CONFIG": json.dumps(
                    {"cluster": cluster, "task": {"type": "worker", "index": index}}
                ),
                "TF_TTUR_CACHE": str(tmp_path / f"cache-{index}"),
                "PYTHONPATH": str(ROOT),
                "CUDA_VISIBLE_DEVICES": "",
            }
            log = open(tmp_path / f"{workdir.name}-{index}.log", "a")  # noqa: SIM115
            workers.append(
                subprocess.Popen(
                    [*command, workdir], env=environment, stdout=log, stderr=log, cwd=tmp_path
                )
            )
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
        return "".join((tmp_path / f"{name}-{index}.log").read_text()[-3000:] for index in range(2))

    assert [worker.wait(300) for worker in start(tmp_path / "whole")] == [0, 0], log("whole")
    workers = start(tmp_path / "run")
    while not (tmp_path / "run/checkpoints/ckpt-4.index").exists():
        assert workers[0].poll() is None, log("run")
        time.sleep(0.01)
    workers[1].kill()
    assert (
        workers[0].wait(300) == 2
        and "one may be gone" in log("run")
        and "Traceback" not in log("run")
    ), log("run")
    assert [worker.wait(300) for worker in start(tmp_path / "run")] == [0, 0], log("run")
    assert "going on after update" in log("run")
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
