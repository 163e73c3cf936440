"""Moments of a recording that are worth a look in a trace viewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.requests.choice import slowest
from diag.model.gaps import IDLE_CAUSES
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, instant
from diag.model.serving import STAGES
from diag.tensorboard.messages import Spot

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.finding import Finding
    from diag.model.gaps import LongGap

REQUESTS = 10
GAPS = 10


def spots_of(analysis: Analysis, findings: tuple[Finding, ...]) -> tuple[Spot, ...]:
    """What shows each finding, the longest idle stretches, and the slowest requests."""
    shown = (_of_finding(analysis, finding) for finding in findings)
    return (*filter(None, shown), *_gaps(analysis), *_requests(analysis))


def _of_finding(analysis: Analysis, finding: Finding) -> Spot | None:
    """Its first evidence with a place in time; else the longest stretch of its cause."""
    for evidence in finding.evidence:
        source = evidence.source
        if 0 <= source.start_ns < source.end_ns:
            what = printable(evidence.name, NAME_MAX_CHARS)
            return _spot("finding", f"{finding.id}: {what}", source.start_ns, source.end_ns)
    stage = next((each for each in STAGES if each.value == finding.cause), None)
    if stage is not None and len(analysis.requests):
        row = int(analysis.requests.stage_ns[:, stage.index].argmax())
        what = f"{finding.id}: request {row}, with the longest {stage.value}"
        start_ns, end_ns = analysis.requests.start_ns[row], analysis.requests.end_ns[row]
        return _spot("finding", what, int(start_ns), int(end_ns))
    cause = next((each for each in IDLE_CAUSES if each.value == finding.cause), None)
    gaps = analysis.gaps
    rows = np.flatnonzero(gaps.cause_index == cause.index) if cause else np.empty(0, np.int64)
    if cause is None or not len(rows):
        return None
    row = int(rows[(gaps.end_ns - gaps.start_ns)[rows].argmax()])
    what = f"{finding.id}: the longest {cause.value}"
    return _spot("finding", what, int(gaps.start_ns[row]), int(gaps.end_ns[row]))


def _gaps(analysis: Analysis) -> Iterator[Spot]:
    """Those with an open request come first: without one there is nothing to explain."""

    def order(gap: LongGap) -> tuple[bool, int]:
        return (gap.waiting_total == 0, gap.start_ns - gap.end_ns)

    for gap in sorted(analysis.longest_gaps, key=order)[:GAPS]:
        main = max(gap.causes, key=lambda cause: cause[1])[0].value if gap.causes else "idle"
        name = printable(analysis.timelines[gap.timeline_index].name, NAME_MAX_CHARS)
        length = duration(gap.end_ns - gap.start_ns)
        yield _spot("idle", f"{name} idle for {length}: {main}", gap.start_ns, gap.end_ns)


def _requests(analysis: Analysis) -> Iterator[Spot]:
    requests = analysis.requests
    for row in slowest(requests, REQUESTS).tolist():
        start_ns, end_ns = int(requests.start_ns[row]), int(requests.end_ns[row])
        model = printable(requests.models[requests.model_index[row]], NAME_MAX_CHARS)
        text = f"request {row} of {model}: {duration(end_ns - start_ns)}"
        yield _spot("request", text, start_ns, end_ns)


def _spot(kind: str, text: str, start_ns: int, end_ns: int) -> Spot:
    return Spot(kind, f"{text}, at {instant(start_ns)} ms", start_ns, end_ns)
