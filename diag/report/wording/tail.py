"""What slow requests have in common, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.tail.properties import Kind
from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.report.notes import note_of

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.analysis.tail.association import Association
    from diag.analysis.tail.properties import Property
    from diag.report.model import Cell, Note

_TEXTS = {
    Kind.LARGE_BATCH: "ran in a batch of more than {value} rows",
    Kind.SMALL_BATCH: "ran in a batch of fewer than {value} rows",
    Kind.LARGE_REQUEST: "have more than {value} rows",
    Kind.SMALL_REQUEST: "have fewer than {value} rows",
    Kind.MUCH_COMPANY: "arrived while more than {value} others were open",
    Kind.LITTLE_COMPANY: "arrived while fewer than {value} others were open",
    Kind.FIRST_OF_BATCH: "were the first in their batch",
    Kind.LATE_IN_BURST: "arrived in a burst, after more than {value} others of it",
    Kind.FIRST_RUN: "ran in the first batch of its size in the window",
    Kind.SPLIT: "were split over several batches",
    Kind.QUEUE: "waited in queue {value}",
    Kind.DISTURBED: "arrived when {value}",
}
_DISTURBANCES = {
    IdleCause.THROTTLED: "the server was throttled",
    IdleCause.MODEL_LOAD: "a model was loaded or warmed up",
    IdleCause.COLD_START: "kernels were compiled or tuned",
    IdleCause.ALLOCATOR: "device memory was allocated or freed",
    IdleCause.PROFILER: "the profiler started or stopped",
    IdleCause.UNEXPLAINED: "nothing ran, and no event says why",
}


def describe_association(analysis: Analysis, found: Association) -> Note:
    """One item: the property, how many of the slow and of the rest have it, and the lift."""
    facts: dict[str, tuple[Cell, str]] = {
        "value": (_value(analysis, found.of), ""),
        "slow": (found.slow, "count"),
        "slow_total": (found.slow_total, "count"),
        "share": (found.rest / found.rest_total if found.rest_total else 0.0, "ratio"),
        "lift": (found.lift, ""),
        "low": (found.low, ""),
        "high": (found.high, ""),
    }
    rest = "{share} of the rest" if found.rest else "none of the rest"
    if not found.is_sure:
        strength = "which may be chance, as they lie in few stretches of the window"
    elif found.rest:
        strength = "{lift} times as often ({low} to {high})"
    else:
        strength = "at least {low} times as often"
    text = f"{{slow}} of {{slow_total}} {_text(found.of)}, against {rest}: {strength}"
    return note_of(text, facts, style="item")


def property_text(analysis: Analysis, of: Property) -> str:
    """The property, as the end of a sentence about requests."""
    return _text(of).format(value=_value(analysis, of))


def _text(of: Property) -> str:
    """``fewer than 1 other`` is told as none."""
    kind, value = of.kind, of.value
    if kind is Kind.MUCH_COMPANY and value == 0:
        return "arrived while others were open"
    if kind is Kind.LITTLE_COMPANY and value == 1:
        return "arrived while no other was open"
    return _TEXTS[kind]


def _value(analysis: Analysis, of: Property) -> Cell:
    if of.kind is Kind.QUEUE:
        return analysis.batches.queues[of.value].key
    if of.kind is Kind.DISTURBED:
        return _DISTURBANCES[IDLE_CAUSES[of.value]]
    return of.value
