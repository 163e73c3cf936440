"""Batches by queue: how full, how padded, why closed, under which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.serving import CLOSE_REASONS
from diag.report.model import Section, Series
from diag.report.rows import (
    Row,
    make_table,
    name_column,
    number_column,
    text_column,
)
from diag.report.shares import share
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis, BatchSummary
    from diag.model.serving import Parameter, Queue
    from diag.report.model import Cell

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
    name_column("reason", "closed by", "Why a batch stopped taking rows."),
    number_column("batches", "batches", "count", "Batches closed by it."),
    number_column("share", "share", "ratio", "Share of the queue's batches."),
)
PARAMETER_COLUMNS = (
    QUEUE_COLUMN,
    text_column("parameter", "parameter", "As in the batching_parameters_file."),
    number_column("value", "value", "setting", "Its value, in the unit that its name says."),
    text_column("origin", "from", "file, metrics (the server's own), or estimated."),
)
HISTOGRAM_COLUMNS = (
    number_column("rows", "rows", "rows", "Rows of a batch, before padding."),
    text_column("reason", "closed by", "Why the batches were closed."),
    number_column("batches", "batches", "count", "Batches with so many rows."),
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
            make_table("batches", "", COLUMNS, [_row(name, queue) for name, queue in named]),
            make_table(
                "batch_close_reasons",
                "",
                CLOSE_COLUMNS,
                [row for name, queue in named for row in _close_rows(name, queue)],
            ),
            make_table(
                "batching_parameters",
                "",
                PARAMETER_COLUMNS,
                [row for name, queue in named for row in _parameter_rows(name, queue.queue)],
            ),
        ),
        series=tuple(_histogram(analysis, name, queue.queue) for name, queue in named),
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
        yield Row((name, reason.value, n, share(n, summary.batches)), is_detail=not n)


def _parameter_rows(name: str, queue: Queue) -> Iterator[Row]:
    """Names and units as in the server's file."""
    for parameter, known, divisor in (
        ("max_batch_size", queue.max_batch_size, 1),
        ("batch_timeout_micros", queue.batch_timeout_ns, 1000),
        ("num_batch_threads", queue.num_batch_threads, 1),
    ):
        yield Row((name, parameter, *_value_and_origin(known, divisor)))


def _value_and_origin(parameter: Parameter | Unavailable, divisor: int) -> tuple[Cell, Cell]:
    if isinstance(parameter, Unavailable):
        return parameter, parameter.reason
    return parameter.value // divisor, parameter.origin.value


def _histogram(analysis: Analysis, name: str, queue: Queue) -> Series:
    """Batches by rows and by the reason they were closed for."""
    table = analysis.batches
    mine = (table.queue_index == table.queues.index(queue)) & (table.rows >= 0)
    pairs = np.stack([table.rows[mine], table.close_reason_index[mine]], axis=1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    return Series(
        id=f"batch_rows.{queue.key}",
        title=f"Rows per batch of {name}",
        kind="bars",
        columns=HISTOGRAM_COLUMNS,
        values={
            "rows": tuple(unique[:, 0].tolist()),
            "reason": tuple(CLOSE_REASONS[index].value for index in unique[:, 1].tolist()),
            "batches": tuple(counts.tolist()),
        },
    )
