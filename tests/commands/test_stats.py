"""The commands that compute statistics, in one go and in parts."""

import json
import os
import signal

import numpy as np
import pytest

from tests.commands.processes import TINY, run, train
from tests.conftest import ROOT, assert_refused

STATS = "tools/precalc_stats.py"
MERGE = "tools/merge_stats.py"


def test_statistics_of_a_config_are_where_training_finds_them(graph, tmp_path):
    config = ["--config", ROOT / "configs/quickstart.py", *TINY, "--inception", graph]
    path = run(STATS, *config).stdout.strip()
    before = os.stat(path).st_mtime_ns
    assert train(*config, "--workdir", tmp_path / "run").returncode == 0
    assert os.stat(path).st_mtime_ns == before
    assert len(os.listdir(os.path.dirname(path))) == 1


def test_few_samples_are_a_warning(graph, tmp_path):
    process = run(STATS, "digits:12", "--output", tmp_path / "few.npz", "--inception", graph)
    assert process.returncode == 0
    assert "warning: digits:12: 12 images for 20 features" in process.stderr


@pytest.mark.slow
def test_shards_are_merged_to_the_whole(graph, tool, tmp_path):
    network = ["--inception", graph]
    shard = tmp_path / "s.npz"
    for arguments in (
        ["--output", tmp_path / "whole.npz"],
        ["--shard", "1/2", "--output", shard],
        ["--shard", "2/2", "--output", shard],
    ):
        process = run(STATS, "digits:61", *arguments, *network)
        assert process.returncode == 0, process.stderr
    first = tmp_path / "s.1-of-2.npz"
    second = tmp_path / "s.2-of-2.npz"
    process = tool(MERGE, second, first, "--output", tmp_path / "merged.npz")
    assert process.stdout.strip() == f"{tmp_path}/merged.npz: 61 images"
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "merged.npz") as merged:
        np.testing.assert_allclose(merged["sigma"], whole["sigma"], rtol=1e-10, atol=1e-14)
        assert json.loads(str(merged["provenance"])) == json.loads(str(whole["provenance"]))
    assert_refused(tool("tools/fid.py", "digits:80", first, *network), "is shard 1 of 2")
    output = ["--output", tmp_path / "x.npz"]
    assert_refused(tool(MERGE, first, *output), "shards 1 of 2")
    assert_refused(run(STATS, "digits:61", "--shard", "3/2", *output), "--shard 3/2")
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.slow
def test_statistics_go_on_after_a_kill(folder, graph, tmp_path):
    code = (
        "import os, sys, runpy\n"
        "from tf_ttur.metrics.extraction import Extraction\n"
        "Extraction.EVERY_SECONDS = 0\n"
        "keep = Extraction._keep\n"
        "def kill(self, *paths):\n"
        "    keep(self, *paths)\n"
        "    if self.moments.count > 4: os.kill(os.getpid(), 9)\n"
        "Extraction._keep = kill\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [str(ROOT / STATS), folder, "--inception", graph, "--batch-size", 3, "--output"]
    killed = tmp_path / "killed.npz"
    assert run("-c", code, *command, killed).returncode == -signal.SIGKILL
    assert not killed.exists()
    process = run(*command, killed)
    assert process.returncode == 0
    assert "going on after 6 images" in process.stderr
    assert run(*command, tmp_path / "whole.npz").returncode == 0
    assert killed.read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_flags_of_a_source_are_refused_with_an_experiment(tool, tmp_path):
    for flags in (["--precision", "bf16"], ["--batch-size", 5], ["--drop-remainder"]):
        assert_refused(tool(STATS, "--config", "svhn", *flags), f"{flags[0]} together with")
    assert_refused(tool(STATS, "digits:30", "--config", "svhn"), "together with digits:30")
    output = ["--output", tmp_path / "x.npz"]
    without = tool(STATS, "digits:30", *output, "--config.seed=1")
    assert_refused(without, "--config.KEY without --config")
