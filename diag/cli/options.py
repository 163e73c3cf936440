"""Options that mean the same in every command."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from diag.cli.console import VERBOSITY_KEY
from diag.cli.option_groups import argument, option, option_group

if TYPE_CHECKING:
    PatternType = click.ParamType[re.Pattern[str]]
else:
    PatternType = click.ParamType  # generic since click 8.2 only

Command = TypeVar("Command", bound=Callable[..., Any])


class Regex(PatternType):
    """A regular expression of Python's ``re``."""

    name = "REGEX"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> re.Pattern[str]:
        """The compiled expression; the message has the position of a mistake."""
        try:
            return re.compile(value)
        except re.error as exc:
            self.fail(
                f"{value!r} is not a regular expression: {exc}. Quote it, for example "
                "'^(Decode|Parse)'.",
                param,
                ctx,
            )


def _set_verbose(ctx: click.Context, param: click.Parameter, value: int) -> None:
    """Callback of ``-v``: ``diag -v analyze`` and ``diag analyze -v`` are the same."""
    if value:
        ctx.meta[VERBOSITY_KEY] = max(value, ctx.meta.get(VERBOSITY_KEY, 0))


def _set_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Callback of ``-q``; ``-v`` overrides it."""
    if value:
        ctx.meta.setdefault(VERBOSITY_KEY, -1)


def examples(*lines: str) -> str:
    """The epilog of a command's help: lines that can be typed as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def report_verbosity_options(command: Command) -> Command:
    """As ``verbosity_options``, for a command that prints a report."""
    return _verbosity(
        command, "Show every section of the report, and each step on stderr. -vv adds tracebacks."
    )


def verbosity_options(command: Command) -> Command:
    """Add ``-v/-vv`` and ``-q``; read them with ``console.verbosity()``."""
    return _verbosity(command, "Report each step on stderr. -vv adds tracebacks.")


def _verbosity(command: Command, verbose_help: str) -> Command:
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set_quiet,
        help="Write nothing but errors to stderr.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbose,
        help=verbose_help,
    )
    return verbose(quiet(command))


source_options = option_group(
    "Input",
    # A str, because a URL is not a Path; the type offers file names for completion.
    argument("source", type=click.Path()),
    option(
        "--run",
        metavar="NAME|newest",
        help="Run to read if SOURCE holds several. Without it, diag lists them.",
    ),
)

analysis_options = option_group(
    "Analysis",
    option(
        "--batching-parameters",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The server's batching_parameters_file. Without it, unknown parameters are estimated.",
    ),
    option(
        "--preprocess-ops",
        type=Regex(),
        metavar="REGEX",
        help="Count ops whose type matches as preprocessing, in addition to the known ones.",
    ),
)

client_log_option = option_group(
    "Analysis",
    option(
        "--client-log",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="What clients logged of their calls: start, end and status as CSV or JSON lines, or "
        "OpenTelemetry spans as JSON. The report then says what clients wait for besides the "
        "handler.",
    ),
)
