"""Every code block of the documentation: run, parsed, or marked as not run (see blocks.py)."""

import importlib.util
import re
import runpy
import shlex
import tomllib

import pytest

from docs import reference
from tests.conftest import ROOT
from tests.docs import blocks
from tf_ttur.commands import COMMANDS
from tf_ttur.config import cards
from tf_ttur.errors import UserError

_NOT_PARSED = (".", "tensorboard", "unshare", "docker", "hf", "pytest")  # programs of others


@pytest.mark.parametrize("page", blocks.PAGES, ids=blocks.name)
def test_every_block_has_a_language_and_a_mark_that_means_something(page):
    text = page.read_text(encoding="utf-8")
    found = blocks.of_page(page)
    assert len(found) * 2 == len(re.findall("^```", text, re.MULTILINE))
    for block in found:
        assert block.language in blocks.LANGUAGES, block
        allowed = {"python": "not run: .+", "sh": "run", "text": "printed"}
        assert re.fullmatch(f"({allowed.get(block.language, '')})?", block.mark), block
    plain = blocks._BLOCK.sub("", text)
    assert not re.search(r"\n\n    \S", re.sub(r"^ *[-*\d].*(\n+ +.*)*", "", plain, flags=re.M)), (
        "an indented block has no language"
    )


def lines(block):
    """The commands of a block of sh, each as a list of words without its comment."""
    text = re.sub(r"\\\n\s*", " ", block.text)
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("page", blocks.PAGES, ids=blocks.name)
def test_every_command_line_is_one(page):
    for block in blocks.of_page(page):
        if block.language == "sh":
            for words in lines(block):
                check(words)


def check(words):
    """Asserts that a command line has words that its program knows."""
    while re.match(r"\w+=", words[0]):
        words = words[1:]
    program, *rest = words
    if program.endswith("tf-ttur"):
        check_ours(rest)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        asked = [word for word in rest if "=" not in word and word != "..."]
        assert set(asked) <= set(targets), words
    elif program == "python":
        check_python(rest)
    elif program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        asked = {name for word in rest for name in re.findall(r"\[([\w,]+)\]", word)}
        asked = {name for names in asked for name in names.split(",")}
        assert asked <= set(project["optional-dependencies"]), words
    else:
        assert program in _NOT_PARSED, words


def check_ours(words):
    if not words or words[0].startswith("--"):
        assert words in (["--help"], ["--version"])
        return
    command, *rest = words
    assert command in COMMANDS, words
    if rest != ["--help"]:
        reference.parse(command, rest)
    for card, variant in re.findall(
        r"(?:--config|study|search) (\w+):?(\w*)(?: |$)", " ".join(words)
    ):
        if card != "CARD":
            variants = runpy.run_path(str(cards.folder() / f"{card}.py"))["VARIANTS"]
            assert not variant or variant in variants, words


def check_python(words):
    if words[0] == "-c":
        compile(words[1], "<a page>", "exec")
    elif words[0] == "-m":
        module, *rest = words[1:]
        assert importlib.util.find_spec(module), words
        if module.startswith("tf_ttur"):
            command = ["train"] if module == "tf_ttur.train" else []
            check_ours([*command, *rest])
    else:
        assert (ROOT / words[0]).is_file(), words


def test_a_wrong_command_line_is_noticed():
    for line in (
        "tf-ttur fid first/",
        "tf-ttur fid first/ second/ --metric kid",
        "tf-ttur train --config svhn --config.generator.rate=1",
        "tf-ttur trian",
        "tf-ttur train --config svhn:fast",
        "make quickstrat",
        "pip install -e .[gpus]",
        "python tools/fid2.py",
        "curl x",
    ):
        with pytest.raises((AssertionError, UserError)):
            check(shlex.split(line))


@pytest.mark.parametrize("page", blocks.PAGES, ids=blocks.name)
def test_python_blocks_are_python(page):
    for block in blocks.of_page(page):
        if block.language == "python":
            compile(block.text, blocks.name(page), "exec")


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize(
    "name", ["README.md", "BUILD.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"]
)
def test_links_of_pages_outside_the_site(name):
    """Those of the site are checked when it is built."""
    page = ROOT / name
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path
        assert target.exists(), path
        if anchor:
            assert anchor[1:] in anchors(target), path + anchor


def anchors(page):
    """Those of the headings of a page, as the site and forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
