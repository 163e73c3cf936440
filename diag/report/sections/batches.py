"""Batches by queue: how full, how padded, why closed, under which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import CLOSE_REASONS, CloseReason
from diag.report.model import Section, Series
from diag.report.notes import note_of
from diag.report.rows import (
    Row,
    make_table,
    name_column,
    number_column,
    text_column,
)
from diag.report.shares import share
from diag.report.size_series import batch_time_series
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis, BatchSummary
    from diag.model.serving import Parameter, Queue
    from diag.report.model import Cell, Note

QUEUE_COLUMN = name_column(
    "queue", "queue", "Model of the queue, and its key if there are several."
)
COLUMNS = (
    QUEUE_COLUMN,
    name_column("key", "key", "High half of its batches' ids, in hex.", is_detail=True),
    number_column("batches", "batches", "count", "Batches recorded whole."),
    number_column("rows_mean", "rows", "rows", "Mean rows of a batch, before padding."),
    number_column("fill", "fill", "ratio", "Mean rows over max_batch_size."),
    number_column("padding", "padding", "ratio", "Padding rows over executed rows."),
    number_column("mean_ns", "mean", "ns", "Mean time from dequeue to the end of the batch."),
    number_column("p50_ns", "p50", "ns", "Median of it."),
    number_column("p99_ns", "p99", "ns", "99th percentile of it."),
)
CLOSE_COLUMNS = (
    QUEUE_COLUMN,
    name_column("started", "started because", "Why a batch stopped taking rows, in words."),
    text_column("reason", "reason", "The same as a permanent code.", is_detail=True),
    number_column("batches", "batches", "count", "Batches started for this reason."),
    number_column("share", "share", "ratio", "Share of the queue's batches."),
)
PARAMETER_COLUMNS = (
    QUEUE_COLUMN,
    text_column("parameter", "parameter", "As in the batching_parameters_file."),
    number_column("value", "value", "setting", "Its value, in the unit that its name says."),
    text_column(
        "origin",
        "from",
        "metrics (the server's own), file, default (not in the file), or estimated.",
    ),
)
STARTED = {
    CloseReason.SIZE: "full",
    CloseReason.TIMEOUT: "timeout",
    CloseReason.THREAD: "thread free",
    CloseReason.UNKNOWN: "unknown",
}
HISTOGRAM_COLUMNS = (
    number_column("rows", "rows", "rows", "Rows of a batch, before padding."),
    text_column("reason", "started because", "Why the batches stopped taking rows, as a code."),
    number_column("batches", "batches", "count", "Batches with so many rows."),
    number_column("limit", "full at", "rows", "max_batch_size of the queue."),
)


@topic(order=900)
def batch_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Nothing where nothing is batched."""
    analysis = inputs.analysis
    queues = analysis.queues
    if not queues:
        return
    names = _names(queues)
    named = list(zip(names, queues, strict=True))
    yield Section(
        id="batches",
        title="Batches, from dequeue to done",
        tables=(
            make_table(
                "batches",
                "",
                COLUMNS,
                [_row(name, queue) for name, queue in named],
                tuple(_queue_notes(named)),
            ),
            make_table(
                "batch_close_reasons",
                "Why batches were started",
                CLOSE_COLUMNS,
                [row for name, queue in named for row in _close_rows(name, queue)],
                is_detail=True,
            ),
            make_table(
                "batching_parameters",
                "Batching parameters",
                PARAMETER_COLUMNS,
                [row for name, queue in named for row in _parameter_rows(name, queue.queue)],
                is_detail=True,
            ),
        ),
        series=tuple(each for name, queue in named for each in _charts(analysis, name, queue)),
    )


def _names(queues: tuple[BatchSummary, ...]) -> list[str]:
    """The model's name, and the queue's key where one model has several."""
    models = [queue.model for queue in queues]
    return [
        queue.model if models.count(queue.model) == 1 else f"{queue.model} queue {queue.queue.key}"
        for queue in queues
    ]


def _row(name: str, summary: BatchSummary) -> Row:
    service = summary.service
    return Row(
        (
            name,
            summary.queue.key,
            summary.batches,
            summary.rows_mean,
            summary.fill_ratio,
            summary.padding_ratio,
            service.mean_ns,
            service.p50_ns,
            service.p99_ns,
        )
    )


def _close_rows(name: str, summary: BatchSummary) -> Iterator[Row]:
    for reason, n in summary.closed_by.items():
        cells = (name, STARTED[reason], reason.value, n, share(n, summary.batches))
        yield Row(cells, is_detail=not n)


def _queue_notes(named: list[tuple[str, BatchSummary]]) -> Iterator[Note]:
    """Three lines a queue; a single queue is not named again."""
    for name, summary in named:
        if len(named) == 1:
            yield _started_note(summary, "started because: ", {})
            yield _parameters_note(summary.queue, "parameters: ", {})
            yield _time_note(summary, "", {})
        else:
            queue: dict[str, tuple[Cell, str]] = {"queue": (name, "")}
            yield _started_note(summary, "{queue} batches started because: ", queue)
            yield _parameters_note(summary.queue, "{queue} parameters: ", queue)
            yield _time_note(summary, "{queue} ", queue)


def _started_note(summary: BatchSummary, head: str, facts: dict[str, tuple[Cell, str]]) -> Note:
    """Every reason that was seen, with its share of the batches."""
    seen = {reason: n for reason, n in summary.closed_by.items() if n}
    parts = [f"{STARTED[reason]} {{{reason.value}}}" for reason in seen]
    shares = {reason.value: (share(n, summary.batches), "ratio") for reason, n in seen.items()}
    return note_of(f"{head}{', '.join(parts)}", {**facts, **shares}, style="item")


def _time_note(summary: BatchSummary, head: str, facts: dict[str, tuple[Cell, str]]) -> Note:
    """t(b): the fitted time of a batch by its executed rows; why there is none, with ``-v``."""
    line = summary.line
    values: dict[str, tuple[Cell, str]] = {
        "fixed_ns": (line.fixed_ns, "ns"),
        "per_row_ns": (line.per_row_ns, "ns"),
        "least_rows": (line.least_rows, "count"),
        "most_rows": (line.most_rows, "rows"),
    }
    if isinstance(line.fixed_ns, Unavailable):
        text = f"{head}time of a batch by its executed rows is not known: {line.fixed_ns.reason}"
        return note_of(text, facts, style="item", is_detail=True)
    a_row = (
        "whatever its rows"
        if isinstance(line.per_row_ns, Unavailable)
        else "and {per_row_ns} a row"
    )
    text = f"{head}time of a batch, fitted: {{fixed_ns}} {a_row} ({{least_rows}} to {{most_rows}})"
    return note_of(text, {**facts, **values}, style="item")


def _parameters_note(queue: Queue, head: str, facts: dict[str, tuple[Cell, str]]) -> Note:
    """As users write them, and how they are known: ``max_batch_size 32 (file)``."""
    by_origin: dict[str, list[str]] = {}
    values: dict[str, tuple[Cell, str]] = {}
    for name, known, divisor in _parameters(queue):
        value, origin = _value_and_origin(known, divisor)
        by_origin.setdefault(origin, []).append(f"{name} {{{name}}}")
        values[name] = (value, "setting")
    for index, origin in enumerate(by_origin):
        values[f"origin_{index}"] = (origin, "")
    groups = [
        f"{', '.join(parts)} ({{origin_{index}}})" for index, parts in enumerate(by_origin.values())
    ]
    return note_of(f"{head}{', '.join(groups)}", {**facts, **values}, style="item")


def _parameter_rows(name: str, queue: Queue) -> Iterator[Row]:
    for parameter, known, divisor in _parameters(queue):
        yield Row((name, parameter, *_value_and_origin(known, divisor)))


def _parameters(queue: Queue) -> tuple[tuple[str, Parameter | Unavailable, int], ...]:
    """Names and units as in the server's file: what a value is divided by for it."""
    return (
        ("max_batch_size", queue.max_batch_size, 1),
        ("batch_timeout_micros", queue.batch_timeout_ns, 1000),
        ("num_batch_threads", queue.num_batch_threads, 1),
    )


def _value_and_origin(parameter: Parameter | Unavailable, divisor: int) -> tuple[Cell, str]:
    if isinstance(parameter, Unavailable):
        return parameter, parameter.reason
    return parameter.value // divisor, parameter.origin.value


def _charts(analysis: Analysis, name: str, summary: BatchSummary) -> tuple[Series, ...]:
    table = analysis.batches
    return (_histogram(analysis, name, summary.queue), batch_time_series(table, summary, name))


def _histogram(analysis: Analysis, name: str, queue: Queue) -> Series:
    """Batches by rows and by the reason they were closed for."""
    table = analysis.batches
    mine = table.of_queue(queue) & (table.rows >= 0)
    pairs = np.stack([table.rows[mine], table.close_reason_index[mine]], axis=1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    known = queue.max_batch_size
    limit: Cell = known if isinstance(known, Unavailable) else known.value
    return Series(
        id=f"batch_rows.{queue.key}",
        title=f"Rows per batch of {printable(name, NAME_MAX_CHARS)}",
        kind="bars",
        columns=HISTOGRAM_COLUMNS,
        values={
            "rows": tuple(unique[:, 0].tolist()),
            "reason": tuple(CLOSE_REASONS[index].value for index in unique[:, 1].tolist()),
            "batches": tuple(counts.tolist()),
            "limit": (limit,) * len(unique),
        },
    )
