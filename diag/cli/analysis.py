"""From what was typed to an Analysis: shared by the commands that read a recorded source."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import diag
from diag.cli.console import note
from diag.cli.redaction import redacted_source
from diag.errors import EmptyCaptureError, UsageError

if TYPE_CHECKING:
    import re
    from pathlib import Path

STDIN = "-"
EXIT_ALL_FAILED = 8


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """How to read and analyze a source.

    Attributes:
        run: The run to read, or ``newest``; None if the source holds one.
        batching_parameters: The server's batching_parameters_file; None to use the recorded one.
        preprocess_ops: Further op types that count as preprocessing.
        client_log: What clients logged of their calls; None for nothing.
        redact: Whether names become pseudonyms.
        legend: Legend of the pseudonyms; None for the user's own.
    """

    run: str | None = None
    batching_parameters: Path | None = None
    preprocess_ops: re.Pattern[str] | None = None
    client_log: Path | None = None
    redact: bool = False
    legend: Path | None = None


def analyze_source(source: str | Path, options: AnalysisOptions) -> diag.Analysis:
    """As ``analyze_with_copy``, without the copy."""
    return analyze_with_copy(source, options)[0]


def analyze_with_copy(
    source: str | Path, options: AnalysisOptions
) -> tuple[diag.Analysis, diag.RedactedSource | None]:
    """Open the source and analyze it. With ``-v``, a line says how long each step took.

    Args:
        source: A path, a URL, or "-" for stdin.
        options: How.

    Returns:
        The analysis; and the copy without names that was analyzed, None if names were kept.

    Raises:
        UsageError: stdin is a terminal.
        InputError: The source or the parameters cannot be used.
    """
    redacted = None
    started = time.perf_counter()
    if options.redact:
        redacted = redacted_source(
            opened_source(source),
            options.legend,
            run=options.run,
            batching_parameters=options.batching_parameters,
            client_log=options.client_log,
        )
        capture, preprocess_ops = redacted.open(), redacted.preprocess_ops(options.preprocess_ops)
    else:
        preprocess_ops = options.preprocess_ops
        capture = diag.open_bundle(
            opened_source(source),
            run=options.run,
            batching_parameters=options.batching_parameters,
            client_log=options.client_log,
        )
    opened = time.perf_counter()
    note(f"read {source} in {opened - started:.2f} s")
    analysis = diag.analyze(capture, preprocess_ops=preprocess_ops)
    note(f"analyzed {analysis.counts.events:,} events in {time.perf_counter() - opened:.2f} s")
    return analysis, redacted


def opened_source(source: str | Path) -> str | Path | BinaryIO:
    """The source, or stdin for "-".

    Raises:
        UsageError: stdin is a terminal.
    """
    if source != STDIN:
        return source
    if sys.stdin.isatty():
        raise UsageError(
            "SOURCE is '-', but stdin is a terminal",
            hint="redirect a bundle or a trace to stdin, or name a file",
        )
    return sys.stdin.buffer


def exit_status(analysis: diag.Analysis) -> int:
    """The status of a command whose report is written: whether there were requests to judge.

    ``EXIT_ALL_FAILED`` where every request failed; as for an ``EmptyCaptureError`` where no request
    was recorded with all of its parts, and no iteration of a Python loop.
    """
    if diag.conclude(analysis, diag.find(analysis)).every_request_failed:
        return EXIT_ALL_FAILED
    complete = analysis.counts.complete
    has_complete = isinstance(complete, int) and complete > 0
    has_complete |= not isinstance(analysis.loops, diag.Unavailable)
    return 0 if has_complete else EmptyCaptureError.exit_code
