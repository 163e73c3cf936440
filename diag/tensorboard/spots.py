"""Moments of a recording that are worth a look in a trace viewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.requests.choice import slowest
from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, instant
from diag.model.serving import STAGES
from diag.tensorboard.messages import Spot

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.finding import Finding

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
    """The longest pieces with one cause; without an open request there is nothing to explain."""
    gaps = analysis.gaps
    length_ns = np.where(
        gaps.cause_index == IdleCause.NO_DEMAND.index, 0, gaps.end_ns - gaps.start_ns
    )
    for row in np.argsort(-length_ns, kind="stable")[:GAPS].tolist():
        if length_ns[row] == 0:
            break
        name = printable(analysis.timelines[gaps.timeline_index[row]].name, NAME_MAX_CHARS)
        cause = IDLE_CAUSES[gaps.cause_index[row]].value
        text = f"{name} idle for {duration(int(length_ns[row]))}: {cause}"
        yield _spot("idle", text, int(gaps.start_ns[row]), int(gaps.end_ns[row]))


def _requests(analysis: Analysis) -> Iterator[Spot]:
    requests = analysis.requests
    for row in slowest(requests, REQUESTS).tolist():
        start_ns, end_ns = int(requests.start_ns[row]), int(requests.end_ns[row])
        model = printable(requests.models[requests.model_index[row]], NAME_MAX_CHARS)
        text = f"request {row} of {model}: {duration(end_ns - start_ns)}"
        yield _spot("request", text, start_ns, end_ns)


def _spot(kind: str, text: str, start_ns: int, end_ns: int) -> Spot:
    return Spot(kind, f"{text}, at {instant(start_ns)} ms", start_ns, end_ns)
