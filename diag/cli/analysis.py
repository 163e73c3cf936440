"""From what was typed to an Analysis: shared by the commands that read a recorded source."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from diag.cli.console import note
from diag.errors import UsageError

if TYPE_CHECKING:
    from diag.analysis.result import Analysis


def analyze_source(
    source: Path, batching_parameters: Path | None, preprocess_ops: str | None
) -> Analysis:
    """Open the source, read the parameters and analyze; says with ``-v`` how long each took.

    Raises:
        UsageError: ``preprocess_ops`` is not a regular expression.
        InputError: The source or the parameters cannot be used.
    """
    check_regex(preprocess_ops)
    from diag.analysis import analyze
    from diag.formats.source import open_bundle

    started = time.perf_counter()
    capture = open_bundle(source, batching_parameters=batching_parameters)
    opened = time.perf_counter()
    note(f"read {source} in {opened - started:.2f} s")
    analysis = analyze(capture, preprocess_ops=preprocess_ops)
    note(f"analyzed {analysis.counts.events:,} events in {time.perf_counter() - opened:.2f} s")
    return analysis


def check_regex(pattern: str | None) -> None:
    """Refuse what ``re`` cannot compile, before any file is read.

    Raises:
        UsageError: With the position of the mistake.
    """
    if pattern is None:
        return
    try:
        re.compile(pattern)
    except re.error as exc:
        raise UsageError(
            f"--preprocess-ops {pattern!r} is not a regular expression",
            cause=str(exc),
            hint="quote it, e.g. --preprocess-ops '^(Decode|Parse)'",
        ) from exc
