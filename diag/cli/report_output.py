"""Reports in the format that the user chose, or that the name of the output file says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from diag.cli.console import output_width, verbosity, wants_color
from diag.cli.option_groups import Parameter, option

if TYPE_CHECKING:
    from pathlib import Path

    from diag.analysis.result import Analysis

DEFAULT_FORMAT = "text"
FORMATS = ("text", "json", "md", "csv")
_FORMAT_BY_SUFFIX = {".md": "md", ".json": "json", ".csv": "csv"}


def format_option(help_: str) -> Parameter:
    """The option ``--format``, for an ``option_group``."""
    return option("-f", "--format", "format_", type=click.Choice(FORMATS), help=help_)


def choose_format(asked: str | None, output: Path) -> str:
    """The format that was asked for; else that of the file's suffix; else text."""
    return asked or _FORMAT_BY_SUFFIX.get(output.suffix.lower(), DEFAULT_FORMAT)


def render_report(analysis: Analysis, format_: str, *, to_stdout: bool) -> str:
    """The report in one of ``FORMATS``; text has colours only on a terminal."""
    from diag.report.build import build_report
    from diag.report.formats import RenderOptions, format_named

    options = RenderOptions(
        color=to_stdout and wants_color(sys.stdout),
        width=output_width(sys.stdout),
        verbose=verbosity() >= 1,
    )
    return format_named(format_).render(build_report(analysis), options)
