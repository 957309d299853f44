"""The pages of ``mirror serve`` in a real browser: Debian's Chromium and its driver.

With ``PIPX_PARALLEL_SCREENSHOTS=FOLDER`` the pictures are kept there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import SPARSE_JSON
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
staleness_of = pytest.importorskip("selenium.webdriver.support.expected_conditions").staleness_of
WebDriverWait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a mirror of six projects; a yanked release has a hostile reason."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib>=1", "tool[fast]"])],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")._replace(yanked=HOSTILE)],
        "tool": [wheel("tool", "1.0", ["deep"], {"fast": ["speed"]})],
        "deep": [wheel("deep", "0.1")],
        "speed": [wheel("speed", "3.0", ["a-project-with-quite-a-long-name"])],
        "a-project-with-quite-a-long-name": [wheel("a-project-with-quite-a-long-name", "1.0")],
    }
    with LoopbackIndex(projects, SPARSE_JSON) as index:
        server = Served(tmp_path_factory.mktemp("served"), index)
        yield server
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Start Chromium without a screen."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1000,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    chromium.set_page_load_timeout(30)
    yield chromium
    chromium.quit()


def find(browser: Chrome, selector: str) -> WebElement:
    """Return the first element that a CSS selector matches."""
    return browser.find_element("css selector", selector)


def press(browser: Chrome, target: WebElement) -> None:
    """Click what loads another page, and wait until that page stands in the place of this one.

    The driver may return from the click before the new document is there.
    """
    page = find(browser, "html")
    target.click()
    WebDriverWait(browser, 60).until(staleness_of(page))
    WebDriverWait(browser, 60).until(lambda driver: driver.execute_script("return document.readyState") == "complete")


def messages(browser: Chrome) -> list[str]:
    """Return what the console says since the last call: blocked scripts and files that are missing."""
    rows = browser.execute("getLog", {"type": "browser"})["value"]
    return [row["message"] for row in rows]


def picture(browser: Chrome, folder: Path, name: str) -> bytes:
    """Take a screenshot; keep it if a folder is given."""
    data = bytes(browser.get_screenshot_as_png())
    target_folder = Path(os.environ.get("PIPX_PARALLEL_SCREENSHOTS") or folder)
    target_folder.mkdir(parents=True, exist_ok=True)
    (target_folder / f"{name}.png").write_bytes(data)
    return data


def test_a_person_finds_a_project_and_locks_a_list(browser: Chrome, served: Served, tmp_path: Path) -> None:
    """From the first page by search to a project, its dependency, the form, and the lock; nothing is blocked or missing."""
    messages(browser)
    browser.get(served.url + "/")
    picture(browser, tmp_path, "home")
    assert find(browser, "h1").text == "Package mirror"
    assert len(browser.find_elements("css selector", ".command button")) == 4
    find(browser, "#q").send_keys("li")
    press(browser, find(browser, ".search button"))
    picture(browser, tmp_path, "search")
    press(browser, browser.find_element("link text", "lib"))
    assert find(browser, "h1").text == "lib"
    assert HOSTILE in find(browser, "tr.yanked .bad").text
    assert browser.title == "lib - Package mirror"
    picture(browser, tmp_path, "project")
    press(browser, browser.find_element("link text", "Lock requirements"))
    find(browser, "#requirements").send_keys("app\nlib<2")
    press(browser, find(browser, "form.lock button"))
    assert find(browser, "h2").text.startswith("6 packages for")
    assert "tool 1.0" in find(browser, ".graph").text
    assert "app==2.0" in str(find(browser, "textarea.output").get_property("value"))
    picture(browser, tmp_path, "lock")
    assert messages(browser) == []


def test_an_impossible_list_is_explained_on_the_page(browser: Chrome, served: Served, tmp_path: Path) -> None:
    """The argument stands on the page, and what was typed is still there."""
    browser.get(served.url + "/ui/lock")
    find(browser, "#requirements").send_keys("app>=2\nlib<1")
    press(browser, find(browser, "form.lock button"))
    assert "lib" in find(browser, "[role=alert] pre").text
    assert find(browser, "#requirements").get_property("value") == "app>=2\nlib<1"
    picture(browser, tmp_path, "impossible")


def test_pages_fit_a_telephone_and_the_dark(browser: Chrome, served: Served, tmp_path: Path) -> None:
    """No page is wider than a narrow window; the dark scheme is another picture with a dark background."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        for path in ("/", "/ui/projects/", "/ui/projects/app/", "/ui/lock"):
            browser.get(served.url + path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360, path
        light = picture(browser, tmp_path, "narrow")
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        )
        assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(23, 25, 28)"
        assert picture(browser, tmp_path, "dark") != light
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
