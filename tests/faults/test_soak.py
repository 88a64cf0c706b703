"""The short form of `tests/faults/soak.py`."""

import pytest

from tests.faults.soak import growth, soak


@pytest.mark.slow
@pytest.mark.usefixtures("offline", "one_replica")
@pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")
def test_nothing_but_the_numbers_grows(tmp_path):
    counts = soak(30, 5, tmp_path)
    assert [row["update"] for row in counts] == list(range(0, 31, 5))
    third = counts[2]
    last = counts[-1]
    for name in ("graphs", "files", "threads"):
        assert last[name] <= third[name], counts
    # TensorFlow starts and ends some of its threads by load.
    assert last["system_threads"] < third["system_threads"] + 10
    assert last["memory"] < 1.2 * third["memory"]


def test_growth_is_seen():
    first = {"memory": 700.0, "graphs": 12, "files": 8, "threads": 1, "system_threads": 17}
    assert growth([{}, first, first | {"memory": 713.9}]) == {}
    assert growth([{}, first, first | {"memory": 714.1, "files": 9}]) == {
        "memory": (700.0, 714.1),
        "files": (8, 9),
    }
