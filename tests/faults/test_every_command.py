"""The same mistakes at every command line: each is answered with words, and nothing is written."""

import os
import signal

import pytest

from tests.conftest import assert_refused
from tf_ttur import commands

# {command: a command line with {} in the place of what it reads}
READS = {
    "train": "--config {} --workdir out",
    "fid": "{} digits:30",
    "stats": "{} --output out.npz",
    "merge-stats": "{} --output out.npz",
    "prepare": "svhn --input {} --output out",
    "export": "{} --output out",
    "sample": "{} --output out",
    "curve": "{} --output out.png",
    "report": "{} --output out",
    "study": "{} --output out",
    "search": "{} --rates 1e-4 --output out",
    "list": "{}",
    "verify": "--inception {}",
    "benchmark": "--config {}",
    "theory": "assumptions --run {} --output out",
    "disturb": "{} --output out",
    "nash": "{} --output out",
}
WITHOUT_INPUT = {"saddle"}
PATHS = {
    "missing": "nowhere",
    "too long": "x" * 5000,
    "not UTF-8": "caf\udce9",
    "a line break": "a\nb",
    "markup": "[bold]a[/run]",
    "an empty folder": "empty",
    "an empty file": "nothing",
    "a binary file": "noise.bin",
    "a link to itself": "loop",
    "a pipe": "pipe",
    "a device": "/dev/zero",
}
SECONDS = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what PATHS names."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "empty").mkdir()
    (folder / "nothing").touch()
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 20)
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def call(tool, place, monkeypatch):
    """A function that runs a command line in that folder, and asserts that it leaves it so."""
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))

    def out_of_time(*_):
        raise TimeoutError(f"no answer in {SECONDS} s")

    earlier = signal.signal(signal.SIGALRM, out_of_time)

    def call(*words):
        monkeypatch.setattr(commands, "arguments", lambda: list(words))
        signal.alarm(SECONDS)
        process = tool("tf_ttur/__main__.py")
        signal.alarm(0)
        assert sorted(place.rglob("*")) == before
        return process

    yield call
    signal.alarm(0)
    signal.signal(signal.SIGALRM, earlier)


def test_the_table_holds_every_command():
    assert {*READS, *WITHOUT_INPUT} == set(commands.COMMANDS)


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_path(call, command, path):
    words = [word.replace("{}", PATHS[path]) for word in READS[command].split()]
    assert_refused(call(command, *words))


@pytest.mark.parametrize("command", [*READS, *WITHOUT_INPUT])
def test_help_and_wrong_flags(call, command):
    process = call(command, "-h")
    assert process.returncode == 0 and f"usage: tf-ttur {command}" in process.stdout
    assert_refused(call(command, "--no-such-flag"))
    assert_refused(call(command, *READS.get(command, "--output out").split(), "--no-such-flag=1"))
    assert_refused(call(command, *READS.get(command, "--output out").split(), "--output"))
