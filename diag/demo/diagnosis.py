"""Analyze a recorded scenario and compare the result with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import diag
from diag.demo.comparison import Comparison, compare

if TYPE_CHECKING:
    from diag.demo.recording import RecordedScenario


def diagnose(recorded: RecordedScenario) -> tuple[diag.Analysis, Comparison]:
    """Open and analyze the bundle as any bundle, and compare its verdict and times with the truth.

    The clients' log is given where the scenario needs it.

    Raises:
        InputError: The bundle cannot be read.
    """
    log = recorded.client_log if recorded.scenario.needs_client_log else None
    analysis = diag.analyze(diag.open_bundle(recorded.bundle, client_log=log))
    comparison = compare(
        analysis,
        recorded.truths,
        scenario=recorded.scenario,
        settings=recorded.batcher(recorded.scenario.victim),
        first=diag.conclude(analysis, diag.find(analysis)).id,
    )
    return analysis, comparison
