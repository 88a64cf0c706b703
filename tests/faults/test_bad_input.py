"""Every kind of bad input at every command line: each ends with what was found, what was expected
and what to do, and writes nothing.
"""

import shlex

import pytest

from tests.conftest import ROOT, assert_refused
from tests.faults import bad_folder
from tests.faults.bad_commands import ROWS
from tf_ttur import commands


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """The folder of all files that the rows name."""
    folder = tmp_path_factory.mktemp("bad")
    bad_folder.write(folder)
    return folder


def test_there_are_enough_rows_for_every_command_line():
    doors = {line.partition(" ")[0] for line, _ in ROWS}
    tools = {f"tools/{path.name}" for path in (ROOT / "tools").glob("*.py")}
    assert doors == {"tf_ttur/train.py", *tools}
    assert len({line for line, _ in ROWS}) == len(ROWS) > 60


def test_the_doors_of_the_rows_lead_to_every_command(monkeypatch, tool):
    reached = []
    monkeypatch.setattr(commands, "main", lambda words: reached.append(words[0]))
    for door in sorted({line.partition(" ")[0] for line, _ in ROWS}):
        assert tool(door).returncode == 0
    assert sorted(reached) == sorted(commands.COMMANDS)


@pytest.mark.parametrize(
    ("line", "words"), [pytest.param(line, words, id=line[:100]) for line, words in ROWS]
)
@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_refused(bad, tmp_path, cache, tool, monkeypatch, line, words):
    monkeypatch.chdir(ROOT)
    before = modification_times(bad)
    assert_refused(tool(*shlex.split(line.format(bad=bad, out=tmp_path))), *words)
    written = [path for folder in (tmp_path, cache) for path in folder.rglob("*") if path.is_file()]
    assert written == []
    assert modification_times(bad) == before


def modification_times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("**/*") if path.is_file()}
