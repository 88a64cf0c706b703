"""Every message that docs/troubleshooting.md quotes is in the code."""

import ast
import re

import pytest

from tests.conftest import ROOT
from tests.docs import blocks

PAGE = ROOT / "docs/troubleshooting.md"
_VARIES = "\0"  # in the place of an expression of an f-string


def messages():
    return [b.text.strip() for b in blocks.of_page(PAGE) if b.language == "text"]


def texts():
    """All texts of the package's code; an expression within one is `_VARIES`."""
    found = []
    for path in (ROOT / "tf_ttur").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(getattr(part, "value", _VARIES) for part in _parts(node)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def _parts(node):
    return [p if isinstance(p, ast.Constant) else ast.Constant(_VARIES) for p in node.values]


@pytest.fixture(scope="module")
def code():
    return texts()


def is_in(message, code):
    pattern = re.compile(".*?".join(map(re.escape, message.split("..."))), re.DOTALL)
    return any(map(pattern.search, code))


@pytest.mark.parametrize("message", messages())
def test_a_quoted_message_is_in_the_code(message, code):
    assert len(message) > 12
    assert is_in(message, code)


def test_a_message_that_is_not_there_is_noticed(code):
    assert len(messages()) > 15
    assert not is_in("the Inception network is nowhere on this machine", code)
