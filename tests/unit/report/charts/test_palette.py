"""Colours are told apart and read, by WCAG's contrast, in both themes."""

from __future__ import annotations

import pytest

from diag.model.gaps import IDLE_CAUSES
from diag.model.serving import CLOSE_REASONS, STAGES
from diag.report.charts.palette import HATCHED, HUES, ORDER, class_of, is_colored

SURFACES = {"light": "#ffffff", "dark": "#12161c"}


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", [name for name in HUES if name != "none"])
def test_fills_stand_out_and_the_text_on_them_is_read(name):
    hue = HUES[name]
    assert contrast(hue.light, SURFACES["light"]) >= 3
    assert contrast(hue.dark, SURFACES["dark"]) >= 3
    assert contrast(hue.on_light, hue.light) >= 4.5
    assert contrast(hue.on_dark, hue.dark) >= 4.5


def test_every_stage_cause_and_reason_has_a_colour_of_its_own():
    names = [each.value for each in (*STAGES, *IDLE_CAUSES, *CLOSE_REASONS)]
    assert [name for name in names if not is_colored(name)] == []
    assert {class_of(name) for name in names} == {*ORDER, "none"} == {*HUES, *HATCHED}


def test_an_unknown_name_has_the_colour_of_the_unknown():
    assert class_of("no such stage") == "unk"
