"""The tutorial docs/own_gan.md as the notebook examples/own_gan.ipynb.

python -m tests.docs.notebook
"""

import re

import nbformat

from tests.conftest import ROOT

PAGE = ROOT / "docs/own_gan.md"
NOTEBOOK = ROOT / "examples/own_gan.ipynb"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def notebook_of(page):
    """The notebook of a page in Markdown: its code blocks are cells, without outputs."""
    words = page.read_text(encoding="utf-8")
    cells = []
    end = 0
    for block in BLOCK.finditer(words):
        cells.append(nbformat.v4.new_markdown_cell(words[end : block.start()].strip()))
        language, code = block.groups()
        if language == "sh":
            code = "".join(f"!{line}\n" for line in code.splitlines())
        cells.append(nbformat.v4.new_code_cell(code.strip()))
        end = block.end()
    cells.append(nbformat.v4.new_markdown_cell(words[end:].strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same each time
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def main():
    NOTEBOOK.parent.mkdir(exist_ok=True)
    nbformat.write(notebook_of(PAGE), NOTEBOOK)


if __name__ == "__main__":
    main()
