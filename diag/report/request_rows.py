"""Requests as rows of a table: when, how long, and what they spent their time in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.quantity import instant
from diag.model.serving import STAGES
from diag.report.rows import (
    Row,
    make_table,
    name_column,
    number_column,
    text_column,
    time_column,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.report.model import Cell, Column, Table

REQUEST = number_column("request", "request", "setting", "Row of the requests table, from 0.")
VIEWER = text_column("at", "at ms", "Begin as a trace viewer shows it: ms since the trace began.")
START = number_column(
    "start_ns", "start", "ns", "The same in ns, since the trace began.", is_detail=True
)
WALL = time_column("start_unix_ns", "wall clock", "Wall clock at its begin.", is_detail=True)
COLUMNS = (
    REQUEST,
    VIEWER,
    START,
    WALL,
    number_column("duration_ns", "took", "ns", "From begin to end."),
    name_column("main_stage", "most of it in", "The stage with most of its time."),
    number_column("main_stage_ns", "of it", "ns", "Time in that stage."),
    number_column("rows", "rows", "rows", "Examples in the request."),
    number_column(
        "batch_rows", "batch", "rows", "Rows executed in its largest batch, padding included."
    ),
    name_column("model", "model", "Its model."),
)


def request_table(
    id_: str, title: str, analysis: Analysis, requests: Sequence[int], shown: int
) -> Table:
    """A row a request.

    Args:
        id_: Of the table.
        title: Of the table.
        analysis: What they are requests of.
        requests: Rows of the request table.
        shown: How many of them are shown without being asked for.
    """
    has_models = len(analysis.models) > 1
    columns = COLUMNS if has_models else COLUMNS[:-1]
    rows = [
        Row(_cells(analysis, each)[: len(columns)], is_detail=index >= shown)
        for index, each in enumerate(requests)
    ]
    return make_table(id_, title, columns, rows)


def stage_table(
    id_: str, title: str, analysis: Analysis, requests: Sequence[int], *, is_detail: bool
) -> Table:
    """The same requests with a column for each stage in which any of them spent time."""
    table = analysis.requests
    used = [stage for stage in STAGES if table.stage_ns[list(requests), stage.index].any()]
    columns: list[Column] = [REQUEST]
    for stage in used:
        key = f"{stage.value.replace('-', '_')}_ns"
        columns.append(number_column(key, stage.value, "ns", f"Time in {stage.value}."))
    rows = [
        Row((each, *(int(table.stage_ns[each, stage.index]) for stage in used)))
        for each in requests
    ]
    return make_table(id_, title, columns, rows, is_detail=is_detail)


def _cells(analysis: Analysis, request: int) -> tuple[Cell | None, ...]:
    table, start_ns = analysis.requests, int(analysis.requests.start_ns[request])
    main = STAGES[int(table.stage_ns[request].argmax())]
    rows = int(table.rows[request])
    return (
        request,
        instant(start_ns),
        start_ns,
        unix_text(analysis, start_ns),
        int(table.duration_ns[request]),
        main.value,
        int(table.stage_ns[request, main.index]),
        rows if rows >= 0 else None,
        _largest_batch(analysis, request),
        table.models[int(table.model_index[request])],
    )


def _largest_batch(analysis: Analysis, request: int) -> int | None:
    """Rows as executed of the largest batch that has rows of the request; None where none has."""
    table = analysis.requests
    first, last = table.batch_offsets[request : request + 2].tolist()
    executed = analysis.batches.executed_rows[table.batch_index[first:last]]
    largest = int(executed.max(initial=-1))
    return largest if largest >= 0 else None


def unix_text(analysis: Analysis, at_ns: int) -> str | Unavailable:
    """Wall-clock ns of an instant since the origin, as a decimal string."""
    origin = analysis.capture.origin_unix_ns
    return origin if isinstance(origin, Unavailable) else str(origin + at_ns)
