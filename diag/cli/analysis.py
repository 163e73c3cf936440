"""From what was typed to an Analysis: shared by the commands that read a recorded source."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.cli.console import note

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from diag.analysis.result import Analysis


def analyze_source(
    source: Path, batching_parameters: Path | None, preprocess_ops: re.Pattern[str] | None
) -> Analysis:
    """Open the source and analyze it; says with ``-v`` how long each took.

    Raises:
        InputError: The source or the parameters cannot be used.
    """
    from diag.analysis import analyze
    from diag.formats.source import open_bundle

    started = time.perf_counter()
    capture = open_bundle(source, batching_parameters=batching_parameters)
    opened = time.perf_counter()
    note(f"read {source} in {opened - started:.2f} s")
    analysis = analyze(capture, preprocess_ops=preprocess_ops)
    note(f"analyzed {analysis.counts.events:,} events in {time.perf_counter() - opened:.2f} s")
    return analysis


def has_requests(analysis: Analysis) -> bool:
    """Whether the trace shows a whole request, as a capture requires of its recording."""
    requests = analysis.counts.requests
    return isinstance(requests, int) and requests > 0
