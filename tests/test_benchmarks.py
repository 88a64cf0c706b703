"""That the benchmarks run, on a small graph; no test decides how fast anything is."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.metrics.mini_inception import graph_bytes
from tf_ttur.metrics import inception


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
    text = fid.table({fid.EXACT: [30, 10, 50], fid.TORCH: [10, 20, 10]})
    assert "30.0   10.0 to 50.0" in text
    assert "3.00 times torch-fidelity" in text


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
