"""That the benchmarks run, on a small graph; no test decides how fast anything is."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import config as configs
from tf_ttur.metrics import inception
from tf_ttur.training.state import State


@pytest.fixture(autouse=True)
def path(monkeypatch):
    """Makes the modules beside the script importable, as they are for the script itself."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_speed_of_the_fid(tool, tmp_path, monkeypatch):
    (tmp_path / "small.pb").write_bytes(graph_bytes())
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    network = ["--inception", tmp_path / "small.pb"]
    process = tool("benchmarks/fid.py", "--images", 7, "--batch-size", 3, *network)
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    rows = [line for line in lines if " to " in line and "highest" not in line]
    assert [line.partition(",")[0] for line in rows] == [
        "network",
        "32x32 PNG files to statistics",
        "256x256 JPEG files to statistics",
        "network",
    ]
    assert sum("(target: 0.95)" in line for line in lines) == 2
    assert lines[-1].endswith("pip install -e .[benchmark]")


def test_rows_get_every_image_and_the_medians_are_reported():
    import comparison
    import fid

    seen = {fid.EXACT: 0, fid.TORCH: 0}

    def row(name):
        def run(images):
            seen[name] += len(images)

        return run

    images = np.zeros((7, 4, 4, 3), np.uint8)
    rates = fid.measure({name: row(name) for name in seen}, images, 3, rounds=2)
    assert set(seen.values()) == {4 + 2 * 7}
    assert all(len(values) == 2 for values in rates.values())
    rates = {fid.EXACT: [30, 10, 50], fid.TORCH: [10, 20, 10]}
    peaks = {"float32": 6e11, "bfloat16": 1e12}
    text = comparison.table(rates, "images/s", fid.TARGETS, 1e10, peaks)
    assert "30   10 to 50" in text
    assert "300   50%" in text
    assert "3.00 times torch-fidelity" in text


@pytest.mark.slow
def test_the_update_beside_that_of_pytorch(tool, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    small = ["--config.model.width=2", "--config.batch_size=4"]
    process = tool("benchmarks/train.py", "--config=cifar10:ttur", *small, "--updates=1")
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert sum(line.startswith("tf_ttur, ") and "%" in line for line in lines) == 2
    assert "GFLOP/s in bfloat16" in process.stdout
    assert lines[-1].endswith("pip install -e .[benchmark]")


def test_pytorch_begins_with_the_same_losses():
    pytest.importorskip("torch")
    import train

    config = configs.load("cifar10:ttur")
    config.model.width = 4
    random = np.random.default_rng(0)
    real = random.uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
    latents = random.uniform(-1, 1, (8, 100)).astype(np.float32)
    assert train.check_losses(State(config), config, real, latents) < 1e-5


def test_the_operations_of_an_update():
    import train

    # 57 GFLOP of a DCGAN update at 32x32 with batch 64, counted by hand.
    assert train.operations_of_update(configs.load("cifar10:ttur")) == pytest.approx(57e9, rel=0.01)


def structure(content):
    """What is computed, without the weights: kinds of operation, inputs, shapes of constants,
    windows and strides.
    """
    nodes = tf.compat.v1.GraphDef.FromString(content).node
    shapes = {
        node.name: tf.TensorShape(node.attr["value"].tensor.tensor_shape)
        for node in nodes
        if node.op == "Const"
    }
    kinds = ("Conv2D", "MaxPool", "AvgPool", "Concat", "MatMul", "ResizeBilinear")
    windows = {
        node.name: [str(node.attr[key]) for key in ("ksize", "strides", "padding")]
        for node in nodes
    }
    return {
        node.name: (node.op, [(i, shapes.get(i)) for i in node.input], windows[node.name])
        for node in nodes
        if node.op in kinds
    }


def test_the_random_network_is_built_as_that_of_2015(shared):
    import random_inception

    original = (shared / "inception" / inception.GRAPH_FILE).read_bytes()
    assert structure(random_inception.graph_bytes()) == structure(original)


def test_the_random_network_runs():
    import random_inception

    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    pool_3, logits = inception.Inception(random_inception.graph_bytes())(images)
    assert pool_3.shape == (2, 2048)
    assert logits.shape == (2, 1008)
    assert 0.1 < np.std(pool_3) < 10
