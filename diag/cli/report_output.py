"""Reports in the format that the user chose, or that the name of the output file says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.console import output_width, verbosity, wants_color
from diag.cli.option_groups import Parameter, option
from diag.report.formats import FORMATS, format_for

if TYPE_CHECKING:
    from pathlib import Path

    NameType = click.Choice[str]
else:
    NameType = click.Choice  # generic since click 8.2 only

DEFAULT_FORMAT = "text"


class FormatName(NameType):
    """The name of a report format; aliases are accepted and not listed."""

    def __init__(self) -> None:
        super().__init__(sorted(FORMATS, key=lambda name: (name != DEFAULT_FORMAT, name)))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The format's name."""
        names = {alias: each.name for each in FORMATS.values() for alias in each.aliases}
        return super().convert(names.get(value, value), param, ctx)


def format_option(help_: str) -> Parameter:
    """The option ``--format``, for an ``option_group``."""
    return option("-f", "--format", "format_", type=FormatName(), help=help_)


summary_option = option(
    "--summary",
    is_flag=True,
    help="Write only the summary: server, verdict, change and how to verify it.",
)


def choose_format(asked: str | None, output: Path) -> str:
    """The format that was asked for; else that of the file's suffix; else text."""
    by_suffix = format_for(output.suffix)
    return asked or (by_suffix.name if by_suffix else DEFAULT_FORMAT)


def render_report(
    analysis: diag.Analysis, format_: str, *, to_stdout: bool, summary: bool = False
) -> str:
    """The report of an analysis, with details if ``-v`` was given.

    Args:
        analysis: What to report.
        format_: Name of the format.
        to_stdout: Whether it goes to stdout; only then it has colours, if stdout is a terminal.
        summary: Whether to write the summary alone.
    """
    report = diag.build_report(analysis)
    return rendered(report, format_, to_stdout=to_stdout, summary=summary)


def rendered(report: diag.Report, format_: str, *, to_stdout: bool, summary: bool = False) -> str:
    """A report that is made already; the rest as for ``render_report``."""
    return diag.render(
        report,
        format_,
        color=to_stdout and wants_color(sys.stdout),
        width=output_width(sys.stdout),
        verbose=verbosity() >= 1,
        summary=summary,
    )
