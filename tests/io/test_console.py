import contextlib
import errno
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time

import pytest
from rich.console import Console

from tests.conftest import ROOT
from tf_ttur.io import console


@pytest.fixture
def log(monkeypatch):
    """What is written where there is no terminal."""
    file = io.StringIO()
    monkeypatch.setattr(console, "STDERR", Console(file=file))
    return file


def test_a_log_gets_a_line_now_and_then(log):
    with console.Status("images", 0, 1000, every_seconds=0) as status:
        time.sleep(0.01)
        status.show(500)
        status.show(500)
        time.sleep(0.01)
        status.show(700, "loss 1.500")
    first, second = log.getvalue().splitlines()
    assert re.fullmatch(r"500 of 1,000, \S+/s, 0:00:0\d left: images", first)
    assert re.fullmatch(r"700 of 1,000, \S+/s, 0:00:0\d left: loss 1.500", second)
    with console.Status("images", 0, None) as status:
        status.show(5)
    assert len(log.getvalue().splitlines()) == 2  # not yet a minute


PROGRAM = """
import time
from tf_ttur.io import console

with console.Status("updates", 10_000, 45_000, every_seconds=0.1) as status:
    for number in (10_001, 10_002):
        time.sleep(0.2)
        status.show(number, "D 0.562  G 2.281  acc 95 %  FID 56.6 @ 10,000")
        time.sleep(0.2)
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_count_speed_and_time_left_first(columns):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # at the end of the process
        while block := os.read(ours, 10_000):
            written += block
    os.close(ours)
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    lines = [line for line in re.split(r"[\r\n]+", plain) if "10,002" in line]
    assert lines
    for line in lines:
        assert len(line) <= columns
        bar, shown = re.fullmatch(r"(\W*)(10,002/45,000 .*?)\s*", line).groups()
        assert len(bar) == (21 if columns == 120 else 0)
        assert re.match(
            r"10,002/45,000 \S+/s \d+:\d\d:\d\d left  D 0.562  G 2.281  acc 95 %", shown
        )
        assert "FID 56.6 @ " in shown


def test_a_duration():
    assert console._duration(65.4) == "0:01:05"
    assert console._duration(100_000) == "27:46:40"
    assert console._duration(200_000) == "2.3 days"


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


class Broken(io.StringIO):
    """A stderr that refuses everything, and counts the attempts."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.attempts = 0

    def write(self, text):
        self.attempts += 1
        raise self.error

    def flush(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (BrokenPipeError(errno.EPIPE, "reader gone"), 1),
        (OSError(errno.EIO, "terminal gone"), 1),
        (ValueError("I/O operation on closed file"), 1),
        (OSError(errno.ENOSPC, "disk full"), 3),  # which may have room later
    ],
)
def test_a_stderr_that_is_gone_ends_nothing(monkeypatch, error, attempts):
    broken = Broken(error)
    monkeypatch.setattr(sys, "stderr", broken)
    for _ in range(3):
        console.say("hello")
    with console.Status("images", 0, 10, every_seconds=0) as status:
        monkeypatch.setattr(broken, "attempts", broken.attempts)
        count = broken.attempts
        status.show(5)
    console.flush()
    console.finish()
    assert count == attempts


def test_another_stderr_after_a_broken_one_is_written(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Broken(BrokenPipeError(errno.EPIPE, "reader gone")))
        console.say("lost")
    console.say("heard")
    assert capsys.readouterr().err == "heard\n"


def test_no_stderr_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    console.say("hello")
    with console.Status("images", 0, 10, every_seconds=0) as status:
        status.show(5)
    assert list(console.track([[1]], "images", 1)) == [[1]]


STRANGE = "sweep[lr=1e-4]/[/run] [bold]x[/] :smile: \t" + "long " * 60 + "end"


def test_a_message_is_written_as_it_is(capsys):
    console.say(STRANGE)
    assert capsys.readouterr().err == STRANGE + "\n"


def test_a_message_on_a_terminal_keeps_its_brackets(monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console, "STDERR", terminal)
    console.say("sweep[lr=1e-4]/[/run] [bold]x[/] :smile:")
    with console.Status("[/images] [bold]", 0, 10) as status:
        status.show(5)
        status._display.refresh()
    assert "sweep[lr=1e-4]/[/run] [bold]x[/] :smile:" in terminal.file.getvalue()
    assert "[/images] [bold]" in terminal.file.getvalue()


def test_letters_that_the_locale_lacks_are_escaped(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, "ascii"))
    console.say("é")
    assert written.getvalue() == b"\\xe9\n"


def test_a_bar_survives_the_end_of_its_terminal(monkeypatch):
    """The thread of `rich` that draws it too."""
    ended = []
    ours, theirs = pty.openpty()
    # What is buffered cannot be written at the end either.
    with contextlib.suppress(OSError), open(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with console.Status("images", 0, 10) as status:
            status.show(1)
            os.read(ours, 10)
            os.close(ours)
            start = time.monotonic()
            for done in range(2, 8):
                status.show(done)
                time.sleep(0.1)
            console.say("hello")
            assert status._display.live._refresh_thread.is_alive()
        ended.append(time.monotonic() - start)
    assert ended[0] < 5


def test_the_end_of_the_process_is_silent(monkeypatch):
    """Python closes the stream when the modules' names are gone; from 3.13 on it shows errors."""
    stream = console._Stderr()
    monkeypatch.setattr(console, "sys", None)
    stream.close()
