"""``diag export``: a recorded source as tables, timelines, metrics and spans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_source
from diag.cli.console import inform
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import analysis_options, examples, source_options, verbosity_options
from diag.cli.output import (
    STDOUT,
    check_folder,
    check_output,
    force_option,
    output_option,
    write_chunks,
    write_folder,
    write_output,
)
from diag.cli.redaction import redaction_options
from diag.cli.telemetry_output import (
    check_span_options,
    collector_options,
    write_metrics,
    write_spans,
)
from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.tables.formats import TableFormat

ALL = "all"

_table_options = option_group(
    "Output",
    option(
        "-t",
        "--table",
        type=click.Choice((*diag.TABLE_NAMES, ALL)),
        help="Table to write. 'all' writes one file per table into the folder that -o names.",
    ),
    option(
        "--to",
        "target",
        type=click.Choice((*diag.TIMELINE_FORMATS, *diag.METRIC_FORMATS, *diag.SPAN_FORMATS)),
        help="Write for another program, not a table. A timeline: perfetto for ui.perfetto.dev and "
        "trace_processor; chrome is trace-event JSON, without the shortest events where there are "
        "too many. Totals as metrics: prometheus for node_exporter and the Pushgateway; "
        "openmetrics has exemplars and the time of the capture. Traces: otlp for OpenTelemetry.",
    ),
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(tuple(diag.TABLE_FORMATS)),
        help="File format of a table. jsonl has one JSON object per line; arrow and parquet need "
        "pyarrow. Default: by the suffix of the output file, else csv.",
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
        "diag export capture.zip --to perfetto -o capture.pftrace",
        "diag export capture.zip --to prometheus -o /var/lib/node_exporter/diag.prom --force",
        "diag export capture.zip --to otlp --endpoint localhost:4317",
    ),
)
@source_options
@_table_options
@collector_options
@analysis_options
@redaction_options
@verbosity_options
def export(source: str, **options: Any) -> None:
    """Write a recorded source for other programs: tables, timelines, metrics or traces.

    Tables are of requests, batches, idle gaps, devices or samples. Their times are integers in
    nanoseconds. A value that is not known is empty. In the table of requests the stage columns add
    up to duration_ns in every row. SOURCE is the same as for diag analyze.
    """
    target, output, force = options["target"], options["output"], options["force"]
    how = AnalysisOptions(
        options["run"],
        options["batching_parameters"],
        options["preprocess_ops"],
        redact=options["redact"],
        legend=options["legend"],
    )
    check_span_options(target, options)
    if target is None:
        _write_tables(source, how, options)
        return
    if options["table"] is not None or options["format_"] is not None:
        raise UsageError(
            "--to excludes --table and --format", hint="leave them out, or leave out --to"
        )
    if target in diag.TIMELINE_FORMATS:
        _write_timeline(source, how, target, output, force=force)
        return
    check_output(output, force=force)
    analysis = analyze_source(source, how)
    if target in diag.METRIC_FORMATS:
        write_metrics(analysis, target, output, force=force)
    else:
        write_spans(analysis, options)


def _write_tables(source: str, how: AnalysisOptions, options: dict[str, Any]) -> None:
    """Analyze the source and write one table, or each into a file of a folder."""
    table, output, force = options["table"], options["output"], options["force"]
    names = _table_names(table)
    chosen = diag.TABLE_FORMATS[options["format_"] or _format_of(output)]
    files = {name: f"{name}{chosen.suffixes[0]}" for name in names}
    _check_format(chosen, output)
    if table == ALL:
        _check_folder(output, tuple(files.values()), force=force)
    else:
        check_output(output, force=force)
    analysis = analyze_source(source, how)

    encoded = {files[name]: diag.table(analysis, name).encode(chosen.name) for name in names}
    if table == ALL:
        write_folder(output, encoded, force=force)
    else:
        write_output(output, encoded[files[names[0]]], force=force)


def _write_timeline(
    source: str, how: AnalysisOptions, viewer: str, output: Path, *, force: bool
) -> None:
    """Analyze the source and write its timeline, then say what is not in it and what opens it."""
    chosen = diag.TIMELINE_FORMATS[viewer]
    if not chosen.is_text:
        _check_not_terminal(output, f"--to {viewer}", f"capture{chosen.suffix}")
    check_output(output, force=force)
    timeline = diag.encode_timeline(analyze_source(source, how), viewer)
    write_chunks(output, timeline.chunks, force=force)
    for sentence in timeline.left_out:
        inform(sentence)
    if output != STDOUT:
        inform(f"wrote {output}; open it with {chosen.opened_with}")


def _table_names(table: str | None) -> Sequence[str]:
    """The tables to write.

    Raises:
        UsageError: None was named; the hint lists them.
    """
    if table is None:
        raise UsageError(
            "neither --table nor --to is given",
            hint=f"choose a table, one of {', '.join(diag.TABLE_NAMES)}, or {ALL}:",
            retry={"table": diag.TABLE_NAMES[0]},
        )
    return diag.TABLE_NAMES if table == ALL else (table,)


def _format_of(output: Path) -> str:
    suffix = output.suffix.lower()
    found = (each.name for each in diag.TABLE_FORMATS.values() if suffix in each.suffixes)
    return next(found, "csv")


def _check_format(format_: TableFormat, output: Path) -> None:
    """Refuse a format that cannot be written here, before any work is done."""
    format_.check()
    if not format_.is_text:
        _check_not_terminal(output, f"--format {format_.name}", f"table{format_.suffixes[0]}")


def _check_not_terminal(output: Path, what: str, instead: str) -> None:
    """Refuse to write binary data to a terminal."""
    if output == STDOUT and sys.stdout.isatty():
        raise UsageError(
            f"{what} would write binary data to the terminal", retry={"output": instead}
        )


def _check_folder(output: Path, files: Sequence[str], *, force: bool) -> None:
    if output == STDOUT:
        raise UsageError(
            f"--table {ALL} writes several files and needs a folder", retry={"output": "tables"}
        )
    check_folder(output, files, force=force)
