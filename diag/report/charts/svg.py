"""Static charts as SVG text: bars of parts, ranges, columns of shares.

Horizontal places are percents of the width, so that text keeps its size and a bar follows the page.
Every value that is text is escaped. Fills are classes of ``palette``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.charts.palette import HATCHED, ORDER, class_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

WIDTH_PX = 700  # of a full bar on paper, the narrowest with labels: decides which of them fit
_CHAR_PX = 7.2
PAIR_PX = 18  # height of two bars, before and after
_EMPTY = Markup("")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar.

    Attributes:
        name: Decides its colour.
        share: Of the bar's full width, 0 to 1.
        text: Its value, as it is shown elsewhere.
    """

    name: str
    share: float
    text: str


def hatch_defs() -> Markup:
    """The hatches, once a page; they follow the page's colours."""
    patterns = Markup("").join(
        Markup(
            '<pattern id="h-{0}" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="6" height="6" class="c-{1}"/>'
            '<path class="hatch" d="M1.5 0V6"/></pattern>'
        ).format(name, base)
        for name, base in HATCHED.items()
    )
    return Markup(
        '<svg width="0" height="0" class="vh" aria-hidden="true"><defs>{}</defs></svg>'
    ).format(patterns)


def swatch(name: str) -> Markup:
    """A small square of the colour of a stage or state."""
    return Markup(
        '<svg class="sw" width="11" height="11" aria-hidden="true">'
        '<rect width="11" height="11" rx="2" class="c-{0}{1}"/></svg>'
    ).format(class_of(name), " edge" if class_of(name) == "none" else "")


def bar(parts: Sequence[Part], label: str, *, height: int) -> Markup:
    """Parts side by side, each with its name and value in it if they fit, else the value."""
    drawn, x = _EMPTY, 0.0
    for part in parts:
        width = min(part.share, 1 - x)
        drawn += _part(part, x, width, height)
        x += width
    return Markup(
        '<svg class="bar" width="100%" height="{0}" role="img" aria-label="{1}">{2}</svg>'
    ).format(height, _spoken(label), drawn)


def _part(part: Part, x: float, width: float, height: int) -> Markup:
    name = class_of(part.name)
    rect = Markup('<rect x="{0:.3f}%" width="{1:.3f}%" height="{2}" class="seg c-{3}"/>').format(
        x * 100, max(width, 0) * 100, height, name
    )
    room = width * WIDTH_PX - 14
    lines = (part.name, part.text)
    if height >= 40 and max(map(len, lines)) * _CHAR_PX <= room:
        return rect + _text(x, 18, name, part.name) + _text(x, 36, name, part.text, strong=True)
    both = f"{part.name} {part.text}"
    middle = height / 2 + 4
    if height < 40 and len(both) * _CHAR_PX <= room:
        return rect + _text(x, middle, name, both)
    if len(part.text) * _CHAR_PX <= room:
        return rect + _text(x, middle, name, part.text)
    return rect


def _text(x: float, y: float, name: str, text: str, *, strong: bool = False) -> Markup:
    base = HATCHED.get(name)
    plate = " plate" if base else ""
    return Markup(
        '<text x="{0:.3f}%" dx="7" y="{1:g}" class="wide on-{2}{3}{4}">{5}</text>'
    ).format(x * 100, y, name, plate, " strong" if strong else "", text)


def pair(shares: tuple[float, float], texts: tuple[str, str], label: str) -> Markup:
    """Before above after, as parts of the width; after is the full colour."""
    (before, after), (old, new) = shares, texts
    return Markup(
        '<svg class="pair" width="100%" height="{0}" role="img" aria-label="{1}">'
        '<rect class="before" width="{2:.2f}%" height="8"/>'
        '<rect class="after" y="10" width="{3:.2f}%" height="8"/></svg>'
    ).format(PAIR_PX, f"{label}: before {old}, after {new}", before * 100, after * 100)


def effect_range(low: float, high: float, most: float, label: str) -> Markup:
    """A range on an axis from 0 to ``most``; a ring where it could be no effect or more."""

    def at(value: float) -> float:
        return max(0.0, min(1.0, value / most)) * 100 if most else 0.0

    left, right = at(min(low, high)), at(max(low, high))
    return Markup(
        '<svg class="range" width="100%" height="22" role="img" aria-label="{0}">'
        '<path class="axis" d="M0 11H4000"/>'
        '<rect class="band" x="{1:.2f}%" width="{2:.2f}%" y="6" height="10" rx="3"/>'
        '<circle class="dot" cx="{3:.2f}%" cy="11" r="5"/></svg>'
    ).format(_spoken(label), left, max(right - left, 0.3), (left + right) / 2)


def share_lane(shares: npt.NDArray[np.float64], height: int, label: str) -> Markup:
    """Columns of exact shares of time, one class on the other.

    Args:
        shares: (columns, len(ORDER)), each 0 to 1; what a row lacks to 1 stays empty.
        height: In pixels.
        label: What a screen reader says.
    """
    columns = len(shares)
    drawn = _EMPTY
    bottom = np.zeros(columns)
    for index, name in enumerate(ORDER):
        top = bottom + shares[:, index]
        path = "".join(
            f"M{x} {height * (1 - low):.1f}V{height * (1 - high):.1f}h1V{height * (1 - low):.1f}z"
            for x, (low, high) in enumerate(zip(bottom.tolist(), top.tolist(), strict=True))
            if (high - low) * height >= 0.1
        )
        if path:
            drawn += Markup('<path class="c-{0}" d="{1}"/>').format(HATCHED.get(name, name), path)
        bottom = top
    return _stretched(columns, height, label, drawn)


def areas(drawn: Sequence[tuple[npt.NDArray[np.float64], str]], height: int, label: str) -> Markup:
    """Columns from the bottom up, the later ones before the earlier.

    Args:
        drawn: Heights of equal columns, 0 to 1, and the class of their colour.
        height: In pixels.
        label: What a screen reader says.
    """
    paths = _EMPTY
    for heights, name in drawn:
        steps = "".join(f"V{height * (1 - each):.1f}h1" for each in heights.tolist())
        paths += Markup('<path class="c-{0}" d="M0 {1}{2}V{1}z"/>').format(name, height, steps)
    columns = len(drawn[0][0]) if drawn else 1
    return _stretched(columns, height, label, paths)


def _stretched(columns: int, height: int, label: str, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="static" viewBox="0 0 {0} {1}" width="100%" height="{1}" '
        'preserveAspectRatio="none" role="img" aria-label="{2}">{3}</svg>'
    ).format(columns, height, _spoken(label), drawn)


def _spoken(label: str) -> str:
    """Control characters would make the document no XML."""
    return printable(label, TEXT_MAX_CHARS)
