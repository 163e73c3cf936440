"""What a chart over the window draws: devices, requests, batches, iterations, samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.interval_series import INTERVALS_MAX, interval_series
from diag.report.level_series import in_flight_series
from diag.report.model import Section, Series
from diag.report.sample_series import sample_series
from diag.report.span_series import batch_spans, iteration_spans, request_spans
from diag.report.topics import ReportInputs, topic
from diag.report.window_slices import slice_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis

INTERVALS_MIN = 500


@topic(order=1600)
def timeline_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Without notes and tables to read: formats without charts leave it out."""
    series = tuple(_series(inputs.analysis))
    table = slice_table(inputs.analysis)
    tables = (table,) if table.rows else ()
    yield Section(id="timeline", title="Timeline", tables=tables, series=series, is_detail=True)


def _series(analysis: Analysis) -> Iterator[Series]:
    rows_max = max(INTERVALS_MIN, INTERVALS_MAX // max(1, len(analysis.timelines)))
    for index, each in enumerate(analysis.timelines):
        mine = analysis.gaps.timeline_index == index
        origin_ns = analysis.capture.window.start_ns
        yield interval_series(each, analysis.gaps, mine, rows_max, origin_ns=origin_ns)
    yield in_flight_series(analysis)
    if len(analysis.batches):
        yield batch_spans(analysis)
    if len(analysis.requests):
        yield request_spans(analysis)
    if not isinstance(analysis.loops, Unavailable):
        yield iteration_spans(analysis.loops, analysis.capture.window)
    yield from sample_series(analysis.capture)
