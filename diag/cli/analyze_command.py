"""``diag analyze``: a recorded source in, a report out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from diag.cli.analysis import analyze_source
from diag.cli.console import output_width, wants_color
from diag.cli.options import (
    analysis_options,
    examples,
    output_options,
    source_argument,
    verbosity_options,
)
from diag.cli.output import STDOUT, check_output, write_output

if TYPE_CHECKING:
    from pathlib import Path

    from diag.report.report import Report

FORMATS = ("text", "json", "md")


@click.command(
    epilog=examples(
        "diag analyze capture.zip",
        "diag analyze server.xplane.pb --batching-parameters batching_parameters.txt",
        "diag analyze logs/plugins/profile/2026_11_22_10_00_00 --format md -o report.md",
    )
)
@source_argument
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="For a screen, a program, or a ticket.",
)
@output_options
@analysis_options
@verbosity_options
def analyze(
    source: Path,
    format_: str,
    output: Path,
    force: bool,
    batching_parameters: Path | None,
    preprocess_ops: str | None,
) -> None:
    """Say where the time of recorded requests went, and what to change.

    SOURCE is what diag capture wrote (a folder or a .zip), a bare *.xplane.pb, or a TensorBoard
    run or log directory. Nothing is sent anywhere and SOURCE is not written to.
    """
    check_output(output, force=force)
    analysis = analyze_source(source, batching_parameters, preprocess_ops)

    from diag.report.build import build_report

    report = build_report(analysis)
    write_output(output, render(report, format_, to_stdout=output == STDOUT), force=force)


def render(report: Report, format_: str, *, to_stdout: bool) -> str:
    """The report in one of ``FORMATS``; text takes the terminal's colours only if it goes there."""
    if format_ == "json":
        from diag.report.json import render_json

        return render_json(report)
    if format_ == "md":
        from diag.report.markdown import render_markdown

        return render_markdown(report)
    from diag.report.text import render_text

    color = to_stdout and wants_color(sys.stdout)
    return render_text(report, color=color, width=output_width(sys.stdout))
