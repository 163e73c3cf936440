"""What all metric families share: their moment, their labels, and what is missing from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import InfoMetricFamily, Timestamp

from diag.model.printable import TEXT_MAX_CHARS, printable

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """What a format says of the time of its numbers; None where it says nothing.

    Attributes:
        begin_s: When counters began at 0: begin of the window, s since 1970.
        end: When the numbers were true: end of the window.
    """

    begin_s: float | None = None
    end: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A series that is left out.

    Attributes:
        metric: Name of its family.
        reason: Why, as a short phrase.
        labels: Which one; () for the whole family.
    """

    metric: str
    reason: str
    labels: tuple[tuple[str, str], ...] = ()


def timestamp(unix_ns: int) -> Timestamp:
    """A time since 1970 as the formats write it."""
    return Timestamp(*divmod(unix_ns, SECOND_NS))


def seconds(time_ns: int) -> float:
    """The unit of all times in metrics."""
    return time_ns / SECOND_NS


def label_values(names: Iterable[str]) -> Iterator[str]:
    """Names as values of a label: printable, of limited length, and no two of them the same."""
    seen: set[str] = set()
    for name in names:
        value = shown = printable(name, TEXT_MAX_CHARS)
        number = 1
        while value in seen:
            number += 1
            value = f"{shown} #{number}"
        seen.add(value)
        yield value


def missing_family(found: Iterable[Missing], moment: Moment) -> InfoMetricFamily:
    """Series without a value, each with the reason; neither format has a comment for that."""
    family = InfoMetricFamily("diag_missing", "Series left out of these metrics, and why.")
    for each in found:
        labels = {"metric": each.metric, "reason": each.reason, **dict(each.labels)}
        shown = {name: printable(value, TEXT_MAX_CHARS) for name, value in labels.items()}
        family.add_metric((), shown, timestamp=moment.end)
    return family
