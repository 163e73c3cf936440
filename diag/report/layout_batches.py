"""Batches by queue: how full, how padded, why closed, and under which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Row
from diag.report.display import (
    NAME_MAX_CHARS,
    milliseconds,
    number,
    percent,
    printable,
    quantity,
)

if TYPE_CHECKING:
    from diag.report.report import ParameterPart, QueuePart

COLUMNS = (
    Column("queue", is_number=False),
    Column("batches"),
    Column("rows"),
    Column("fill"),
    Column("padding"),
    Column("closed by", is_number=False),
    Column("service ms"),
    Column("p50"),
    Column("p99"),
)


def batch_blocks(queues: tuple[QueuePart, ...]) -> tuple[Block, ...]:
    """Nothing where nothing is batched."""
    if not queues:
        return ()
    parameters = tuple(f"{_name(queue)}: {_parameters_text(queue)}" for queue in queues)
    return (
        Heading("Batches"),
        Grid(COLUMNS, tuple(_queue_row(queue) for queue in queues)),
        Bullets(parameters),
    )


def _name(queue: QueuePart) -> str:
    """The queue's key beside the model's name, unless that is made of it."""
    model = printable(queue.model, NAME_MAX_CHARS)
    if queue.queue in queue.model:
        return model
    return f"{model} queue {printable(queue.queue, NAME_MAX_CHARS)}"


def _queue_row(queue: QueuePart) -> Row:
    closed = ", ".join(f"{reason} {number(n)}" for reason, n in queue.closed_by.items() if n)
    return Row(
        (
            _name(queue),
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


def _parameters_text(queue: QueuePart) -> str:
    return ", ".join(_parameter_text(parameter) for parameter in queue.parameters)


def _parameter_text(parameter: ParameterPart) -> str:
    value = quantity(parameter.value, "ns" if parameter.unit == "ns" else "")
    if isinstance(parameter.value, Unavailable):
        return f"{parameter.parameter} {value} ({parameter.value.reason})"
    return f"{parameter.parameter} {value} ({parameter.origin})"
