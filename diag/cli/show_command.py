"""``diag show``: the whole way of single requests of a recorded source."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_source, exit_status
from diag.cli.open_in import VIEWERS, say_how_to_open
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import analysis_options, examples, report_verbosity_options, source_options
from diag.cli.output import STDOUT, check_output, force_option, output_option, write_output
from diag.cli.quantities import Duration
from diag.cli.report_output import choose_format, format_option, rendered
from diag.errors import UsageError

if TYPE_CHECKING:
    import re
    from pathlib import Path

    InstantType = click.ParamType[int | datetime]
else:
    InstantType = click.ParamType  # generic since click 8.2 only

DEFAULT_SLOWEST = 10
SLOWEST_MAX = 100


class Instant(InstantType):
    """A time since the trace began, as int ns, or a wall-clock time, as datetime."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | datetime:
        """``1.25s`` since the trace began, or ISO 8601, in UTC if it names no zone."""
        if isinstance(value, int | datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            return Duration().convert(value, param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


_choice_options = option_group(
    "Requests",
    option(
        "--request",
        "requests",
        type=click.IntRange(min=0),
        multiple=True,
        metavar="N",
        help="Request with this number: its row in the requests table, from 0. May be repeated.",
    ),
    option(
        "--slowest",
        type=click.IntRange(1, SLOWEST_MAX),
        metavar="COUNT",
        help=f"The slowest requests. Default: {DEFAULT_SLOWEST} of them.",
    ),
    option(
        "--at",
        type=Instant(),
        help="Requests open at this time: 1.25s or 1250ms since the trace began, as trace viewers "
        "count, or a wall-clock time such as 2026-11-22T22:27:31.5Z.",
    ),
)
_output_options = option_group(
    "Output",
    option(
        "--open",
        "viewer",
        type=click.Choice(VIEWERS),
        help="Also say how to open the first of them in TensorBoard's trace viewer, or in "
        "Perfetto, at its time.",
    ),
    output_option,
    force_option,
    format_option("Format of the report. Default: by the suffix of the output file, else text."),
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag show capture.zip",
        "diag show capture.zip --request 41",
        "diag show capture.zip --slowest 3 --format json",
        "diag show capture.zip --at 1.25s",
        "diag show capture.zip --request 41 --open perfetto",
    ),
)
@source_options
@_choice_options
@_output_options
@analysis_options
@report_verbosity_options
@click.pass_context
def show(
    context: click.Context,
    source: str,
    run: str | None,
    requests: tuple[int, ...],
    slowest: int | None,
    at: int | datetime | None,
    viewer: str | None,
    output: Path,
    force: bool,
    format_: str | None,
    batching_parameters: Path | None,
    preprocess_ops: re.Pattern[str] | None,
) -> None:
    """Show the whole way of single requests through the server.

    Each stage has its begin, its length, its thread and its batch, and says what the request waited
    for. Times are as in a trace viewer. SOURCE is the same as for diag analyze.

    The exit status is 5 if the recording holds no request, and 8 if every request failed.
    """
    if bool(requests) + (slowest is not None) + (at is not None) > 1:
        raise UsageError(
            "--request, --slowest and --at exclude each other", hint="give one of them"
        )
    check_output(output, force=force)
    analysis = analyze_source(source, AnalysisOptions(run, batching_parameters, preprocess_ops))
    if requests:
        report = diag.build_request_report(analysis, requests=requests)
    elif at is not None:
        report = diag.build_request_report(analysis, at_ns=_since_origin_ns(analysis, at))
    else:
        count = DEFAULT_SLOWEST if slowest is None else slowest
        report = diag.build_request_report(analysis, slowest_count=count)
    text = rendered(report, choose_format(format_, output), to_stdout=output == STDOUT)
    write_output(output, text, force=force)
    shown = requests or _shown_requests(report)
    if viewer is not None and shown:
        say_how_to_open(analysis, source, run, shown[0], viewer)
    if status := exit_status(analysis):
        context.exit(status)


def _shown_requests(report: diag.Report) -> tuple[int, ...]:
    """Rows of the request table, in the report's order."""
    tables = (table for section in report.sections for table in section.tables)
    rows = (row for table in tables if table.id == "shown_requests" for row in table.rows)
    return tuple(cell for row in rows if isinstance(cell := row.get("request"), int))


def _since_origin_ns(analysis: diag.Analysis, at: int | datetime) -> int:
    """The instant in ns since the trace began.

    Raises:
        UsageError: It is a wall-clock time, and the trace does not say when it began.
    """
    if isinstance(at, int):
        return at
    origin = analysis.capture.origin_unix_ns
    if isinstance(origin, diag.Unavailable):
        raise UsageError(
            f"--at is a wall-clock time, but {origin.reason}",
            hint="give the time since the trace began: --at 1.25s",
        )
    since = at - datetime.fromtimestamp(0, timezone.utc)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000 - origin
