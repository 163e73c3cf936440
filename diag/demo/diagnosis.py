"""Analyze a recorded scenario and compare the result with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis import analyze
from diag.demo.comparison import Comparison, compare
from diag.findings import conclude, find
from diag.formats.source import open_bundle

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.demo.recording import RecordedScenario


def diagnose(recorded: RecordedScenario) -> tuple[Analysis, Comparison]:
    """Open and analyze the bundle as any bundle, and compare its verdict and times with the truth.

    Raises:
        InputError: The bundle cannot be read.
    """
    analysis = analyze(open_bundle(recorded.bundle))
    comparison = compare(
        analysis,
        recorded.truths,
        scenario=recorded.scenario,
        settings=recorded.batcher(recorded.scenario.victim),
        verdict=conclude(analysis, find(analysis)).cause,
    )
    return analysis, comparison
