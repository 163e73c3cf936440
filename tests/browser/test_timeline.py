"""The timeline in a browser: zoom by mouse, keys and address, and the numbers of the report."""

from __future__ import annotations

import re

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys

from diag.model.quantity import percent
from tests.browser.pages import gpu_report, server_report

WINDOW_MS = 4000.0
BUSY = "#2f5bbd"


@pytest.fixture(name="timeline")
def _timeline(tab, pages):
    """The recorded server's, with the focus on it."""
    tab.open(pages["server"])
    tab.run("document.getElementById('timeline').scrollIntoView()")
    tab.run("document.querySelector('.tracks').focus()")
    return tab


def press(tab, *keys):
    for key in keys:
        ActionChains(tab.driver).send_keys(key).perform()
        tab.frame()


def busy_share(report, from_ms, to_ms):
    """Share of busy time of the first lane in a span, from the report's series."""
    series = next(each for each in report.section("timeline").series if each.kind == "intervals")
    start, end = (np.array(series.values[key]) / 1e6 for key in ("start_ns", "end_ns"))
    inside = np.clip(np.minimum(end, to_ms) - np.maximum(start, from_ms), 0, None)
    is_busy = np.array([state == "busy" for state in series.values["state"]])
    return float(inside[is_busy].sum() / (to_ms - from_ms))


def test_keys_zoom_move_and_show_all(timeline):
    assert timeline.view() == (0, WINDOW_MS)
    press(timeline, "+")
    assert timeline.view() == (1000, 3000)
    press(timeline, Keys.ARROW_RIGHT)
    assert timeline.view() == (1600, 3600)
    press(timeline, Keys.ARROW_LEFT, "-")
    assert timeline.view() == (0, WINDOW_MS)
    press(timeline, *"++++++++++++++++++++++")
    begin, end = timeline.view()
    assert end - begin == pytest.approx(0.04, abs=0.001)
    press(timeline, "0")
    assert timeline.view() == (0, WINDOW_MS)
    press(timeline, "+", Keys.ESCAPE)
    assert timeline.view() == (0, WINDOW_MS)


def test_keys_act_only_while_the_timeline_has_the_focus(timeline):
    timeline.run("document.querySelector('#theme').focus()")
    press(timeline, "+", "g", "s")
    assert timeline.view() == (0, WINDOW_MS)


def test_g_and_s_find_idle_stretches_and_slow_requests_and_say_them(timeline):
    press(timeline, "s")
    said = timeline.find("[role=status]").get_attribute("textContent")
    slowest = max(server_report().table("slowest_requests").rows, key=lambda r: r["duration_ns"])
    assert f"Number 1 of the 12 slowest requests: {slowest['duration_ns'] / 1e6:.1f} ms" in said
    begin, end = timeline.view()
    middle = (slowest["start_ns"] + slowest["duration_ns"] / 2) / 1e6
    assert begin < middle - server_report().server.window_start_ns / 1e6 < end
    press(timeline, "g", "g", "G")
    said = timeline.find("[role=status]").get_attribute("textContent")
    assert re.search(r"Idle stretch 1 of the 50 longest: cpu-execution, [a-z-]+, [\d.]+ ms", said)
    first = timeline.view()
    press(timeline, "g")
    assert timeline.view()[0] > first[0]


def test_dragging_shows_the_span_that_was_dragged_over(timeline):
    over = timeline.plot("cpu-execution")
    width = over.size["width"]
    actions = ActionChains(timeline.driver)
    actions.move_to_element_with_offset(over, -width // 4, 0).click_and_hold()
    actions.move_by_offset(width // 4, 0).release().perform()
    timeline.frame()
    assert timeline.view() == (pytest.approx(1000, abs=8), pytest.approx(2000, abs=8))
    ActionChains(timeline.driver).double_click(over).perform()
    timeline.frame()
    assert timeline.view() == (0, WINDOW_MS)


def test_the_whole_window_sets_the_view_and_shows_it(timeline):
    over = timeline.plot("whole window")
    width = over.size["width"]
    actions = ActionChains(timeline.driver)
    actions.move_to_element_with_offset(over, 0, 0).click_and_hold()
    actions.move_by_offset(width // 4, 0).release().perform()
    timeline.frame()
    assert timeline.view() == (pytest.approx(2000, abs=8), pytest.approx(3000, abs=8))
    brush = timeline.find(".brush")
    assert brush.is_displayed()
    assert brush.size["width"] == pytest.approx(width / 4, abs=4)


def wheel(tab, keys, over, dx, dy):
    actions = ActionChains(tab.driver)
    if keys:
        actions.key_down(keys)
    actions.scroll_by_amount(0, 0).move_to_element(over)
    actions.perform()
    origin = over.rect
    tab.command(
        "Input.dispatchMouseEvent",
        type="mouseWheel",
        x=origin["x"] + origin["width"] / 2 - tab.run("return scrollX"),
        y=origin["y"] + 20 - tab.run("return scrollY"),
        deltaX=dx,
        deltaY=dy,
        modifiers={"": 0, Keys.CONTROL: 2, Keys.SHIFT: 8}[keys],
    )
    tab.frame()
    tab.frame()
    if keys:
        ActionChains(tab.driver).key_up(keys).perform()


def test_a_plain_wheel_scrolls_the_page_and_ctrl_zooms_at_the_pointer(timeline):
    over = timeline.plot("cpu-execution")
    before = timeline.run("return scrollY")
    wheel(timeline, Keys.CONTROL, over, 0, -100)
    begin, end = timeline.view()
    assert end - begin == pytest.approx(WINDOW_MS * np.exp(-0.4), rel=0.02)
    assert (begin + end) / 2 == pytest.approx(2000, abs=20)
    assert timeline.run("return scrollY") == before
    wheel(timeline, Keys.SHIFT, over, 0, 100)
    assert timeline.view()[0] > begin
    here = timeline.view()
    wheel(timeline, "", over, 0, 100)
    assert timeline.view() == here
    assert timeline.run("return scrollY") != before


def test_the_span_is_in_the_address_and_is_read_from_it(tab, pages):
    tab.open(pages["server"], fragment="#t=340.0000-430.0000")
    assert tab.view() == (340, 430)
    tab.run("location.hash = '#t=1000-1200'")
    tab.frame()
    assert tab.view() == (1000, 1200)
    tab.run("document.querySelector('.tracks').focus()")
    press(tab, "+")
    tab.driver.execute_async_script("setTimeout(arguments[0], 250)")
    assert tab.run("return location.hash") == "#t=1050.0000-1150.0000"
    tab.open(pages["server"], fragment="#t=junk-1&<script>")
    assert tab.view() == (0, WINDOW_MS)
    assert tab.messages() == []


@pytest.mark.parametrize("span", [(0, 4000), (1000, 1400), (1500, 1530)])
def test_the_lane_and_the_words_show_the_shares_of_the_report(tab, pages, span):
    tab.open(pages["server"], fragment=f"#t={span[0]}-{span[1]}")
    share = busy_share(server_report(), *span)
    assert f"cpu-execution busy {percent(share)}" in tab.in_view()
    # Labels and lines between intervals take some of the colour.
    assert tab.pixels("cpu-execution", BUSY) == pytest.approx(share, rel=0.12, abs=0.01)


def test_every_device_has_a_lane(tab, pages):
    tab.open(pages["gpu"])
    for device in ("/device:GPU:0", "/device:GPU:1"):
        assert tab.plot(device).is_displayed()
    share = busy_share(gpu_report(), 0, gpu_report().server.window_ns / 1e6)
    assert f"/device:GPU:0 busy {percent(share)}" in tab.in_view()


def test_a_source_without_data_keeps_its_track_and_says_why(tab, pages):
    tab.open(pages["server"])
    (absent,) = tab.run("return [...document.querySelectorAll('.absent')].map((e) => e.innerText)")
    assert absent.startswith("not known: no NVIDIA driver")


def test_the_pointer_tells_how_sure_a_cause_is(timeline):
    series = next(
        each for each in server_report().section("timeline").series if each.kind == "intervals"
    )
    rows = zip(
        *(series.values[k] for k in ("start_ns", "end_ns", "state", "confidence")), strict=True
    )
    start, end, state, level = max(
        (row for row in rows if row[2] != "busy"), key=lambda row: row[1] - row[0]
    )
    over = timeline.plot("cpu-execution")
    width = over.size["width"]
    at = int(width * ((start + end) / 2e6 / WINDOW_MS - 0.5))
    ActionChains(timeline.driver).move_to_element_with_offset(over, at, 0).perform()
    assert f"cpu-execution: {state} for " in timeline.find(".at-point").text
    assert f", {level} confidence" in timeline.find(".at-point").text


def test_a_click_shows_the_interval_whole(tab, pages):
    series = next(
        each for each in gpu_report().section("timeline").series if each.kind == "intervals"
    )
    start, end = max(
        zip(series.values["start_ns"], series.values["end_ns"], strict=True),
        key=lambda row: row[1] - row[0],
    )
    tab.open(pages["gpu"])
    over = tab.plot("/device:GPU:0")
    tab.run("arguments[0].scrollIntoView({block: 'center'})", over)
    window = gpu_report().server.window_ns
    at = int(over.size["width"] * ((start + end) / 2 / window - 0.5))
    ActionChains(tab.driver).move_to_element_with_offset(over, at, 0).click().perform()
    tab.frame()
    begin, until = tab.view()
    assert begin < start / 1e6 < end / 1e6 < until
    assert until - begin == pytest.approx(2.2 * (end - start) / 1e6, abs=1)  # shown in whole ms


def test_a_track_far_from_the_screen_follows_when_it_comes_near(tab, pages):
    tab.open(pages["server"], fragment="#verdict")
    tab.run("location.hash = '#t=1500-1530'; scrollTo(0, 0)")
    tab.frame()
    tab.run("document.getElementById('timeline').scrollIntoView()")
    tab.frame()
    tab.frame()
    share = busy_share(server_report(), 1500, 1530)
    assert tab.pixels("cpu-execution", BUSY) == pytest.approx(share, rel=0.12, abs=0.01)


def test_what_is_less_sure_is_paler_and_the_legend_says_so(tab, pages):
    tab.open(pages["server"], scripts=False)
    assert "Paler: less sure" in tab.text()
    fills = tab.run(
        "return [...document.querySelectorAll('#tl-static svg path')]"
        ".map((each) => getComputedStyle(each).fillOpacity)"
    )
    assert {"1", "0.7"} <= set(fills)


def test_both_sides_of_a_comparison_are_zoomed_together(tab, pages):
    tab.open(pages["comparison"])
    for track in ("before: cpu-execution", "after: cpu-execution", "before: requests"):
        assert tab.plot(track).is_displayed()
    tab.run("document.querySelector('.tracks').focus()")
    press(tab, "+")
    assert tab.view() == (1000, 3000)
    assert "before: cpu-execution busy" in tab.in_view()
    assert "after: cpu-execution busy" in tab.in_view()
    press(tab, "0", "s")
    assert "slowest requests: after, " in tab.find(".at-point").text or (
        "slowest requests: before, " in tab.find(".at-point").text
    )
    tab.run("location.hash = '#t=3500-3900'")  # the recording after is over
    tab.frame()
    assert "after: cpu-execution not recorded" in tab.in_view()


def test_iterations_of_a_loop_stand_where_requests_would(tab, pages):
    tab.open(pages["loop"])
    assert "Slowest iterations" in tab.find(".tracks").text
    tab.run("document.querySelector('.tracks').focus()")
    press(tab, "s")
    assert "slowest iterations" in tab.find(".at-point").text


def test_two_fingers_zoom(timeline):
    """Touch as the browser reports it, since the driver has no second finger."""
    timeline.run(
        """
        const body = document.querySelector('.tracks');
        const send = (type, id, x) => body.dispatchEvent(
          new PointerEvent(type, {pointerId: id, pointerType: 'touch', clientX: x, bubbles: true}));
        send('pointerdown', 1, 400); send('pointerdown', 2, 600);
        send('pointermove', 2, 800);
        send('pointerup', 1, 400); send('pointerup', 2, 800);
        """
    )
    timeline.frame()
    assert timeline.view() == (1000, 3000)
