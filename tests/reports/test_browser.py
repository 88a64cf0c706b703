"""The page of a report in a real browser."""

import itertools
import json

import numpy as np
import pytest

from tests.reports import browser
from tests.reports.folders import write_run
from tf_ttur.reports import table
from tf_ttur.reports.write import write

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The folder of a report on two settings with two runs each."""
    folder = tmp_path_factory.mktemp("runs")
    for variant, lowest in (("ttur", 60.0), ("orig", 100.0)):
        for seed in (0, 1):
            values = (500.0 + seed, 2 * lowest, lowest + 10 * seed)
            name = f"{variant}-{seed}"
            write_run(folder / name, f"cifar10:{variant}", values, seed, samples=seed == 0)
    output = tmp_path_factory.mktemp("report")
    write([folder], output, "tf-ttur report runs --output report")
    return output


@pytest.fixture(scope="module")
def driver(report):
    """A browser of the width of a desktop."""
    with browser.opened(report / "report.html") as driver:
        yield driver


def find(driver, css):
    return driver.find_elements("css selector", css)


def choose(driver, name, value):
    driver.execute_script(
        "const box = document.querySelector(arguments[0]); box.click();",
        f'input[name="{name}"][value="{value}"]',
    )


def labels(driver):
    """All texts in the first chart."""
    return [text.get_attribute("textContent") for text in find(driver, ".chart svg text")]


def ticks(driver):
    """Where the labels of the vertical axis of the first chart are: [(value, y)]."""
    chart = find(driver, ".chart")[0]
    texts = chart.find_elements("css selector", '.plot text[text-anchor="end"]')
    return [(float(t.get_attribute("textContent")), float(t.get_attribute("y"))) for t in texts]


def test_it_loads_without_complaint_and_without_a_request(driver):
    assert len(find(driver, ".chart svg[role=img]")) == 3
    assert browser.complaints(driver) == []
    assert browser.requests(driver) == []


def test_the_table_shows_the_values_of_the_json(driver, report):
    rows = json.loads((report / "table.json").read_text(encoding="utf-8"))
    shown = [
        [cell.text for cell in row.find_elements("css selector", "th, td")]
        for row in find(driver, "#results tbody tr")
    ]
    assert shown == [[table.cell(row, column) for column in table.COLUMNS] for row in rows]
    link = find(driver, 'a[download="table.json"]')[0].get_attribute("href")
    assert link.startswith("data:application/json;base64,")
    inside = driver.execute_script("return atob(arguments[0])", link.partition(",")[2])
    assert json.loads(inside) == rows


def test_the_horizontal_axis_changes_between_updates_and_time(driver):
    assert "generator updates" in labels(driver)
    choose(driver, "against", "seconds")
    assert "training time (minutes)" in labels(driver)
    assert "(by updates only)" in find(driver, ".legend")[0].text
    choose(driver, "against", "updates")
    assert "generator updates" in labels(driver)


def test_the_vertical_axis_changes_between_linear_and_logarithmic(driver):
    for scale, function in (("linear", lambda value: value), ("log", np.log)):
        choose(driver, "scale", scale)
        values, places = np.array(ticks(driver)).T
        assert len(values) > 2
        # The labels stand where a straight line in that scale has them.
        line = np.polyfit(function(values), places, 1)
        np.testing.assert_allclose(np.polyval(line, function(values)), places, atol=0.1)


def test_values_are_read_by_keyboard_and_by_pointing(driver):
    from selenium.webdriver import ActionChains, Keys

    choose(driver, "scale", "linear")
    [svg, *_] = find(driver, ".chart svg[role=img]")
    [output, *_] = find(driver, ".chart output")
    driver.execute_script("arguments[0].focus()", svg)
    ActionChains(driver).send_keys(Keys.END).perform()
    words = output.get_attribute("textContent")
    assert words.startswith("10,000 updates")
    assert "ttur, 2 runs: 65 [60, 70]" in words
    assert "ttur, published: 66.9 [56, 81]" in words
    ActionChains(driver).send_keys(Keys.ARROW_LEFT).perform()
    words = output.get_attribute("textContent")
    assert "5,000 updates" in words and "orig, 2 runs: 200" in words
    ActionChains(driver).move_to_element_with_offset(svg, -svg.size["width"] // 2 + 62, 0).perform()
    assert output.get_attribute("textContent").startswith("0 updates")


def test_light_and_dark(driver):
    """As the system at first, and otherwise as chosen."""
    from selenium.webdriver.support.wait import WebDriverWait

    grounds = {False: "rgb(255, 255, 255)", True: "rgb(22, 24, 27)"}
    shown = "return getComputedStyle(document.body).backgroundColor"
    for is_dark, theme in ((0, "auto"), (1, "auto"), (1, "light"), (0, "dark"), (0, "auto")):
        browser.emulate(driver, dark=bool(is_dark))
        choose(driver, "theme", theme)
        expected = grounds[bool(is_dark) if theme == "auto" else theme == "dark"]
        WebDriverWait(driver, 20).until(
            lambda driver, expected=expected: driver.execute_script(shown) == expected
        )


def test_a_phone_shows_it_without_scrolling_sideways(driver):
    browser.emulate(driver, width=360, height=740)
    wait = "return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))"
    driver.execute_script(wait)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 360
    assert 250 < find(driver, ".chart svg[role=img]")[0].size["width"] <= 360
    places = [text.rect for text in find(driver, ".chart .plot text")]
    assert all(place["x"] >= 0 and place["x"] + place["width"] <= 360 for place in places)
    browser.emulate(driver)


def test_what_a_screen_reader_is_told(driver):
    """Every picture has words, headings descend by one, every box of a table to scroll is named."""
    levels = [int(tag.tag_name[1]) for tag in find(driver, "h1, h2, h3, h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for picture in find(driver, "img, svg[role=img]"):
        assert picture.get_attribute("alt") or picture.get_attribute("aria-label")
    for region in find(driver, "[aria-labelledby]"):
        assert find(driver, f"#{region.get_attribute('aria-labelledby')}")
    assert driver.execute_script("return document.documentElement.lang") == "en"
    assert len(find(driver, "output[aria-live]")) == len(find(driver, ".chart"))
