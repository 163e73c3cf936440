"""The server's own counters: tables for the measurements, and answers other than OK."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.model import Note
from diag.report.notes import listed, note_of
from diag.report.rows import Row, make_table, name_column, number_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.analysis.samples.metrics import ModelMetrics
    from diag.report.model import Cell, Table

MODEL_COLUMN = name_column("model", "model", "Name of the model in the metrics.")
ANSWER_COLUMNS = (
    MODEL_COLUMN,
    name_column("status", "status", "Canonical name of the answers' status."),
    number_column("answers", "answers", "count", "Answers counted between the two scrapes."),
)
LATENCY_COLUMNS = (
    MODEL_COLUMN,
    number_column("request_ns", "request", "ns", "Mean in the request handler, answers OK."),
    number_column("runtime_ns", "Session::Run", "ns", "Mean in Session::Run, with queueing."),
    number_column(
        "outside_ns",
        "rest",
        "ns",
        "Mean of parsing, decoding and encoding: request minus Session::Run, not in the trace.",
    ),
)


def failure_notes(analysis: Analysis) -> Iterator[Note]:
    """Answers other than OK, by status over all models."""
    if isinstance(analysis.metrics, Unavailable):
        return
    failures: Counter[str] = Counter()
    for item in analysis.metrics:
        failures.update({status: n for status, n in _counted(item).items() if status != "OK"})
    seen = {status: n for status, n in sorted(failures.items()) if n > 0}
    facts: dict[str, tuple[Cell, str]] = {}
    for index, (status, n) in enumerate(seen.items()):
        facts |= {f"answers_{index}": (n, "count"), f"status_{index}": (status, "")}
    parts = [f"{{answers_{index}}} {{status_{index}}}" for index in range(len(seen))]
    if parts:
        yield note_of(f"Answers that are not OK, by the server's metrics: {listed(parts)}.", facts)


def _counted(item: ModelMetrics) -> dict[str, int]:
    return {} if isinstance(item.responses, Unavailable) else item.responses


def probe_notes(analysis: Analysis) -> Iterator[Note]:
    """Status and metadata requests, which are no requests; and what the page does not count."""
    if isinstance(analysis.metrics, Unavailable):
        return
    probes = sum(item.probes for item in analysis.metrics)
    if probes:
        yield note_of("{probes} answered", {"probes": (probes, "count")}, label="status requests")
    missing = {i.responses.reason for i in analysis.metrics if isinstance(i.responses, Unavailable)}
    for reason in sorted(missing):
        yield Note(reason, label="answers")


def metric_tables(analysis: Analysis) -> Iterator[Table]:
    """Answers and mean latencies of each model; none where nothing was counted."""
    if isinstance(analysis.metrics, Unavailable) or not analysis.metrics:
        return
    answers = [
        Row((item.model, status, n))
        for item in analysis.metrics
        for status, n in _counted(item).items()
    ]
    if answers:
        notes = tuple(_answer_notes(analysis))
        yield make_table("server_answers", "", ANSWER_COLUMNS, answers, notes)
    latencies = [_latency_row(item) for item in analysis.metrics]
    known = [item for item in analysis.metrics if not isinstance(item.outside_mean_ns, Unavailable)]
    why = {
        value.reason
        for item in analysis.metrics
        for value in (
            item.request_latency_mean_ns,
            item.runtime_latency_mean_ns,
            item.outside_mean_ns,
        )
        if isinstance(value, Unavailable)
    }
    latency_notes = [Note(f"n/a: {reason}", style="item") for reason in sorted(why)]
    if known:
        latency_notes.append(
            Note(
                "rest: parsing, decoding and encoding, which the trace does not show",
                style="item",
            )
        )
    yield make_table("server_latency", "", LATENCY_COLUMNS, latencies, tuple(latency_notes))


def _answer_notes(analysis: Analysis) -> Iterator[Note]:
    """Why there are more answers than requests in the trace."""
    counts = analysis.counts
    if isinstance(analysis.metrics, Unavailable) or isinstance(counts.complete, Unavailable):
        return
    answers = sum(sum(_counted(item).values()) for item in analysis.metrics)
    failed = counts.refused + counts.failed_in_batch
    if answers <= counts.complete + failed:
        return
    facts: dict[str, tuple[Cell, str]] = {
        "answers": (answers, "count"),
        "complete": (counts.complete, "count"),
    }
    if failed:
        facts["failed"] = (failed, "count")
    failing = " and {failed} failed" if failed else ""
    yield note_of(
        f"{{answers}} answers, {{complete}} complete{failing} requests in the window: the scrapes "
        "enclose a longer time than the window",
        facts,
        style="item",
    )


def _latency_row(item: ModelMetrics) -> Row:
    return Row(
        (
            item.model,
            item.request_latency_mean_ns,
            item.runtime_latency_mean_ns,
            item.outside_mean_ns,
        )
    )
