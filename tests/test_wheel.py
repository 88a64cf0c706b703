"""The package as it is built and installed: everything that a user needs is in the wheel."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

import tf_ttur
from tests.conftest import ROOT
from tests.reports.folders import write_run

OFFLINE = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]


def test_every_package_is_in_the_list_of_the_build():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "tf_ttur").rglob("*.py")}
    assert set(listed) == {".".join(folder.parts) for folder in folders} | {"tf_ttur.configs"}


def test_the_citation_has_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {tf_ttur.__version__}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {tf_ttur.__version__} - " in changes


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed wheel, built from a copy, as a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("tf_ttur", "configs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    pip("wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", folder, source)
    [wheel] = folder.glob("*.whl")
    pip("install", *OFFLINE, "--target", folder / "installed", wheel)
    return folder / "installed"


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def python(installed, cwd, *arguments):
    """Runs `python ARGUMENTS` in a folder where only the installed package is to be found."""
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.slow
def test_the_wheel_has_its_version_and_licence(installed):
    [metadata] = importlib.metadata.distributions(name="tf_ttur", path=[str(installed)])
    assert metadata.version == tf_ttur.__version__
    assert metadata.metadata["License-Expression"] == "Apache-2.0"
    [licence] = [path for path in metadata.files if path.name == "LICENSE"]
    assert licence.read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_wheel_has_its_cards_and_trains_with_them(installed, tmp_path):
    place = python(installed, tmp_path, "-c", "import tf_ttur; print(tf_ttur.__file__)")
    assert place.strip() == str(installed / "tf_ttur/__init__.py")
    assert (installed / "tf_ttur/py.typed").is_file()
    cards = sorted(path.name for path in (ROOT / "configs").glob("*.py"))
    assert sorted(path.name for path in (installed / "tf_ttur/configs").glob("*.py")) == cards

    table = python(installed, tmp_path, "-m", "tf_ttur", "list")
    assert sum(line.startswith("svhn:") for line in table.splitlines()) == 4
    dry_run = ["--config", "svhn:orig", "--dry-run"]
    description = python(installed, tmp_path, "-m", "tf_ttur", "train", *dry_run)
    assert description.startswith("svhn (orig), seed 0: discriminator 5e-05")
    assert "runs/svhn-orig-seed0" in description
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_wheel_has_the_command_and_the_page(installed, tmp_path):
    write_run(tmp_path / "run", "cifar10", (3, 2, 1))
    python(installed, tmp_path, "-m", "tf_ttur", "report", "run", "--output", "report")
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    for name in ("report.css", "report.js"):
        assert (ROOT / "tf_ttur/reports/templates" / name).read_text(encoding="utf-8") in page
    usage = python(installed, tmp_path, str(installed / "bin/tf-ttur"))
    assert "usage: tf-ttur COMMAND" in usage


@pytest.mark.slow
def test_the_description_leads_to_no_file_of_the_checkout(installed):
    """A package index shows it where there are no such files."""
    [metadata] = installed.glob("tf_ttur-*.dist-info/METADATA")
    text = metadata.read_text(encoding="utf-8")
    assert "Description-Content-Type: text/markdown" in text
    assert "tf-ttur fid samples/ photos/" in text
    assert "docs/measure.md" in text
    assert re.findall(r"\]\((?!https?:)[^)]*\)", text) == []
