"""The few sums over models that a verdict is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.result import Analysis, GapSummary
from diag.model.availability import Unavailable
from diag.model.serving import STAGES, Stage, StageGroup


@dataclass(frozen=True, slots=True)
class Shares:
    """All complete requests of all models together.

    Attributes:
        requests: How many.
        mean_ns: Mean duration.
        by_stage: Share of request time, 0 to 1, by stage.
    """

    requests: int
    mean_ns: float
    by_stage: dict[Stage, float]

    def group(self, group: StageGroup) -> float:
        """Share of a group of stages."""
        return sum(share for stage, share in self.by_stage.items() if stage.group is group)

    @property
    def largest(self) -> Stage:
        """The stage with most time; the whole compute group stands as one, under COMPUTE."""
        folded = {
            stage: share
            for stage, share in self.by_stage.items()
            if stage.group is not StageGroup.COMPUTE and stage is not Stage.UNATTRIBUTED
        }
        folded[Stage.COMPUTE] = self.group(StageGroup.COMPUTE)
        return max(folded, key=lambda stage: folded[stage])


def sum_shares(analysis: Analysis) -> Shares | None:
    """Shares over all models, or None without a complete request."""
    requests = analysis.requests
    duration = int(requests.duration_ns[requests.complete].sum())
    count = int(requests.complete.sum())
    if not count or not duration:
        return None
    stage_ns = requests.stage_ns[requests.complete].sum(axis=0)
    return Shares(
        requests=count,
        mean_ns=duration / count,
        by_stage={stage: float(stage_ns[stage.index] / duration) for stage in STAGES},
    )


def window_ratio(gaps: GapSummary, part_ns: int) -> float:
    """A part of the timeline's window as a ratio."""
    return part_ns / max(1, gaps.timeline.window.duration_ns)


def idlest(analysis: Analysis) -> GapSummary | None:
    """The timeline with most idle time with requests waiting, or None if there is no timeline."""
    return max(analysis.idle, key=lambda gaps: gaps.starved_ns, default=None)


def padding_ratio(analysis: Analysis) -> float:
    """Padding rows over executed rows, over all queues that recorded both."""
    known = [
        (queue.batches * queue.rows_mean, queue.padding_ratio)
        for queue in analysis.queues
        if not isinstance(queue.padding_ratio, Unavailable) and queue.padding_ratio < 1
    ]
    executed = sum(rows / (1 - ratio) for rows, ratio in known)
    return 1 - sum(rows for rows, _ in known) / executed if executed else 0.0
