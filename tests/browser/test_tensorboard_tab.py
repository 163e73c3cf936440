"""The tab in the real TensorBoard, looked at in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser.chromium import start
from tests.conftest import sample_path

BUNDLE = sample_path("demo-batch-timeout") / "bundle.zip"
BARE = sample_path("no-batching") / "server.xplane.pb"
RUN = "incident/2026_11_23_01_58_57"
OTHER = "2026_11_22_10_00_00"
HOSTILE = "<img src=x onerror=alert(1)>"
LIMIT_S = 180
OWN_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# Of TensorBoard's own pages and of the browser; none of them comes from our tab.
THEIRS = ("Three.js", "WebGL", "favicon.ico", "slider-vertical", "WebComponentsV0")


@pytest.fixture(name="address", scope="module")
def _address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    logs = tmp_path_factory.mktemp("logs")
    with zipfile.ZipFile(BUNDLE) as bundle:
        bundle.extractall(logs / "incident")
    for name in (OTHER, HOSTILE):
        run = logs / "plugins" / "profile" / name
        run.mkdir(parents=True)
        shutil.copy(BARE, run / "server.xplane.pb")
    log = tmp_path_factory.mktemp("log") / "tensorboard.txt"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
    command += ["--host", "127.0.0.1", "--port", "0", "--load_fast", "false"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            found = until(
                lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text("utf-8", "replace"))
            )
            yield found[0]
        finally:
            process.kill()
            process.wait(timeout=30)


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[webdriver.Chrome]:
    chrome = start(OWN_MACHINE)
    yield chrome
    chrome.quit()


def until(look: Callable[[], Any]) -> Any:
    """What ``look`` finds at last."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    pytest.fail("nothing was found in time")


def problems(browser: webdriver.Chrome) -> list[str]:
    """What pages wrote to the console, but for what TensorBoard itself writes."""
    messages = [entry["message"] for entry in browser.get_log("browser")]
    return [each for each in messages if not any(word in each for word in THEIRS)]


def enter_tab(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"{address}/")
    until(lambda: "DIAG" in browser.find_element(By.TAG_NAME, "body").text.upper())
    tabs = browser.find_elements(By.CSS_SELECTOR, ".plugin-name, .mat-mdc-tab, [role=tab]")
    next(tab for tab in tabs if tab.text.strip().lower() == "diag").click()
    frame = until(
        lambda: [
            each
            for each in browser.find_elements(By.TAG_NAME, "iframe")
            if "name=diag" in (each.get_attribute("src") or "")
        ]
    )
    browser.switch_to.frame(frame[0])
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#run option"))


def choose(browser: webdriver.Chrome, label: str, select: str = "run") -> None:
    found = Select(browser.find_element(By.ID, select))
    name = next(each.text for each in found.options if each.text.startswith(label))
    found.select_by_visible_text(name)


def read_report(browser: webdriver.Chrome) -> str:
    frame = browser.find_element(By.ID, "report")
    until(frame.is_displayed)
    browser.switch_to.frame(frame)
    text = str(until(lambda: browser.find_element(By.TAG_NAME, "body").text))
    browser.switch_to.parent_frame()
    return text


def test_a_user_reads_the_verdict_of_a_run_and_follows_a_jump(
    browser: webdriver.Chrome, address: str
) -> None:
    enter_tab(browser, address)
    choose(browser, RUN)
    assert "waiting for a batch to fill or time out" in read_report(browser)
    browser.find_element(By.CSS_SELECTOR, "#spots summary").click()
    links = browser.find_elements(By.CSS_SELECTOR, "#spot-list a")
    link = next(each for each in links if each.text.startswith("request 67 "))
    target = link.get_attribute("href")
    link.click()
    assert problems(browser) == []

    browser.switch_to.window(browser.window_handles[-1])
    assert browser.current_url == target
    view = until(
        lambda: browser.execute_script(
            "const viewer = document.querySelector('tf-trace-viewer');"
            "return viewer?._loadedTraceEvents?.size ? viewer.currentViewportRange : null"
        )
    )
    # The request is open from 2518.0 to 2586.6 ms.
    assert 2400 < view["min"] < 2518.1
    assert 2586.6 < view["max"] < 2700
    assert problems(browser) == []
    browser.close()
    browser.switch_to.window(browser.window_handles[0])


def test_two_runs_are_compared_in_the_tab(browser: webdriver.Chrome, address: str) -> None:
    enter_tab(browser, address)
    choose(browser, OTHER)
    read_report(browser)
    choose(browser, RUN, "other")
    text = until(
        lambda: compared if "Before and after" in (compared := read_report(browser)) else ""
    )
    assert "Before and after" in text
    assert problems(browser) == []


def test_a_hostile_name_of_a_run_is_only_text(browser: webdriver.Chrome, address: str) -> None:
    enter_tab(browser, address)
    choose(browser, HOSTILE)
    read_report(browser)
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert problems(browser) == []
