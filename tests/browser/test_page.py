"""The page in a browser: clean, accessible, closed, and whole without scripts and on paper."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from diag.report.html.terms import MEANINGS
from tests.browser.pages import PAGES

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# Of axe-core 4.14.1 in the npm registry (MPL-2.0).
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CLEAN = [name for name in PAGES if not name.startswith("hostile")]


def violations(tab):
    tab.run(AXE.read_text())
    found = tab.driver.execute_async_script(
        "const done = arguments[1];"
        "axe.run({runOnly: arguments[0]}).then((result) => done(result.violations.map("
        "(each) => [each.id, each.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))])));",
        TAGS,
    )
    return [tuple(each) for each in found]


def test_the_judge_is_the_published_one():
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", CLEAN)
def test_a_page_is_accessible_and_fits(tab, pages, name, width, theme):
    tab.open(pages[name], width=width, theme=theme)
    assert tab.messages() == []
    assert tab.run("return document.documentElement.scrollWidth") <= width
    assert tab.run("return performance.getEntriesByType('resource').length") == 0
    assert violations(tab) == []


def test_the_judge_finds_what_is_wrong(tab, pages):
    tab.open(pages["server"])
    tab.run("document.querySelector('svg[role=img]').removeAttribute('aria-label')")
    assert "svg-img-alt" in [name for name, _ in violations(tab)]


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("hostile")])
def test_hostile_names_run_nothing(tab, pages, name):
    tab.open(pages[name])
    tab.find("body").click()
    for key in "gs+0":
        tab.run(
            "const body = document.querySelector('.tracks');"
            "if (body) body.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0]}))",
            key,
        )
        tab.frame()
    assert tab.run("return window.planted") is None
    assert tab.messages() == []
    assert "window.planted" in tab.text()
    assert tab.run("return document.querySelectorAll('script').length") <= 3
    assert tab.run("return document.querySelectorAll('img, iframe, object, base').length") == 0
    links = tab.run("return [...document.links].map((link) => link.getAttribute('href'))")
    assert [link for link in links if not link.startswith("#")] == []
    assert tab.run("return document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_name_opens_its_definition_by_keyboard(tab, pages, width, scripts):
    tab.open(pages["server"], width=width, scripts=scripts)
    button = tab.find("#requests th button.def")
    definition = tab.find(f"#{button.get_attribute('popovertarget')}")
    assert not definition.is_displayed()
    button.send_keys(Keys.ENTER)
    assert definition.is_displayed()
    assert MEANINGS[button.text] in definition.text
    box = definition.rect
    assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    button.send_keys(Keys.ESCAPE)
    assert not definition.is_displayed()


def test_an_open_definition_is_accessible(tab, pages):
    tab.open(pages["server"])
    tab.find("#requests th button.def").send_keys(Keys.ENTER)
    assert violations(tab) == []


def test_the_policy_stops_what_is_injected(tab, pages):
    """The same page with a script of somebody else: the browser refuses it, and says so."""
    text = pages["server"].read_text()
    path = pages["server"].with_name("injected.html")
    path.write_text(text.replace("</main>", "<script>window.planted = true</script></main>"))
    tab.open(path)
    assert tab.run("return window.planted") is None
    (message,) = tab.messages()
    assert "Content Security Policy" in message


@pytest.mark.parametrize("width", [1280, 390])
def test_without_scripts_nothing_but_the_zoom_is_missing(tab, pages, width):
    tab.open(pages["server"], width=width)
    scripted = tab.text()
    tab.open(pages["server"], width=width, scripts=False)
    assert len(tab.text()) >= 0.95 * len(scripted)
    assert tab.find("#tl-static").is_displayed()
    assert not tab.find("#tl").is_displayed()
    assert not tab.find("#theme").is_displayed()
    lane = tab.find("#tl-static svg")
    assert lane.size["width"] > 0.8 * width


def test_on_paper_the_fixed_timeline_stands_in_light_colours(tab, pages):
    tab.open(pages["server"], theme="dark")
    tab.find("#theme").click()
    tab.find("#theme").click()
    assert tab.run("return document.documentElement.dataset.theme") == "dark"
    tab.media("print")
    assert tab.find("#tl-static").is_displayed()
    assert not tab.find("#tl").is_displayed()
    assert not tab.find(".top").is_displayed()
    background = tab.run("return getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert 3 <= tab.pdf_pages() <= 12


def test_the_theme_can_be_chosen_and_the_canvas_follows(tab, pages):
    tab.open(pages["server"], theme="light")
    light, dark = "#2f5bbd", "#5684f7"  # busy
    assert tab.pixels("cpu-execution", light) > 0.1 > tab.pixels("cpu-execution", dark)
    for shown in ("Light", "Dark"):
        tab.find("#theme").click()
        assert tab.find("#theme").text == f"Theme: {shown}"
    tab.frame()
    assert tab.pixels("cpu-execution", dark) > 0.1 > tab.pixels("cpu-execution", light)
    tab.find("#theme").click()
    assert tab.run("return document.documentElement.dataset.theme") is None
