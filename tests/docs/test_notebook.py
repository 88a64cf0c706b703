"""examples/own_gan.ipynb, the tutorial as a notebook."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.notebook import NOTEBOOK, PAGE, notebook_of


def test_the_notebook_is_the_page():
    """Otherwise write it again: python -m tests.docs.notebook"""
    assert nbformat.read(NOTEBOOK, as_version=4) == notebook_of(PAGE)


@pytest.mark.slow  # 100 s
def test_the_notebook_runs(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # The commands of the page are run by test_own_gan.py.
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("!")]
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    assert (tmp_path / "runs/mine/export/saved_model.pb").is_file()
