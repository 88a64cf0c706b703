"""A headless Chromium for tests, driven by Selenium; `None` with a reason where there is none."""

import contextlib
import json
import os
import shutil

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
# What a browser may ask for while it opens a page that needs nothing else.
_OWN = ("data:", "file:", "blob:", "chrome:", "about:")


def missing():
    """Why there is no browser here; "" if there is one. Nothing is downloaded."""
    try:
        import selenium.webdriver  # noqa: F401
    except ImportError:
        return "needs selenium, of the extra test"
    if not any(map(shutil.which, _BROWSERS)):
        return "needs a Chromium on the PATH (Debian: apt-get install chromium chromium-driver)"
    return "" if shutil.which("chromedriver") else "needs chromedriver on the PATH"


@contextlib.contextmanager
def opened(path):
    """The driver of a browser that shows a file on a desktop."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, _BROWSERS)))
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    # Selenium would report its use to a server.
    os.environ.setdefault("SE_AVOID_STATS", "true")
    driver = webdriver.Chrome(options=options, service=service)
    try:
        emulate(driver)
        driver.get(path.resolve().as_uri())
        yield driver
    finally:
        driver.quit()


def emulate(driver, width=1200, height=900, dark=False):
    """Gives the browser a size and a colour scheme, those of a desktop unless told otherwise."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def complaints(driver):
    """The messages of the browser's console so far."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requests(driver):
    """The URLs that the page has asked for so far, but for what lies in the page or beside it."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert urls, "the log holds no request, not even that of the page"
    return [url for url in urls if not url.startswith(_OWN)]
