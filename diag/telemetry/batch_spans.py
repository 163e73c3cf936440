"""Batches as traces: a span for each, and its run of the model as a child."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.result import Analysis
from diag.model.events import Int64s
from diag.model.serving import CLOSE_REASONS
from diag.model.spans import Attributes, Span
from diag.telemetry.span_keys import SpanKeys, child

NOT_RUN = "it did not run"


def batch_spans(
    analysis: Analysis, keys: SpanKeys, origin_unix_ns: int, rows: Int64s
) -> Iterator[Span]:
    """The spans of rows of the batch table, from when a thread took the batch until its end.

    Args:
        analysis: Where the batches are.
        keys: Ids of the capture's spans.
        origin_unix_ns: Wall clock of time 0.
        rows: Of the batch table.
    """
    batches = analysis.batches
    for row in rows.tolist():
        key = keys.root("batch", row)
        start_ns, end_ns = int(batches.start_ns[row]), int(batches.end_ns[row])
        yield Span(
            key,
            b"",
            f"batch {_model(analysis, row)}".rstrip(),
            origin_unix_ns + start_ns,
            origin_unix_ns + end_ns,
            batch_attributes(analysis, row),
            error=NOT_RUN if batches.is_failed[row] else "",
        )
        run_start_ns, run_end_ns = int(batches.run_start_ns[row]), int(batches.run_end_ns[row])
        if 0 <= run_start_ns <= run_end_ns:
            yield Span(
                child(key, 0),
                key.span_id,
                "run",
                origin_unix_ns + run_start_ns,
                origin_unix_ns + run_end_ns,
            )


def batch_attributes(analysis: Analysis, row: int) -> Attributes:
    """As in the table of batches; what is not known is left out."""
    batches = analysis.batches
    counts = {
        "diag.batch.rows": int(batches.rows[row]),
        "diag.batch.padded_rows": int(batches.padded_rows[row]),
        "diag.batch.tasks": int(batches.tasks[row]),
    }
    model = _model(analysis, row)
    return (
        ("diag.batch.id", str(batches.id[row])),  # beyond int64
        ("diag.queue", batches.queues[batches.queue_index[row]].key),
        *((("diag.model", model),) if model else ()),
        *((name, count) for name, count in counts.items() if count >= 0),
        ("diag.batch.closed_by", CLOSE_REASONS[batches.close_reason_index[row]].value),
    )


def _model(analysis: Analysis, row: int) -> str:
    """Label of the batch's model, "" where it is not known."""
    model = int(analysis.batches.model_index[row])
    return analysis.requests.models[model] if model >= 0 else ""
