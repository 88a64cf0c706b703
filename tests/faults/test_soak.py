"""The short form of `tests/faults/soak.py`."""

import pytest

from tests.faults.soak import soak


@pytest.mark.slow
@pytest.mark.usefixtures("offline", "one_replica")
@pytest.mark.filterwarnings("ignore:.*features. The covariance is singular")
def test_nothing_but_the_numbers_grows(tmp_path):
    found = soak(30, 5, tmp_path)
    assert [row["update"] for row in found] == list(range(0, 31, 5))
    for what in ("graphs", "files", "threads"):
        assert found[-1][what] <= found[2][what], found
    assert found[-1]["system_threads"] < found[2]["system_threads"] + 10  # TensorFlow starts and ends some by load
    assert found[-1]["memory"] < 1.2 * found[2]["memory"]
