"""Hooks of MkDocs: pages that are made from the code, and pages at the root of the checkout."""

import pathlib
import re
import sys

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from docs import reference  # noqa: E402  # of this checkout

# {page of the site: file at the root of the checkout}
OF_ROOT = {
    "build.md": "BUILD.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}


def on_files(files, config):
    """Adds the pages that are not files below docs/."""
    for page, write in reference.PAGES.items():
        files.append(File.generated(config, page, content=write()))
    for page, name in OF_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        text = re.sub(r"\[([^\]]*)\]\(LICENSE\)", r"\1", text)  # no page
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turns links to files at the root of the checkout into links between pages."""
    up = "../" * page.file.src_uri.count("/")
    for name, root_file in {root: name for name, root in OF_ROOT.items()}.items():
        markdown = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}", f"]({up}{root_file}", markdown)
    return markdown
