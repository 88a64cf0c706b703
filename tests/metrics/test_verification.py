import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, verification


def test_all_hold_but_the_identity_of_another_network():
    found = list(verification.checks(graph_bytes(), "small"))
    assert [check.name for check in found if not check.holds] == ["network"]
    assert len(found) > 12


def test_with_the_stand_in(shared):
    content, name = verification.read(shared / "inception")
    assert [check.name for check in verification.checks(content, name) if not check.holds] == [
        "network"
    ]


def test_mistakes_are_found(monkeypatch):
    monkeypatch.setattr(inception, "resize", tf.image.resize)
    names = [check.name for check in verification.checks(graph_bytes(), "small") if not check.holds]
    assert any("resize [0, 10] to 4" in name for name in names) and any(
        "TensorFlow 1 session" in name for name in names
    )
    monkeypatch.undo()
    monkeypatch.setattr(verification, "frechet_distance", lambda *moments: 13.0)
    names = [check.name for check in verification.checks(graph_bytes(), "small") if not check.holds]
    assert names == ["network", "distance of two normal samples, 3.46834615213474: error"]
    monkeypatch.setattr(verification, "trace_of_root", lambda a, b: 1.0001 * np.trace(a))
    assert (
        sum(
            "trace of the root" in check.name
            for check in verification.checks(graph_bytes(), "small")
            if not check.holds
        )
        == 2
    )


def test_a_graph_that_no_session_runs():
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(graph_bytes())
    definition.versions.producer = 27  # where its batch norm was no longer known
    names = [
        check.name
        for check in verification.checks(definition.SerializeToString(), "late")
        if not check.holds
    ]
    assert names == ["network", "a TensorFlow 1 session of the graph"]


def test_a_check_of_the_original_would_hold(monkeypatch):
    """With the identity of this graph as the original's, everything holds."""
    content = graph_bytes()
    network = inception.Inception(content)
    monkeypatch.setattr(inception, "ORIGINAL", (len(content), network.digest))
    monkeypatch.setitem(inception._NETWORKS, network.digest, "original")
    assert all(check.holds for check in verification.checks(content, "small"))
    assert {field.name for field in dataclasses.fields(verification.Check)} == {
        "name",
        "found",
        "expected",
        "holds",
    }


def test_nothing_to_verify(tmp_path):
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read()
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read("hub:somewhere")
