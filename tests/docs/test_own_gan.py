"""The tutorial docs/own_gan.md: every block runs, from top to bottom."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.docs.notebook import BLOCK

PAGE = ROOT / "docs/own_gan.md"


def blocks(language):
    return [text for name, text in BLOCK.findall(PAGE.read_text("utf-8")) if name == language]


def test_every_block_is_run():
    names = {name for name, _ in BLOCK.findall(PAGE.read_text("utf-8"))}
    assert names == {"python", "sh"}


@pytest.mark.slow  # 90 s
def test_the_tutorial_runs(tmp_path):
    code = "\n".join(blocks("python"))
    run(tmp_path, [sys.executable, "-c", code])
    assert (tmp_path / "exported/saved_model.pb").is_file()
    assert (tmp_path / "runs/mine/export/saved_model.pb").is_file()
    for line in "".join(blocks("sh")).splitlines():
        program, *words = shlex.split(line)
        assert program == "tf-ttur"
        run(tmp_path, [sys.executable, "-m", "tf_ttur", *words])
    assert (tmp_path / "exported/my_card/saved_model.pb").is_file()


def run(folder, command):
    environment = {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process
