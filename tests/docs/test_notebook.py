"""The notebooks in examples/: each is its tutorial, without outputs, and runs."""

import os
import pathlib
import shutil
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT
from tests.docs.notebook import NOTEBOOKS, notebook_of
from tests.metrics import mini_inception

WRITTEN = [
    "fid_in_five_minutes/real.npz",
    "own_gan/runs/mine/export/saved_model.pb",
    "theory_in_pictures/figures/saddle.png",
    "a_study/report/report.html",
]


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_the_notebook_is_the_page(page):
    """Otherwise write it again: python -m tests.docs.notebook"""
    notebook = nbformat.read(NOTEBOOKS[page], as_version=4)
    assert notebook == notebook_of(page)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_no_notebook_is_left_out():
    assert set((ROOT / "examples").glob("*.ipynb")) == set(NOTEBOOKS.values())


@pytest.mark.slow  # 30 to 100 s each
@pytest.mark.parametrize("written", WRITTEN, ids=lambda path: path.partition("/")[0])
def test_the_notebook_runs(tmp_path, monkeypatch, written):
    """With a small network in the place of Inception; its own commands are on the path."""
    name, _, file = written.partition("/")
    (tmp_path / "network.pb").write_bytes(mini_inception.graph_bytes())
    monkeypatch.setenv("TF_TTUR_INCEPTION", str(tmp_path / "network.pb"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{command_in(tmp_path)}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(ROOT / f"examples/{name}.ipynb", as_version=4)
    if name == "own_gan":  # test_own_gan.py runs its commands
        notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("!")]
    resources = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert (tmp_path / file).is_file()


def command_in(folder):
    """A folder with the program `tf-ttur`, that of this checkout."""
    place = pathlib.Path(folder) / "bin"
    place.mkdir()
    program = place / "tf-ttur"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tf_ttur "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    assert shutil.which("tf-ttur", path=place)
    return place
