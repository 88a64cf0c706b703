"""The short form of `tests/faults/kills.py`; docs/reliability.md has the result of the long one."""

import pytest

from tests.faults import kills


@pytest.mark.slow
def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path):
    report = kills.campaign(3, seed=1, folder=tmp_path)
    assert report["kills"] == 3
    assert report["different"] == []


def test_a_difference_is_seen(tmp_path):
    rows = '{"update": 1, "training_seconds": 1, "name": "fid", "value": %s}\n'
    prints = []
    for name, value in (("a", 2.0), ("b", 2.0000000000000004)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text(rows % value, encoding="utf-8")
        prints.append(kills.fingerprint(tmp_path / name))
    assert prints[0] != prints[1]
