"""The description on a package index, which has neither the pictures nor the other pages.

All else is in pyproject.toml.
"""

import pathlib
import re

from setuptools import setup

LINK = r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)]*)\)"


def description() -> str:
    """README.md without its pictures and captions, and with the paths of its links in words."""
    text = pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    text = re.sub(rf"^(?:!{LINK}\n\n)+(?:\*[^*]+\*\n\n)?", "", text, flags=re.MULTILINE)
    text = re.sub(LINK, lambda link: _in_words(*link.groups()), text)
    return text.replace(
        "\n## More\n", "\n## More\n\nThe pages are in the project's source archive.\n", 1
    )


def _in_words(text: str, target: str) -> str:
    path = target.partition("#")[0]
    return f"`{path}`" if text == path else f"{text} (`{path}`)"


setup(long_description=description(), long_description_content_type="text/markdown")
