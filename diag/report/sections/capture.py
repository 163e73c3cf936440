"""What was recorded, and how much of it could be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.model import Section
from diag.report.rows import (
    VALUE_COLUMNS,
    Row,
    make_table,
    name_column,
    number_column,
    text_column,
    value_row,
)
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.capture import Capture
    from diag.report.model import Table

MODEL_COLUMNS = (
    name_column("model", "model", "Name of the model."),
    number_column("version", "version", "setting", "Its version."),
    text_column("state", "state", "As ModelService reports it."),
)
CLOCK_COLUMNS = (
    text_column("source", "source", "Whose clock it is."),
    number_column("offset_ns", "offset", "ns", "To be added to it to get the trace's clock."),
    number_column("uncertainty_ns", "±", "ns", "Bound on the error of the offset."),
)


@topic(order=1400)
def capture_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Counts, served models and clocks."""
    analysis = inputs.analysis
    counts, capture = analysis.counts, analysis.capture
    rows = [
        value_row("window", "window_ns", capture.window.duration_ns, "ns"),
        value_row("host tracer level", "tracer_level", analysis.tracer_level, "setting"),
        value_row("program", "program", analysis.program.kind.value, ""),
        value_row("events", "events", counts.events, "count"),
        value_row("requests", "requests", counts.requests, "count"),
        value_row("complete requests", "complete_requests", counts.complete, "count"),
        value_row("requests at the window's edges", "censored_requests", counts.censored, "count"),
        value_row("failed before a batch", "refused_requests", counts.refused, "count"),
        value_row("failed with their batch", "failed_requests", counts.failed_in_batch, "count"),
        value_row("requests in several batches", "split_requests", counts.split_requests, "count"),
        value_row("ambiguous links", "ambiguous_links", counts.ambiguous_links, "count"),
        value_row("batches", "batches", counts.batches, "count"),
        value_row(
            "batches at the window's edges", "censored_batches", counts.censored_batches, "count"
        ),
        value_row(
            "rows of batches without their request",
            "rows_without_request",
            counts.batch_rows_missing,
            "count",
        ),
    ]
    yield Section(
        id="capture",
        title="Capture",
        tables=(
            make_table("capture", "", VALUE_COLUMNS, rows),
            *_model_tables(capture),
            *_clock_tables(capture),
        ),
        is_detail=True,
    )


def _model_tables(capture: Capture) -> Iterator[Table]:
    if isinstance(capture.server, Unavailable) or isinstance(capture.server.models, Unavailable):
        return
    rows = [Row((model.name, model.version, model.state)) for model in capture.server.models]
    if rows:
        yield make_table("served_models", "Served models", MODEL_COLUMNS, rows)


def _clock_tables(capture: Capture) -> Iterator[Table]:
    rows = [Row((clock.source, clock.offset_ns, clock.uncertainty_ns)) for clock in capture.clocks]
    if rows:
        yield make_table("clocks", "Clocks of the other sources", CLOCK_COLUMNS, rows)
