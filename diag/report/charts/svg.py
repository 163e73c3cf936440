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
from diag.report.charts.palette import HATCHED, ORDER, SURE, class_of

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


def swatch(name: str, level: str = "") -> Markup:
    """A small square of the colour of a stage or state, and of a confidence if given."""
    more = " edge" if class_of(name) == "none" else ""
    return Markup(
        '<svg class="sw" width="11" height="11" aria-hidden="true">'
        '<rect width="11" height="11" rx="2" class="c-{0}{1}"/></svg>'
    ).format(class_of(name), f"{more} q-{level}" if level else more)


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


def step(class_: str, low: float, high: float, label: str, *, height: int) -> Markup:
    """One piece of a bar by itself, from ``low`` to ``high`` of the width, 0 to 1; of a class."""
    return Markup(
        '<svg class="bar" width="100%" height="{0}" role="img" aria-label="{1}">'
        '<rect x="{2:.3f}%" width="{3:.3f}%" y="3" height="{4}" class="c-{5}"/></svg>'
    ).format(height, _spoken(label), low * 100, max((high - low) * 100, 0.15), height - 6, class_)


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


def effect_range(now: float, low: float, high: float, most: float, label: str) -> Markup:
    """Today's value and a range on an axis from 0 to ``most``; a ring where the range holds it."""

    def at(value: float) -> float:
        return max(0.0, min(1.0, value / most)) * 100 if most else 0.0

    left, right = at(min(low, high)), at(max(low, high))
    return Markup(
        '<svg class="range" width="100%" height="22" role="img" aria-label="{0}">'
        '<path class="axis" d="M0 11H4000"/>'
        '<rect class="band" x="{1:.2f}%" width="{2:.2f}%" y="6" height="10" rx="3"/>'
        '<rect class="dot" x="{3:.2f}%" width="2" y="2" height="18"/>'
        '<circle class="{4}" cx="{5:.2f}%" cy="11" r="5"/></svg>'
    ).format(
        _spoken(label),
        left,
        max(right - left, 0.3),
        min(at(now), 99.5),
        "ring" if left <= at(now) <= right else "dot",
        (left + right) / 2,
    )


def share_lane(
    shares: npt.NDArray[np.float64], recorded: Sequence[float], height: int, label: str
) -> Markup:
    """Columns of exact shares of time, one class on the other; the less sure, the paler.

    Args:
        shares: (columns, len(ORDER), len(SURE)), each 0 to 1; what a column lacks to 1 stays empty.
        recorded: Begin and end of what was recorded, in columns; empty for nothing.
        height: In pixels.
        label: What a screen reader says.
    """
    columns = len(shares)
    begin, end = recorded or (columns, columns)
    drawn = _EMPTY
    for x, width in ((0.0, begin), (end, columns - end)):
        if width > 0.01:
            drawn += Markup(
                '<rect class="unrecorded" x="{0:.2f}" width="{1:.2f}" height="{2}"/>'
            ).format(x, width, height)
    bottom = np.zeros(columns)
    for index, name in enumerate(ORDER):
        for number, level in enumerate(SURE):
            top = bottom + shares[:, index, number]
            edges = enumerate(
                zip(*((height * (1 - each)).tolist() for each in (bottom, top)), strict=True)
            )
            path = "".join(
                f"M{x} {low:.1f}V{high:.1f}h1V{low:.1f}z"
                for x, (low, high) in edges
                if low - high >= 0.1
            )
            if path:
                drawn += Markup('<path class="c-{0} q-{1}" d="{2}"/>').format(
                    HATCHED.get(name, name), level, path
                )
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
