"""A few of the kills of `tests/faults/kills.py`; docs/reliability.md has the figures of many."""

import pytest

from tests.faults import kills


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_left_alone(tmp_path):
    report = kills.campaign(3, seed=1, folder=tmp_path)
    assert report["kills"] == 3 and report["different"] == []


def test_a_difference_is_seen(tmp_path):
    rows = '{"update": 1, "training_seconds": 1, "name": "fid", "value": %s}\n'
    prints = []
    for name, value in (("a", 2.0), ("b", 2.0000000000000004)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text(rows % value)
        prints.append(kills.fingerprint(tmp_path / name))
    assert prints[0] != prints[1]
