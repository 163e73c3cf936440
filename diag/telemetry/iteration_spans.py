"""Iterations of a Python loop as traces: a span for each, and its call of the model as a child."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.loops import LOOP_STAGES
from diag.model.spans import Span
from diag.telemetry.span_keys import SpanKeys, child


def iteration_spans(
    analysis: Analysis, keys: SpanKeys, origin_unix_ns: int, rows: Int64s
) -> Iterator[Span]:
    """The spans of rows of the table of iterations.

    Their stages are attributes, as they have lengths but no single place in time.

    Args:
        analysis: Where the iterations are.
        keys: Ids of the capture's spans.
        origin_unix_ns: Wall clock of time 0.
        rows: Of the table of iterations.
    """
    if isinstance(analysis.loops, Unavailable):
        return
    table = analysis.loops.iterations
    for row in rows.tolist():
        key = keys.root("iteration", row)
        thread = table.threads[table.thread_index[row]]
        lengths_ns = table.stage_ns[row].tolist()
        stages = zip(LOOP_STAGES, lengths_ns, strict=True)
        yield Span(
            key,
            b"",
            f"iteration {thread.call}",
            origin_unix_ns + int(table.start_ns[row]),
            origin_unix_ns + int(table.end_ns[row]),
            (
                ("diag.iteration", row),
                ("diag.thread", thread.name),
                ("diag.complete", bool(table.complete[row])),
                *((f"diag.{stage.column}", ns) for stage, ns in stages if ns),
            ),
            is_server=True,
        )
        yield Span(
            child(key, 0),
            key.span_id,
            "model",
            origin_unix_ns + int(table.model_start_ns[row]),
            origin_unix_ns + int(table.model_end_ns[row]),
        )
