"""``diag export``: tables of a recorded source, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.cli.analysis import analyze_source
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import analysis_options, examples, source_argument, verbosity_options
from diag.cli.output import (
    STDOUT,
    check_output,
    force_option,
    make_folder,
    output_option,
    write_output,
)
from diag.errors import UsageError
from diag.tables.formats import TABLE_FORMATS
from diag.tables.names import TABLE_NAMES

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

ALL = "all"

_table_options = option_group(
    "Output",
    option(
        "-t",
        "--table",
        type=click.Choice((*TABLE_NAMES, ALL)),
        help="Table to write. 'all' writes one file per table into the folder that -o names.",
    ),
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(tuple(TABLE_FORMATS)),
        help="File format. jsonl has one JSON object per line; parquet needs pyarrow. Default: by "
        "the suffix of the output file, else csv.",
    ),
    output_option,
    force_option,
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag export capture.zip --table requests -o requests.csv",
        "diag export capture.zip --table gaps --format jsonl | jq .cause",
        "diag export server.xplane.pb --table devices",
        "diag export capture.zip --table all -o tables/",
    ),
)
@source_argument
@_table_options
@analysis_options
@verbosity_options
def export(
    source: Path,
    table: str | None,
    format_: str | None,
    output: Path,
    force: bool,
    batching_parameters: Path | None,
    preprocess_ops: re.Pattern[str] | None,
) -> None:
    """Write requests, batches, idle gaps, devices or samples as a table.

    Times are integers in nanoseconds. A value that is not known is empty. In the table of requests
    the stage columns add up to duration_ns in every row. SOURCE is the same as for diag analyze.
    """
    names = _table_names(table)
    chosen = format_ or _format_of(output)
    paths = _paths(names, output, chosen, is_all=table == ALL)
    for path in paths:
        check_output(path, force=force)
    analysis = analyze_source(source, batching_parameters, preprocess_ops)

    from diag.tables.registry import table as make_table

    for name, path in zip(names, paths, strict=True):
        write_output(path, make_table(analysis, name).encode(chosen), force=force)


def _table_names(table: str | None) -> Sequence[str]:
    """The tables to write.

    Raises:
        UsageError: None was named; the hint lists them.
    """
    if table is None:
        raise UsageError(
            "no table is named",
            hint=f"choose one of {', '.join(TABLE_NAMES)}, or {ALL}:",
            retry={"table": TABLE_NAMES[0]},
        )
    return TABLE_NAMES if table == ALL else (table,)


def _format_of(output: Path) -> str:
    suffix = output.suffix.lower()
    found = (each.name for each in TABLE_FORMATS.values() if suffix in each.suffixes)
    return next(found, "csv")


def _paths(names: Sequence[str], output: Path, format_: str, *, is_all: bool) -> list[Path]:
    """Where each table goes; makes the folder for all of them."""
    if not is_all:
        return [output]
    if output == STDOUT:
        raise UsageError(
            f"--table {ALL} writes several files and needs a folder", retry={"output": "tables"}
        )
    make_folder(output)
    return [output / f"{name}{TABLE_FORMATS[format_].suffixes[0]}" for name in names]
