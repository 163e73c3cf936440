"""What diag says of a recording, beside what was planted in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from tests.gpu.clocked_log import Truth, read_log
from tests.gpu.recording import BUNDLE, PARAMETERS, TRUTH, Recorded
from tests.gpu.scenarios import SCENARIOS, Planted, Scenario

if TYPE_CHECKING:
    from pathlib import Path

    from diag.analysis.result import GapSummary

# Idle time left where a device is meant to be busy all the time.
SATURATED_IDLE_MAX_RATIO = 0.25
GPU_PLANE = "/device:GPU:"
COLUMNS = (
    "scenario",
    "planted",
    "verdict",
    "right",
    "timeline",
    "idle",
    "idle by cause",
    "sampled/traced",
    "bytes",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recording, analysed.

    Attributes:
        scenario: What was recorded.
        planted: What there was to find; None where this platform cannot show it.
        analysis: By diag.
        verdict: Its cause.
        truth: The server's own account.
    """

    scenario: Scenario
    planted: Planted | None
    analysis: Analysis
    verdict: str
    truth: Truth

    @property
    def gaps(self) -> GapSummary:
        """Of the timeline that did most."""
        return max(self.analysis.idle, key=lambda gaps: gaps.timeline.busy_ns)

    @property
    def has_gpu_plane(self) -> bool:
        """Whether a GPU's tracer recorded anything."""
        planes = self.analysis.capture.planes
        return any(plane.name.startswith(GPU_PLANE) and len(plane.events) for plane in planes)

    @property
    def idle_ratio(self) -> float:
        """Idle time over the window."""
        return self.gaps.idle_ns / max(1, self.gaps.timeline.window.duration_ns)

    def idle_share(self, cause: IdleCause) -> float:
        """Of all idle time."""
        return self.gaps.by_cause_ns.get(cause, 0) / max(1, self.gaps.idle_ns)

    @property
    def is_right(self) -> bool | None:
        """Whether verdict and largest idle cause are the planted ones; None: nothing to judge."""
        if self.planted is None:
            return None
        return self.verdict in self.planted.verdicts and self.is_idle_right

    @property
    def is_idle_right(self) -> bool:
        """Whether most idle time has the planted cause, or there is as little as planted."""
        if self.planted is None or self.planted.idle is None:
            return self.idle_ratio <= SATURATED_IDLE_MAX_RATIO
        largest = max(self.gaps.by_cause_ns.items(), key=lambda item: item[1])[0]
        return largest is self.planted.idle


def outcome_of(folder: Path) -> Outcome:
    """Analyses a recording: a folder with a bundle, the truth and the batching parameters.

    Raises:
        DiagError: The bundle cannot be read.
    """
    truth = read_log(folder / TRUTH)
    scenario = SCENARIOS[truth.facts["scenario"]]
    analysis = analyze(open_bundle(folder / BUNDLE, batching_parameters=folder / PARAMETERS))
    planted = scenario.planted_on(truth.facts["platform"])
    return Outcome(scenario, planted, analysis, conclude(analysis, find(analysis)).cause, truth)


def row_of(recorded: Recorded, outcome: Outcome) -> tuple[str, ...]:
    """The cells of a table's row, in the order of ``COLUMNS``."""
    planted, right = outcome.planted, outcome.is_right
    causes = sorted(outcome.gaps.by_cause_ns.items(), key=lambda item: -item[1])[:3]
    idle = outcome.planted.idle if outcome.planted else None
    named = "nothing idle" if idle is None else idle.value
    return (
        outcome.scenario.name,
        named if planted else "only on a GPU",
        outcome.verdict,
        {True: "yes", False: "NO", None: "-"}[right],
        outcome.gaps.timeline.name,
        f"{outcome.idle_ratio:.0%}",
        ", ".join(f"{cause.value} {outcome.idle_share(cause):.0%}" for cause, ns in causes if ns),
        _agreement(outcome.analysis),
        str(recorded.bundle_bytes),
    )


def _agreement(analysis: Analysis) -> str:
    cells = [
        f"{_percent(each.sampled_ratio)}/{_percent(each.traced_ratio)} {each.kind.value}"
        for each in analysis.agreements
    ]
    return "; ".join(cells) or "-"


def _percent(ratio: float | Unavailable) -> str:
    return "?" if isinstance(ratio, Unavailable) else f"{ratio:.0%}"
