"""The cache: what one process makes there while others wait for it."""

import contextlib
import subprocess
import sys
import threading
import time
from concurrent import futures

import pytest

from tests.conftest import ROOT
from tf_ttur.errors import UserError
from tf_ttur.io import cache, files

# Makes `made` in a folder, when `go` is there, and notes in `notes` that it began.
MAKER = """
import pathlib, sys, time
from tf_ttur.io import cache, files
target = pathlib.Path(sys.argv[1], "made")
def make():
    with open(target.with_name("notes"), "a") as notes:
        notes.write(sys.argv[2])
    while not target.with_name("go").exists():
        time.sleep(0.02)
    with files.atomic(target, "w") as file:
        file.write(sys.argv[2])
cache.once(target, make)
print(target.read_text())
"""


@pytest.fixture
def begin(tmp_path):
    """A function that starts a process that needs `made`, and what it would write there.

    It returns when the process, or one before it, has begun to make it.
    """
    started = []

    def start(letter):
        command = [sys.executable, "-c", MAKER, str(tmp_path), letter]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        while not (tmp_path / "notes").exists():
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_one_process_makes_it_and_the_others_wait(tmp_path, begin):
    first, second = begin("a"), begin("b")
    assert f"waiting for process {first.pid} on " in second.stderr.readline()
    (tmp_path / "go").touch()
    output, more = second.communicate(timeout=60)
    assert output == "a\n"
    assert "waiting" not in more
    assert first.communicate(timeout=60) == ("a\n", "")
    assert (tmp_path / "notes").read_text(encoding="utf-8") == "a"
    assert not list(tmp_path.glob(".*.lock"))


def test_the_next_one_makes_it_where_a_process_is_killed(tmp_path, begin):
    first, second = begin("a"), begin("b")
    assert "waiting" in second.stderr.readline()
    first.kill()
    (tmp_path / "go").touch()
    assert second.communicate(timeout=60)[0] == "b\n"
    assert (tmp_path / "notes").read_text(encoding="utf-8") == "ab"


def test_a_lock_that_its_holder_has_removed_is_none(tmp_path, monkeypatch):
    real, taken = files.lock, []

    def lock(path, **options):
        """Opens the file of the holder before, and gets the lock when that one has removed it."""
        taken.append(real(path, **options))
        if len(taken) == 1:
            path.unlink()
        return taken[-1]

    monkeypatch.setattr(files, "lock", lock)
    cache.once(tmp_path / "made", (tmp_path / "made").touch)
    assert len(taken) == 2
    assert all(file.closed for file in taken)


def test_never_two_at_a_time(tmp_path):
    inside, made = threading.Lock(), []

    def make():
        assert inside.acquire(blocking=False)
        time.sleep(0.01)
        inside.release()
        made.append(1)
        if len(made) < 4:
            raise KeyError  # without having made it
        (tmp_path / "made").touch()

    def need():
        try:
            cache.once(tmp_path / "made", make)
        except KeyError:
            return False
        return True

    with futures.ThreadPoolExecutor(8) as pool:
        succeeded = list(pool.map(lambda _: need(), range(8)))
    assert len(made) == 4
    assert succeeded.count(False) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_is_damaged_is_set_aside_once(tmp_path, capsys):
    path = tmp_path / "made"
    path.write_text("damaged", encoding="utf-8")

    def load():
        with contextlib.suppress(FileNotFoundError):  # another one has set it aside
            if path.read_text(encoding="utf-8") == "whole":
                return "content"
        raise UserError(f"{path} is damaged", "a whole one", "make it anew")

    def make():
        time.sleep(0.05)
        with files.atomic(path, "w") as file:
            file.write("whole")
        return "content"

    with futures.ThreadPoolExecutor(4) as pool:
        contents = list(pool.map(lambda _: cache.read(path, load, make), range(4)))
    assert contents == ["content"] * 4
    assert (tmp_path / "made.damaged").read_text(encoding="utf-8") == "damaged"
    assert capsys.readouterr().err.count("set aside as") == 1


def test_the_lock_of_another_user_is_waited_for(tmp_path, monkeypatch):
    """It can be read, and not be written."""

    def opened(path, mode="r", **options):
        if mode != "r":
            raise PermissionError(path)
        return open(path, mode, **options)

    (tmp_path / ".made.lock").write_text("process 7 on a-host", encoding="utf-8")
    monkeypatch.setattr(files, "open", opened, raising=False)
    with pytest.raises(PermissionError):
        files.lock(tmp_path / ".made.lock")
    with files.lock(tmp_path / ".made.lock", of_any_user=True), pytest.raises(UserError, match="7"):
        files.lock(tmp_path / ".made.lock", of_any_user=True)
    cache.once(tmp_path / "made", (tmp_path / "made").touch)


def test_what_is_there_is_read_without_writing(tmp_path):
    (tmp_path / "made").touch()
    tmp_path.chmod(0o500)
    try:
        cache.once(tmp_path / "made", None)
    finally:
        tmp_path.chmod(0o700)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_cache_that_cannot_be_written_names_its_variable(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="set TF_TTUR_CACHE"):
        cache.once(tmp_path / "file/cache/statistics.npz", None)
