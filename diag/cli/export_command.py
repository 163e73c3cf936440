"""``diag export``: one table of a recorded source, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from diag.cli.analysis import analyze_source
from diag.cli.options import (
    analysis_options,
    examples,
    output_options,
    source_argument,
    verbosity_options,
)
from diag.cli.output import check_output, write_output

if TYPE_CHECKING:
    from pathlib import Path

# As diag.report.tables.TABLES and diag.report.export.EXPORT_FORMATS, which would import numpy.
TABLE_NAMES = ("requests", "batches", "gaps", "devices", "kernels", "costs", "samples")
FORMATS = ("csv", "jsonl")


@click.command(
    epilog=examples(
        "diag export capture.zip --table requests --format csv -o requests.csv",
        "diag export capture.zip --table gaps --format jsonl | jq .cause",
        "diag export server.xplane.pb --table devices",
        "diag export server.xplane.pb --table batches --format csv -o batches.csv --force",
    )
)
@source_argument
@click.option("--table", type=click.Choice(TABLE_NAMES), required=True, help="What a row is about.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="Comma-separated values, or one JSON object a line.",
)
@output_options
@analysis_options
@verbosity_options
def export(
    source: Path,
    table: str,
    format_: str,
    output: Path,
    force: bool,
    batching_parameters: Path | None,
    preprocess_ops: str | None,
) -> None:
    """Write requests, batches, idle gaps, devices or samples as a table.

    Times are integers in nanoseconds; what cannot be known is empty. In the table of requests the
    stage columns add up to duration_ns in every row. SOURCE is as for diag analyze.
    """
    check_output(output, force=force)
    analysis = analyze_source(source, batching_parameters, preprocess_ops)

    from diag.report.export import EXPORT_FORMATS
    from diag.report.tables import TABLES

    write_output(output, EXPORT_FORMATS[format_](TABLES[table](analysis)), force=force)
