import io
import re

import pytest
from rich.console import Console

from tf_ttur.io import console


@pytest.fixture
def log(monkeypatch):
    """What is written where there is no terminal."""
    file = io.StringIO()
    monkeypatch.setattr(console, "STDERR", Console(file=file))
    return file


def test_a_log_gets_a_line_now_and_then(log):
    with console.Status("images", 0, 10, every_seconds=0) as status:
        status.show(5, {})
        status.show(5, {})
        status.show(7, {"loss": 1.5})
    first, second = log.getvalue().splitlines()
    assert re.fullmatch(r"5 of 10: images, \S+ per second", first) and re.fullmatch(
        r"7 of 10: loss 1.500, \S+ per second", second
    )
    with console.Status("images", 0, None) as status:
        status.show(5, {})
    assert len(log.getvalue().splitlines()) == 2  # not yet a minute


def test_what_is_tracked_comes_as_it_is(log):
    batches = [[1, 2], [], [3]]
    assert list(console.track(batches, "images", 3)) == batches


def test_a_terminal_gets_a_bar_with_the_speed(monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(console, "STDERR", terminal)
    with console.bar(transient=False) as bar:
        task = bar.add_task("images", total=10)
        for _ in range(5):
            bar.advance(task, 2)
    assert re.search(r"10/10.*/s", terminal.file.getvalue())
