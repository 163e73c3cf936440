"""Batches by queue: how full, how padded, why closed, and under which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import milliseconds, number, percent, quantity
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Row

if TYPE_CHECKING:
    from diag.report.report import ParameterPart, QueuePart

COLUMNS = (
    Column("queue", is_number=False),
    Column("batches"),
    Column("rows"),
    Column("fill"),
    Column("padding"),
    Column("closed by", is_number=False),
    Column("mean ms"),
    Column("p50"),
    Column("p99"),
)


def batch_blocks(queues: tuple[QueuePart, ...]) -> tuple[Block, ...]:
    """Nothing where nothing is batched."""
    if not queues:
        return ()
    names = _names(queues)
    rows = tuple(_queue_row(name, queue) for name, queue in zip(names, queues, strict=True))
    parameters = tuple(
        f"{name}: {', '.join(_parameter_text(parameter) for parameter in queue.parameters)}"
        for name, queue in zip(names, queues, strict=True)
    )
    return (Heading("Batches, from dequeue to done"), Grid(COLUMNS, rows), Bullets(parameters))


def _names(queues: tuple[QueuePart, ...]) -> list[str]:
    """The model's name, and the queue's key where one model has several."""
    models = [queue.model for queue in queues]
    return [
        printable(queue.model, NAME_MAX_CHARS)
        if models.count(queue.model) == 1
        else f"{printable(queue.model, NAME_MAX_CHARS)} queue {printable(queue.queue)}"
        for queue in queues
    ]


def _queue_row(name: str, queue: QueuePart) -> Row:
    closed = ", ".join(f"{reason} {number(n)}" for reason, n in queue.closed_by.items() if n)
    return Row(
        (
            name,
            number(queue.batches),
            number(queue.rows_mean),
            percent(queue.fill_ratio),
            percent(queue.padding_ratio),
            closed,
            milliseconds(queue.service.mean_ns),
            milliseconds(queue.service.p50_ns),
            milliseconds(queue.service.p99_ns),
        )
    )


def _parameter_text(parameter: ParameterPart) -> str:
    value = quantity(parameter.value, "ns" if parameter.unit == "ns" else "")
    if isinstance(parameter.value, Unavailable):
        return f"{parameter.parameter} {value} ({parameter.value.reason})"
    return f"{parameter.parameter} {value} ({parameter.origin})"
