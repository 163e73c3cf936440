"""What a timeline draws of one capture: devices, requests, batches, iterations, samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.interval_series import INTERVALS_MAX, interval_series
from diag.report.level_series import in_flight_series
from diag.report.sample_series import sample_series
from diag.report.span_series import SPANS_MAX, batch_spans, iteration_spans, request_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.report.model import Series

INTERVALS_MIN = 500


def timeline_series(analysis: Analysis, captures: int = 1) -> Iterator[Series]:
    """Bounded in number, so that a page stays small.

    Args:
        analysis: Of the capture.
        captures: How many share the page.
    """
    rows_max = max(INTERVALS_MIN, INTERVALS_MAX // max(1, captures * len(analysis.timelines)))
    spans_max = SPANS_MAX // captures
    for index, each in enumerate(analysis.timelines):
        mine = analysis.gaps.timeline_index == index
        origin_ns = analysis.capture.window.start_ns
        yield interval_series(each, analysis.gaps, mine, rows_max, origin_ns=origin_ns)
    yield in_flight_series(analysis)
    if len(analysis.batches):
        yield batch_spans(analysis, spans_max)
    if len(analysis.requests):
        yield request_spans(analysis, spans_max)
    if not isinstance(analysis.loops, Unavailable):
        yield iteration_spans(analysis.loops, analysis.capture.window, spans_max)
    yield from sample_series(analysis.capture)
