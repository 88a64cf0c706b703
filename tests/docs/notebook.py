"""The tutorials of the documentation as notebooks in examples/.

python -m tests.docs.notebook
"""

import re

import nbformat

from tests.conftest import ROOT

# {tutorial: its notebook}
NOTEBOOKS = {
    ROOT / f"docs/{name}.md": ROOT / f"examples/{name}.ipynb"
    for name in ("fid_in_five_minutes", "own_gan", "theory_in_pictures", "a_study")
}
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
            code = re.sub(r"^(?! )", "!", code.strip(), flags=re.MULTILINE)
        cells.append(nbformat.v4.new_code_cell(code.strip()))
        end = block.end()
    cells.append(nbformat.v4.new_markdown_cell(words[end:].strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same each time
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def main():
    for page, notebook in NOTEBOOKS.items():
        nbformat.write(notebook_of(page), notebook)


if __name__ == "__main__":
    main()
