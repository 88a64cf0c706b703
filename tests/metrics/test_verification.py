import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, verification


def failing(content, name="small"):
    """The names of the checks of a graph that do not hold."""
    return [check.name for check in verification.checks(content, name) if not check.holds]


def test_all_hold_but_the_identity_of_another_network():
    checks = list(verification.checks(graph_bytes(), "small"))
    assert [check.name for check in checks if not check.holds] == ["network"]
    assert len(checks) > 12


def test_with_the_stand_in(shared):
    assert failing(*verification.read(shared / "inception")) == ["network"]


def test_a_wrong_resizing_is_found(monkeypatch):
    monkeypatch.setattr(inception, "resize", tf.image.resize)
    monkeypatch.setattr(inception.graph, "resize", tf.image.resize)
    names = failing(graph_bytes())
    assert any("resize [0, 10] to 4" in name for name in names)
    assert any("TensorFlow 1 session" in name for name in names)


def test_a_wrong_distance_is_found(monkeypatch):
    monkeypatch.setattr(verification, "frechet_distance", lambda *moments: 13.0)
    names = failing(graph_bytes())
    assert names == ["network", "distance of two normal samples, 3.46834615213474: error"]
    monkeypatch.setattr(verification, "trace_of_root", lambda a, b: 1.0001 * np.trace(a))
    assert sum("trace of the root" in name for name in failing(graph_bytes())) == 2


def test_a_graph_that_no_session_runs():
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(graph_bytes())
    definition.versions.producer = 27  # where its batch norm was no longer known
    names = failing(definition.SerializeToString(), "late")
    assert names == ["network", "a TensorFlow 1 session of the graph"]


def test_a_check_of_the_original_would_hold(monkeypatch):
    """Everything holds where the identity of this graph is taken for the original's."""
    content = graph_bytes()
    network = inception.Inception(content)
    monkeypatch.setattr(inception, "ORIGINAL", (len(content), network.digest))
    monkeypatch.setitem(inception.weights.NETWORKS, network.digest, "original")
    assert all(check.holds for check in verification.checks(content, "small"))
    columns = [field.name for field in dataclasses.fields(verification.Check)]
    assert columns == ["name", "found", "expected", "holds"]


@pytest.mark.parametrize("shift, holds", [(0.5, True), (1.5, False)])
def test_own_statistics_beside_the_official_file(tmp_path, shift, holds):
    for name, mean in (("own", 0.0), ("official", shift)):
        np.savez(tmp_path / f"{name}.npz", mu=np.array([mean, 0, 0]), sigma=np.eye(3))
    check = verification.against_official(tmp_path / "own.npz", tmp_path / "official.npz")
    assert float(check.found) == pytest.approx(shift**2) and check.holds == holds
    assert "12 to 15" in check.expected


def test_the_command_reports_the_distance_to_the_official_file(tmp_path, tool):
    (tmp_path / "small.pb").write_bytes(graph_bytes())
    for name, mean in (("own", 0.0), ("official", 4.0)):
        np.savez(tmp_path / f"{name}.npz", mu=np.array([mean, 0, 0]), sigma=np.eye(3))
    command = ("tools/verify.py", "--inception", tmp_path / "small.pb")
    files = ("--own", tmp_path / "own.npz", "--official", tmp_path / "official.npz")
    process = tool(*command, *files)
    assert process.returncode == 1
    [line] = [line for line in process.stdout.splitlines() if "official.npz" in line]
    assert line.startswith("FAIL  distance of") and ": 16  (at most 1" in line
    assert "official.npz" not in tool(*command).stdout


def test_nothing_to_verify(tmp_path):
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read()
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read("hub:somewhere")
