"""Reports in the format that the user chose, or that the name of the output file says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.console import output_width, verbosity, wants_color
from diag.cli.option_groups import Parameter, option
from diag.cli.output import check_folder, write_folder
from diag.errors import InputError, UsageError
from diag.report.formats import FORMATS, format_for

if TYPE_CHECKING:
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


charts_option = option(
    "--charts",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write the main charts into this folder, as SVG and PNG. PNG needs the extra charts.",
)


def check_charts(folder: Path | None, *, force: bool) -> None:
    """Refuse a folder that ``write_charts`` could not write to, before any work is done.

    Raises:
        OutputError: It is a file, or the folder above it does not exist.
    """
    if folder is not None:
        check_folder(folder, (), force=force)


def write_charts(analysis: diag.Analysis, folder: Path | None, *, force: bool) -> None:
    """Write the charts into the folder; without resvg-py SVG only, and stderr says so.

    Raises:
        OutputError: A file exists and ``force`` is off, or the system refuses.
    """
    if folder is None:
        return
    report = diag.build_report(analysis)
    files = diag.draw_charts(report)
    try:
        files |= diag.draw_charts(report, png=True)
    except (UsageError, InputError) as exc:
        if verbosity() >= 0:
            advice = f"; {exc.hint}" if exc.hint else ""
            sys.stderr.write(f"charts are written as SVG only: {exc.message}{advice}\n")
    write_folder(folder, files, force=force)


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
