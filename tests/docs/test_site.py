"""The documentation as a site, built as `make docs` builds it."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.reports import browser
from tf_ttur import commands
from tf_ttur import config as configs


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site; a broken link or anchor is an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    process = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


def test_the_reference_has_every_command_and_key(site):
    page = (site / "reference/commands.html").read_text("utf-8")
    assert set(re.findall(r'id="tf-ttur-([\w-]+)"', page)) == set(commands.COMMANDS)
    assert "--skip-unreadable" in page
    page = (site / "reference/config.html").read_text("utf-8")
    assert set(configs.KEYS) <= set(re.findall(r"<code>([\w.]+)</code>", page))
    page = (site / "python.html").read_text("utf-8")
    assert 'id="tf_ttur.metrics.api.evaluate"' in page


def test_nothing_is_loaded_from_another_host(site):
    """Links to read may lead outside; scripts, styles, fonts and pictures may not."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text("utf-8")
        loaded = re.findall(
            r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=.?(?:https?:)?//", text
        )
        assert not loaded, page


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "")
def test_the_search_works_from_a_disk(site):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    with browser.opened(site / "index.html") as driver:
        field = driver.find_element(By.CSS_SELECTOR, ".md-search__input")
        field.click()
        field.send_keys("quantisation")
        results = (By.CSS_SELECTOR, ".md-search-result__item")
        WebDriverWait(driver, 20).until(lambda driver: driver.find_elements(*results))
        assert browser.complaints(driver) == []
        assert browser.requests(driver) == []
