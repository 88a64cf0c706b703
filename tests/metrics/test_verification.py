import dataclasses

import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, verification


def test_all_hold_but_the_identity_of_another_network():
    found = list(verification.checks(graph_bytes(), "small"))
    assert [check.name for check in found if not check.holds] == ["network"]
    assert len(found) > 12


def test_with_the_stand_in(shared):
    content, name = verification.read(shared / "inception")
    assert [check.name for check in verification.checks(content, name) if not check.holds] == ["network"]


def test_mistakes_are_found(monkeypatch):
    monkeypatch.setattr(inception, "resize", lambda images, size: __import__("tensorflow").image.resize(images, size))
    names = [check.name for check in verification.checks(graph_bytes(), "small") if not check.holds]
    assert any("resize [0, 10] to 4" in name for name in names) and any("TensorFlow 1 session" in name for name in names)
    monkeypatch.undo()
    monkeypatch.setattr(verification, "frechet_distance", lambda *moments: 13.0)
    names = [check.name for check in verification.checks(graph_bytes(), "small") if not check.holds]
    assert len([name for name in names if "distance" in name or "singular" in name]) == 3


def test_a_check_of_the_original_would_hold(monkeypatch):
    """With the identity of this graph as the original's, everything holds."""
    content = graph_bytes()
    network = inception.Inception(content)
    monkeypatch.setattr(inception, "ORIGINAL", (len(content), network.digest))
    monkeypatch.setitem(inception._NETWORKS, network.digest, "original")
    assert all(check.holds for check in verification.checks(content, "small"))
    assert {field.name for field in dataclasses.fields(verification.Check)} == {"name", "found", "expected", "holds"}


def test_nothing_to_verify(tmp_path):
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read()
    with pytest.raises(UserError, match="no frozen graph"):
        verification.read("hub:somewhere")
