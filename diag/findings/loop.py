"""Whether preprocessing goes row by row, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.execution.preprocess_loops import PreprocessLoop
    from diag.analysis.result import Analysis


def serial_loop(analysis: Analysis) -> PreprocessLoop | None:
    """The loop that takes most of preprocessing, if it has several iterations, one at a time."""
    loop = analysis.preprocess_loop
    if isinstance(loop, Unavailable) or loop.share < thresholds.LOOP_MIN_SHARE:
        return None
    is_loop = loop.iterations >= thresholds.LOOP_MIN_ITERATIONS
    return loop if is_loop and loop.at_once <= thresholds.LOOP_MAX_AT_ONCE else None
