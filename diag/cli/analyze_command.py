"""``diag analyze``: from a recorded source to a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from diag.cli.analysis import AnalysisOptions, analyze_source, exit_status
from diag.cli.fail_on import check_findings, fail_on_option
from diag.cli.option_groups import GroupedCommand, option_group
from diag.cli.options import (
    analysis_options,
    client_log_option,
    examples,
    report_verbosity_options,
    source_options,
)
from diag.cli.output import STDOUT, check_output, force_option, output_option, write_output
from diag.cli.redaction import redaction_options
from diag.cli.report_output import (
    charts_option,
    check_charts,
    choose_format,
    format_option,
    render_report,
    summary_option,
    write_charts,
)

if TYPE_CHECKING:
    import re
    from pathlib import Path


_output_options = option_group(
    "Output",
    output_option,
    force_option,
    format_option("Format of the report. Default: by the suffix of the output file, else text."),
    summary_option,
    charts_option,
    fail_on_option,
)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag analyze capture.zip",
        "diag analyze capture.zip -o report.md",
        "diag analyze capture.zip --summary --format markdown",
        "diag analyze capture.zip -o report.html --charts charts/",
        "diag analyze server.xplane.pb --batching-parameters batching_parameters.txt",
        "diag analyze capture.zip --client-log calls.csv",
        "diag analyze logs --run newest --format json",
        "diag analyze capture.zip --redact -o shared.html",
        "diag analyze capture.zip -q --fail-on critical",
    ),
)
@source_options
@_output_options
@analysis_options
@client_log_option
@redaction_options
@report_verbosity_options
@click.pass_context
def analyze(
    context: click.Context,
    source: str,
    run: str | None,
    output: Path,
    force: bool,
    format_: str | None,
    summary: bool,
    charts: Path | None,
    fail_on: tuple[str, ...],
    batching_parameters: Path | None,
    preprocess_ops: re.Pattern[str] | None,
    client_log: Path | None,
    redact: bool,
    legend: Path | None,
) -> None:
    """Explain where the time of recorded requests went, and what to change.

    SOURCE is a bundle of diag capture (folder or .zip), a *.xplane.pb file, a TensorBoard run or
    log directory, a URL such as s3://bucket/bundle.zip (needs fsspec), or - for stdin. SOURCE is
    only read, and nothing is sent anywhere. diag report is the same command.

    The exit status is 1 if a finding of --fail-on is there, 5 if the recording holds no request,
    and 8 if every request failed; the report is written all the same.
    """
    check_output(output, force=force)
    check_charts(charts, force=force)
    options = AnalysisOptions(run, batching_parameters, preprocess_ops, client_log, redact, legend)
    analysis = analyze_source(source, options)
    chosen = choose_format(format_, output)
    text = render_report(analysis, chosen, to_stdout=output == STDOUT, summary=summary)
    write_output(output, text, force=force)
    write_charts(analysis, charts, force=force)
    check_findings(analysis, fail_on)
    if status := exit_status(analysis):
        context.exit(status)
