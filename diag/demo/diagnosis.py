"""Analyze a recorded scenario and compare the result with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import diag
from diag.demo.comparison import Comparison, compare

if TYPE_CHECKING:
    from diag.demo.recording import RecordedScenario


def diagnose(recorded: RecordedScenario) -> tuple[diag.Analysis, Comparison]:
    """Open and analyze the bundle as any bundle, and compare its verdict and times with the truth.

    Raises:
        InputError: The bundle cannot be read.
    """
    analysis = diag.analyze(diag.open_bundle(recorded.bundle))
    comparison = compare(
        analysis,
        recorded.truths,
        scenario=recorded.scenario,
        settings=recorded.batcher(recorded.scenario.victim),
        verdict=diag.conclude(analysis, diag.find(analysis)).cause,
    )
    return analysis, comparison
