"""Requests as traces: a span for each, its stages as children, links to its batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.serving import MODES, STAGES
from diag.model.spans import Attributes, Span, SpanKey
from diag.telemetry.batch_spans import batch_attributes
from diag.telemetry.span_keys import SpanKeys, child

# OpenTelemetry's default limit of a span (LinkCountLimit, specification/trace/sdk.md).
LINKS_MAX = 128
NOT_RUN = "its batch did not run"
UNCALLED = "failed before it was enqueued for a batch"
REFUSED = "refused by the batch scheduler"


def request_spans(
    analysis: Analysis, keys: SpanKeys, origin_unix_ns: int, rows: Int64s
) -> Iterator[Span]:
    """The spans of rows of the request table, each request followed by its stages.

    Args:
        analysis: Where the requests are.
        keys: Ids of the capture's spans.
        origin_unix_ns: Wall clock of time 0.
        rows: Of the request table.
    """
    requests, is_failed = analysis.requests, analysis.batches.is_failed
    for row in rows.tolist():
        batches = requests.batch_index[slice(*requests.batch_offsets[row : row + 2])]
        key = keys.root("request", row)
        yield Span(
            key,
            b"",
            f"request {requests.models[requests.model_index[row]]}",
            origin_unix_ns + int(requests.start_ns[row]),
            origin_unix_ns + int(requests.end_ns[row]),
            _attributes(analysis, row),
            tuple(keys.root("batch", batch) for batch in batches[:LINKS_MAX].tolist()),
            max(0, len(batches) - LINKS_MAX),
            error=NOT_RUN if np.any(is_failed[batches]) else "",
            is_server=True,
        )
        yield from _stages(analysis, key, origin_unix_ns, row)


def failed_spans(analysis: Analysis, keys: SpanKeys, origin_unix_ns: int) -> Iterator[Span]:
    """Requests that failed before they joined a batch; the trace names no model of them."""
    failures = analysis.failures
    kinds = (
        ("uncalled", UNCALLED, failures.uncalled_start_ns, failures.uncalled_end_ns),
        ("refused", REFUSED, failures.refused_start_ns, failures.refused_end_ns),
    )
    for kind, error, starts_ns, ends_ns in kinds:
        edges = zip(starts_ns.tolist(), ends_ns.tolist(), strict=True)
        for row, (start_ns, end_ns) in enumerate(edges):
            rows = int(failures.refused_rows[row]) if kind == "refused" else -1
            yield Span(
                keys.root(kind, row),
                b"",
                f"request {kind}",
                origin_unix_ns + start_ns,
                origin_unix_ns + end_ns,
                (("diag.rows", rows),) if rows >= 0 else (),
                error=error,
                is_server=True,
            )


def _attributes(analysis: Analysis, row: int) -> Attributes:
    """As in the table of requests; what is not known is left out."""
    requests = analysis.requests
    rows = int(requests.rows[row])
    return (
        ("diag.request", row),
        ("diag.model", requests.models[requests.model_index[row]]),
        ("diag.mode", MODES[requests.mode_index[row]].value),
        ("diag.complete", bool(requests.complete[row])),
        *((("diag.rows", rows),) if rows >= 0 else ()),
    )


def _stages(analysis: Analysis, request: SpanKey, origin_unix_ns: int, row: int) -> Iterator[Span]:
    """The pieces of a request, in order; those in or before a batch say which one."""
    if isinstance(analysis.paths, Unavailable):
        return
    path = analysis.paths.of(row).merged()
    for place, (start_ns, end_ns, stage, batch, step) in enumerate(
        zip(
            path.start_ns.tolist(),
            path.end_ns.tolist(),
            path.stage_index.tolist(),
            path.batch.tolist(),
            path.step.tolist(),
            strict=True,
        )
    ):
        step_id = analysis.paths.step_id(step) if step >= 0 else None
        yield Span(
            child(request, place),
            request.span_id,
            STAGES[stage].value,
            origin_unix_ns + start_ns,
            origin_unix_ns + end_ns,
            (
                *(batch_attributes(analysis, batch) if batch >= 0 else ()),
                *((("diag.step_id", step_id),) if step_id is not None else ()),
            ),
        )
