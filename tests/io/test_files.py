"""Files that are whole or not there, locks, and JSON lines."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tf_ttur.errors import UserError
from tf_ttur.io import files


def test_damaged_lines_are_left_out_and_counted(tmp_path):
    (tmp_path / "rows").write_bytes(
        b'{"a": 1, "b": "x"}\n{"a": 3}\n[1]\n{"a"\n\xff\n{"a": null, "b": "x"}\n'
        b'{"a": true, "b": "x"}\n{"a": 4, "b": "y", "c": 6}\n{"a": 7, "b"'
    )
    found, damaged = files.read_json_lines(tmp_path / "rows", {"a": (int, float), "b": str})
    assert (found, damaged) == ([{"a": 1, "b": "x"}, {"a": 4, "b": "y", "c": 6}], 7)


def test_a_lock_is_for_one(tmp_path):
    with files.lock(tmp_path / "lock"), pytest.raises(UserError, match=r"in use by process .* on "):
        files.lock(tmp_path / "lock")
    files.lock(tmp_path / "lock").close()


def test_text_is_utf_8_whatever_the_locale_says(tmp_path):
    code = (
        "import sys; from tf_ttur.io import files\n"
        "with files.atomic(sys.argv[1], 'w') as file: file.write('\\u00e9\\u20ac')\n"
        "with files.atomic(sys.argv[2], 'w') as file: file.write('{\"a\": \"\\u00e9\"}')\n"
        "assert files.read_json_lines(sys.argv[2]) == ([{'a': '\\u00e9'}], 0)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0"}
    environment |= {"PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code, tmp_path / "text", tmp_path / "rows"]
    subprocess.run(command, env=environment, check=True)
    assert (tmp_path / "text").read_bytes() == "\u00e9\u20ac".encode()


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"before")
    with pytest.raises(KeyError), files.atomic(tmp_path / "file") as file:
        file.write(b"half")
        raise KeyError
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
