"""The code blocks of the documentation, but for docs/results, whose pages record what was run.

A block is fenced and has a language:

  python   is run, all blocks of a page in one session, unless a comment stands before it:
           <!-- not run: why -->
  sh       every line is parsed: the flags of `tf-ttur` by its own parser, the targets of `make`,
           the modules of `python -m`, the extras of `pip install`. After <!-- run --> it is run,
           and must print the `text` block that follows after <!-- printed -->
  text, bibtex, bash   are not run
"""

import pathlib
import re
from typing import NamedTuple

from tests.conftest import ROOT

LANGUAGES = ("python", "sh", "bash", "text", "bibtex")
PAGES = [
    *(ROOT / name for name in ("README.md", "BUILD.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n\n?)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """A code block.

    Attributes:
      page: its file.
      mark: the comment before it; "" for none.
      language: of the fence.
      text: its lines.
    """

    page: pathlib.Path
    mark: str
    language: str
    text: str


def of_page(page):
    """The blocks of a page, from top to bottom."""
    return [
        Block(page, found["mark"] or "", found["language"], found["text"])
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def name(page):
    """A page as tests are called after it."""
    return page.relative_to(ROOT).as_posix()
