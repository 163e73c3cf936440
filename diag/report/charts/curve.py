"""Points over a whole number, and the line that was fitted to them, as SVG text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEIGHT_PX = 190
CURVE_STYLE = (
    ".grid{stroke:var(--line);stroke-width:1}.fitted{stroke:var(--ink);stroke-dasharray:5 4;"
    "stroke-width:1.4}.tick{fill:var(--mute)}.middle{text-anchor:middle}"
)
_TOP_PX, _BASE_PX = 12, 166
_MARGIN = 0.06  # of the width, left of 0 and right of the last point
_DOT_PX = (3.5, 9.0)  # radius of a point of one run, and of the one with most
_LABELS_MAX = 16  # below the axis
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one place.

    Attributes:
        x: A whole number above 0.
        time_ns: Mean time.
        count: How often; decides the area of the dot.
        fitted_ns: The line at ``x``; None without a line.
    """

    x: int
    time_ns: float
    count: int
    fitted_ns: float | None


def curve(points: Sequence[Point], label: str) -> Markup:
    """Both axes begin at 0; the line is drawn where points are, as beyond them nothing is known.

    Args:
        points: At least one, by ``x``.
        label: What a screen reader says.
    """
    most_ns = max(max(each.time_ns, each.fitted_ns or 0.0) for each in points)
    step_ns = tick_step(most_ns)
    drawn = Markup("").join(
        (
            *_grid(step_ns, most_ns),
            *_numbers(points),
            *_line(points, most_ns),
            *_dots(points, most_ns),
        )
    )
    return Markup(
        '<svg class="curve" width="100%" height="{0}" role="img" aria-label="{1}">{2}</svg>'
    ).format(HEIGHT_PX, printable(label, TEXT_MAX_CHARS), drawn)


def tick_step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that at most ``_TICKS`` of it are in ``most``."""
    if most <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(most / _TICKS))
    return next(size * n for n in (1, 2, 5, 10) if most / (size * n) <= _TICKS)


def _x(value: float, points: Sequence[Point]) -> float:
    return 100 * (_MARGIN + (1 - 2 * _MARGIN) * value / points[-1].x)


def _y(time_ns: float, most_ns: float) -> float:
    return _BASE_PX - (_BASE_PX - _TOP_PX) * time_ns / most_ns if most_ns > 0 else _BASE_PX


def _grid(step_ns: float, most_ns: float) -> Iterator[Markup]:
    for index in range(int(most_ns / step_ns) + 1):
        y = _y(index * step_ns, most_ns)
        yield Markup('<path class="{0}" d="M0 {1:.1f}H4000"/>').format(
            "grid" if index else "axis", y
        )
        if index:
            yield Markup('<text class="tick" y="{0:.1f}">{1}</text>').format(
                y - 3, duration(index * step_ns)
            )


def _numbers(points: Sequence[Point]) -> Iterator[Markup]:
    """Below the axis, as many as have room."""
    every = -(-len(points) // _LABELS_MAX)
    for each in points[::-1][::every]:
        yield Markup('<text class="tick middle" x="{0:.2f}%" y="{1}">{2}</text>').format(
            _x(each.x, points), HEIGHT_PX - 8, each.x
        )


def _line(points: Sequence[Point], most_ns: float) -> Iterator[Markup]:
    fitted = [each for each in points if each.fitted_ns is not None]
    for first, last in [(fitted[0], fitted[-1])] if len(fitted) > 1 else []:
        places = [
            (_x(each.x, points), _y(each.fitted_ns or 0.0, most_ns)) for each in (first, last)
        ]
        yield Markup(
            '<line class="fitted" x1="{0:.2f}%" y1="{1:.1f}" x2="{2:.2f}%" y2="{3:.1f}"/>'
        ).format(*places[0], *places[1])


def _dots(points: Sequence[Point], most_ns: float) -> Iterator[Markup]:
    most = max(each.count for each in points)
    least_px, most_px = _DOT_PX
    for each in points:
        radius = least_px + (most_px - least_px) * math.sqrt(each.count / most)
        yield Markup('<circle class="seg c-busy" cx="{0:.2f}%" cy="{1:.1f}" r="{2:.1f}"/>').format(
            _x(each.x, points), _y(each.time_ns, most_ns), radius
        )
