"""What every rule looks at: the Analysis, and the few sums over it that most rules need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.analysis.distribution import describe
from diag.findings.shares import Shares, most_held_up, sum_shares, window_ratio
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.distribution import Distribution
    from diag.analysis.result import Analysis, GapSummary


@dataclass(frozen=True, slots=True)
class RuleInputs:
    """An Analysis with at least one complete request, and sums over it.

    Attributes:
        analysis: All of it.
        shares: Of the complete requests of all models.
        latency: Durations of the same requests, ns.
        gaps: The timeline with most idle time that has a cause other than lack of demand.
    """

    analysis: Analysis
    shares: Shares
    latency: Distribution
    gaps: GapSummary | None

    @property
    def on_device(self) -> bool:
        """Whether ``gaps`` is the timeline of a GPU."""
        return self.gaps is not None and self.gaps.timeline.is_device

    @property
    def timeline_name(self) -> str:
        """How a sentence calls ``gaps``."""
        if self.gaps is None or not self.gaps.timeline.is_device:
            return "model execution on the CPU"
        return self.gaps.timeline.name

    @property
    def window_ns(self) -> int:
        """Length of the window of ``gaps``, or of the capture without one."""
        if self.gaps is not None:
            return self.gaps.timeline.window.duration_ns
        return self.analysis.capture.window.duration_ns

    def stage_mean_ns(self, share: float) -> float:
        """A share of request time as ns of the mean request."""
        return share * self.shares.mean_ns

    def idle_ratio(self, causes: Iterable[IdleCause]) -> float:
        """Idle time of these causes as a ratio of the window; 0 without a timeline."""
        if self.gaps is None:
            return 0.0
        return window_ratio(self.gaps, sum(self.gaps.by_cause_ns.get(c, 0) for c in causes))

    @property
    def starved_ratio(self) -> float:
        """Idle time with requests whose input is not ready, as a ratio of the window."""
        return 0.0 if self.gaps is None else window_ratio(self.gaps, self.gaps.starved_ns)

    @property
    def worst_starvation(self) -> IdleCause | None:
        """The cause of starvation with most idle time; None without any."""
        if self.gaps is None:
            return None
        starving = {c: ns for c, ns in self.gaps.by_cause_ns.items() if c.is_starvation and ns}
        return max(starving, key=lambda cause: starving[cause], default=None)


def rule_inputs(analysis: Analysis) -> RuleInputs | Unavailable:
    """The inputs of the rules, or why no rule about requests can run."""
    if analysis.program.is_foreign:
        return Unavailable("the trace is not of a model server")
    if isinstance(analysis.counts.requests, Unavailable):
        return analysis.counts.requests
    shares = sum_shares(analysis)
    if shares is None:
        return Unavailable("no request was recorded from begin to end")
    requests = analysis.requests
    return RuleInputs(
        analysis=analysis,
        shares=shares,
        latency=describe(requests.duration_ns[requests.complete]),
        gaps=most_held_up(analysis),
    )
