"""Options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from diag.cli.console import VERBOSITY_KEY

Command = TypeVar("Command", bound=Callable[..., Any])


def _louder(ctx: click.Context, param: click.Parameter, value: int) -> None:
    """Callback of ``-v``: ``diag -v analyze`` and ``diag analyze -v`` are the same."""
    if value:
        ctx.meta[VERBOSITY_KEY] = max(value, ctx.meta.get(VERBOSITY_KEY, 0))


def _quieter(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Callback of ``-q``; ``-v`` beside it wins."""
    if value:
        ctx.meta.setdefault(VERBOSITY_KEY, -1)


def examples(*lines: str) -> str:
    """The epilog of a command's help: lines that can be typed as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def verbosity_options(command: Command) -> Command:
    """Add ``-v/-vv`` and ``-q``; read them with ``console.verbosity()``."""
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_quieter,
        help="No progress on stderr.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_louder,
        help="Say what is being done; -vv adds tracebacks.",
    )
    return verbose(quiet(command))


def source_argument(command: Command) -> Command:
    """Add SOURCE: what to analyse."""
    return click.argument("source", type=click.Path(path_type=Path))(command)


def output_options(command: Command) -> Command:
    """Add ``-o/--output`` and ``--force``."""
    output = click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        default="-",
        show_default="stdout",
        help="File to write; - is stdout.",
    )
    force = click.option("--force", is_flag=True, help="Replace the output file if it exists.")
    return output(force(command))


def analysis_options(command: Command) -> Command:
    """Add what tells the analysis more than the trace does."""
    parameters = click.option(
        "--batching-parameters",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The server's batching_parameters_file; without it they are estimated.",
    )
    preprocess = click.option(
        "--preprocess-ops",
        metavar="REGEX",
        help="Count ops whose type matches as preprocessing too.",
    )
    return parameters(preprocess(command))
