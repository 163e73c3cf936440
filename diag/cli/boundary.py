"""The only place that turns an error into text on stderr and an exit status.

Exit codes: those of ``diag.errors``; 2 for click's own usage errors; 7 if the reader of stdout
closed it; 70 for a bug; 130 after an interrupt.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import click

from diag.cli.commands import cli
from diag.cli.completion_script import complete
from diag.cli.console import VERBOSITY_KEY
from diag.cli.parameters import CommandParameter, with_option_names
from diag.cli.typed_command import TypedCommand
from diag.errors import DiagError, OutputError, UsageError
from diag.model.printable import printable

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
MESSAGE_MAX_CHARS = 2000


def main(argv: list[str] | None = None) -> int:
    """Run ``diag`` with these arguments (default: the process's) and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verbosity = 0
    typed: TypedCommand | None = None
    try:
        if (status := complete()) is not None:
            return status
        with cli.make_context("diag", arguments) as context:
            try:
                cli.invoke(context)
            finally:
                verbosity = int(context.meta.get(VERBOSITY_KEY, 0))
                typed = TypedCommand.of(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        sys.stderr.write(_usage_text(exc))
        return UsageError.exit_code
    except DiagError as exc:
        _show_traceback(verbosity)
        sys.stderr.write(error_text(exc, typed))
        return exc.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return OutputError.exit_code
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("interrupted\n")
        return EXIT_INTERRUPTED
    except Exception as exc:  # any other exception is a bug, and is reported as one
        _show_traceback(verbosity)
        sys.stderr.write(_bug_text(exc, arguments))
        return EXIT_BUG
    return 0


def error_text(error: DiagError, typed: TypedCommand | None = None) -> str:
    """Up to three labelled lines; safe to print whatever the error quotes.

    Args:
        error: What to show.
        typed: The command that failed: library parameters are shown as its options, and a
            suggested change as the whole command with every option that was given.
    """
    parts = (("error", error.message), ("cause", error.cause), ("hint", _hint(error, typed)))
    names = () if typed is None else typed.command.params
    return "".join(
        _labelled(label, with_option_names(text, names)) for label, text in parts if text
    )


def _hint(error: DiagError, typed: TypedCommand | None) -> str:
    command = "" if typed is None or not error.retry else typed.with_changes(_changes(error, typed))
    if error.hint and command:
        return f"{error.hint.removesuffix(':')}:\n{command}"
    return error.hint or command


def _changes(error: DiagError, typed: TypedCommand) -> dict[str, object]:
    """The changes to retry with; a bundle that the failed command wrote is replaced."""
    kept = error.bundle is not None and error.bundle == Path(typed.value_of("output"))
    return {**error.retry, "force": True} if kept else dict(error.retry)


def _labelled(label: str, text: str) -> str:
    """``label: text``; further lines are indented so that none can pass for a label."""
    lines = [printable(line) for line in text[:MESSAGE_MAX_CHARS].splitlines()] or [""]
    head = f"{label}:".ljust(7)
    return "".join(f"{head if i == 0 else ' ' * 7}{line}\n" for i, line in enumerate(lines))


def _usage_text(error: click.ClickException) -> str:
    command = "diag"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        command = error.ctx.command_path
    return _labelled("error", _usage_message(error)) + _labelled("hint", f"{command} --help")


def _usage_message(error: click.ClickException) -> str:
    """As click's, but a wrong value is shown after the option: ``--duration: 'x' is not ...``."""
    if not isinstance(error, click.BadParameter) or isinstance(error, click.MissingParameter):
        return error.format_message()
    if isinstance(error.param, click.Option):
        return f"{CommandParameter(error.param).spelling}: {error.message}"
    return error.message


def _bug_text(error: Exception, arguments: list[str]) -> str:
    what = f"{type(error).__name__}: {error}"
    again = "run it again with -vv and report the traceback, with the input if possible"
    return (
        _labelled("error", "this is a bug in diag, not a problem of your input or server")
        + _labelled("cause", what)
        + _labelled("hint", again if "-vv" not in arguments else "report the traceback above")
    )


def _show_traceback(verbosity: int) -> None:
    if verbosity >= 2:
        sys.stderr.write(
            "".join(printable(line) + "\n" for line in traceback.format_exc().splitlines())
        )


def _silence_stdout() -> None:
    """Redirect stdout to /dev/null, so that the last flush at exit does not fail again."""
    with Path(os.devnull).open("wb") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())
