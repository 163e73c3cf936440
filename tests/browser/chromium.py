"""A headless Chromium, and the pages that tests look at in it."""

from __future__ import annotations

import base64
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing but files can be opened
)
# Only messages that the page itself causes; the browser logs its own start elsewhere.
SETTLED = "return document.readyState === 'complete'"


def start(*flags: str) -> webdriver.Chrome:
    """``make test`` installs Chromium where it can, and leaves these tests out where it cannot."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.fail("no chromium with chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, *flags):  # of two of one name the last counts
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


@dataclass(frozen=True)
class Tab:
    """A page as it is shown."""

    driver: webdriver.Chrome

    def open(
        self,
        path: Path,
        *,
        width: int = 1280,
        theme: str = "light",
        scripts: bool = True,
        fragment: str = "",
    ) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.media("screen", theme)
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.messages()
        self.driver.get(f"{path.as_uri()}{fragment}")
        if scripts:
            self.frame()

    def media(self, name: str, theme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.command("Emulation.setEmulatedMedia", media=name, features=features)

    def command(self, name: str, **arguments: object) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def frame(self) -> None:
        """Waits until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));"
        )

    def messages(self) -> list[str]:
        """What was written to the console since the last call: errors, violations, warnings."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self) -> str:
        return str(self.find("body").text)

    def in_view(self) -> str:
        return str(self.find(".in-view").text)

    def view(self) -> tuple[float, float]:
        """The span in view, in ms, as the timeline shows it."""
        text = self.find(".range-in-view").text
        begin, _, rest = text.partition(" ms to ")
        return (float(begin.replace(",", "")), float(rest.partition(" ms")[0].replace(",", "")))

    def plot(self, track: str) -> WebElement:
        """The area of a track by the begin of its label."""
        found: WebElement = self.run(
            "return [...document.querySelectorAll('.track')]"
            ".find((each) => each.innerText.startsWith(arguments[0])).querySelector('.u-over')",
            track,
        )
        return found

    def pixels(self, track: str, css_color: str) -> float:
        """Part of a track's canvas that has exactly a color, 0 to 1."""
        return float(
            self.run(
                """
                const over = arguments[0], wanted = arguments[1];
                const canvas = over.closest('.uplot').querySelector('canvas');
                const {width, height} = canvas;
                const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                const rgb = [1, 3, 5].map((at) => parseInt(wanted.slice(at, at + 2), 16));
                let n = 0;
                for (let i = 0; i < data.length; i += 4) {
                  n += rgb.every((value, k) => Math.abs(value - data[i + k]) < 3);
                }
                return n / (width * height);
                """,
                self.plot(track),
                css_color,
            )
        )

    def pdf_pages(self) -> int:
        printed = self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(printed["data"]).count(b"/Type /Page\n")
