"""Names of the tables, and where each is built; importing them loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table.

    Attributes:
        name: Its name in the library and on the command line.
        row: What one row is.
        module: Module below ``diag.tables`` that builds its columns.
        function: Function of that module: Analysis to a tuple of Columns.
    """

    name: str
    row: str
    module: str
    function: str


TABLES: Final = {
    spec.name: spec
    for spec in (
        TableSpec(
            "requests",
            "one request whose root event was recorded whole",
            "requests",
            "request_columns",
        ),
        TableSpec(
            "batches", "one batch whose processing was recorded whole", "batches", "batch_columns"
        ),
        TableSpec(
            "iterations",
            "one call of the model by a Python loop",
            "iterations",
            "iteration_columns",
        ),
        TableSpec("gaps", "one piece of idle time", "gaps", "gap_columns"),
        TableSpec("devices", "one GPU plane of the trace", "devices", "device_columns"),
        TableSpec(
            "kernels",
            "one of the kernels and ops with the most device time",
            "devices",
            "kernel_columns",
        ),
        TableSpec("costs", "one model and executed batch size", "devices", "cost_columns"),
        TableSpec(
            "samples", "one number that was sampled during the capture", "samples", "sample_columns"
        ),
    )
}
TABLE_NAMES: Final = tuple(TABLES)
