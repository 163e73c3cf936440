"""SVG → PNG with resvg (MPL-2.0, wheels for all platforms): neither a browser nor Cairo."""

from __future__ import annotations

from typing import Any

from diag.errors import InputError
from diag.extras import import_extra

ZOOM = 2.0  # dots per pixel of the drawing, so that text stays sharp on paper
_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">'
    '<text x="2" y="15" font-family="{}">diag</text></svg>'
)
# What the machine may have, by what most systems install.
_FAMILIES = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica")


def png_of(documents: dict[str, str]) -> dict[str, bytes]:
    """Each SVG document as a PNG, on white.

    Nothing is loaded from disk or network but the fonts of the machine.

    Raises:
        UsageError: resvg-py is not installed.
        InputError: The machine has no font, so that the charts would have no text.
    """
    resvg = import_extra("resvg_py", "charts", "a chart as PNG")
    family = _font(resvg)
    return {
        name: resvg.svg_to_bytes(svg_string=text, zoom=ZOOM, sans_serif_family=family)
        for name, text in documents.items()
    }


def _font(resvg: Any) -> str:
    empty = resvg.svg_to_bytes(svg_string=_PROBE.format("x"), skip_system_fonts=True)
    for family in _FAMILIES:
        if resvg.svg_to_bytes(svg_string=_PROBE.format(family)) != empty:
            return family
    raise InputError(
        "charts as PNG need a font, and this machine has none",
        hint="install one, for example: apt-get install fonts-dejavu-core",
    )
