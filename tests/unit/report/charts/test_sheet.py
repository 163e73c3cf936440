"""Charts as files: whole SVG documents with the page's drawings, and PNGs of them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from diag.errors import InputError, UsageError
from diag.report.chart_files import draw_charts
from diag.report.charts.png import png_of
from diag.report.formats import FORMATS, RenderOptions
from tests.golden.test_reports import make_report as sample_report
from tests.unit.report.rendering import HOSTILE_NAMES
from tests.unit.report.test_html import hostile_report

TAGS = {"svg", "style", "defs", "pattern", "rect", "path", "line", "text", "circle"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(name="files", scope="module")
def _files() -> dict[str, bytes]:
    return draw_charts(sample_report("batch-timeout"))


def test_each_chapter_with_charts_is_a_file(files):
    assert set(files) == {
        "verdict.svg",
        "requests.svg",
        "idle.svg",
        "timeline.svg",
        "tail.svg",
        "batches.svg",
    }


def test_a_file_needs_nothing_from_elsewhere(files):
    for data in files.values():
        text = data.decode()
        root = ET.fromstring(text)
        assert root.tag == f"{SVG}svg"
        assert "var(" not in text
        ids = {each.get("id") for each in root.iter() if each.get("id")}
        assert set(re.findall(r"url\(#(.*?)\)", text)) <= ids
        assert not re.search(r"href|@import|<image|<script|http(?!://www.w3.org/2000/svg)", text)


def test_the_drawings_are_those_of_the_page(files):
    page = FORMATS["html"].render(sample_report("batch-timeout"), RenderOptions())
    bars = re.findall(r'<svg class="(?:bar|static)".*?</svg>', page, re.S)
    drawn = "".join(data.decode() for data in files.values())
    assert len(bars) >= 6
    assert [bar for bar in bars if bar not in drawn] == []


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_name_is_only_text(name):
    for data in draw_charts(hostile_report(name)).values():
        root = ET.fromstring(data)
        known = {f"{SVG}{tag}" for tag in TAGS}
        assert {each.tag for each in root.iter()} <= known
        assert max(len(each.text or "") for each in root.iter(f"{SVG}text")) <= 200


def test_a_png_has_the_size_of_the_drawing_twice(files):
    pngs = draw_charts(sample_report("batch-timeout"), png=True)
    assert {name.removesuffix(".png") for name in pngs} == {
        name.removesuffix(".svg") for name in files
    }
    for name, data in pngs.items():
        root = ET.fromstring(files[name.replace(".png", ".svg")])
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        assert size == (2 * int(root.get("width")), 2 * int(float(root.get("height"))))


class NoFonts:
    """As resvg_py on a machine without fonts: text draws nothing."""

    @staticmethod
    def svg_to_bytes(**_: object) -> bytes:
        return b"the same"


def test_a_machine_without_fonts_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", NoFonts)
    with pytest.raises(InputError, match="has none") as caught:
        png_of({})
    assert "apt-get install" in caught.value.hint


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(UsageError) as caught:
        png_of({})
    assert caught.value.hint == "pip install 'tfserving-diag[charts]'"


def test_charts_under_one_heading_share_a_key_below_the_last(files):
    text = files["batches.svg"].decode()
    heading = text.index("Rows per batch of")
    key = text.index(">timeout</text>")  # beside its swatch, not in a bar
    assert heading < text.rindex(" rows</text>") < key < text.index("Time of a batch of")
    assert text.count(">timeout</text>") == 1
