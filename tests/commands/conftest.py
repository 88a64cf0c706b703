"""A small network and a short run, which several files need."""

import pytest

from tests.commands.processes import TINY, train
from tests.metrics.mini_inception import graph_bytes


@pytest.fixture(scope="session")
def graph(tmp_path_factory):
    """The file of a network with 20 features."""
    path = tmp_path_factory.mktemp("graph") / "small.pb"
    path.write_bytes(graph_bytes())
    return path


@pytest.fixture(scope="session")
def workdir(tmp_path_factory, graph):
    """A run folder after two updates."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "workdir"
    process = train(
        *("--config", "quickstart", *TINY),
        *("--workdir", path, "--inception", graph),
        TF_TTUR_CACHE=str(folder / "cache"),
    )
    assert process.returncode == 0, process.stderr
    lines = [line.split() for line in process.stdout.splitlines()]
    assert ["metrics", f"{path}/metrics.jsonl"] in lines
    assert ["samples", f"{path}/samples"] in lines
    assert ["generator", f"{path}/export"] in lines
    return path
