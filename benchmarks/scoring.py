"""Compare an analysis of a simulated GPU server with the truth of the simulation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.model.serving import STAGES, Stage
from diag.testing.gpu_server.truth import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from diag.analysis import Analysis
    from diag.testing.gpu_server.simulated import Simulated


@dataclass(frozen=True, slots=True)
class Score:
    """Idle time by its true cause and by the cause that the analysis assigned.

    Attributes:
        assigned_ns: ns by (true cause, assigned cause).
    """

    assigned_ns: Counter[tuple[IdleCause, IdleCause]]

    @property
    def idle_ns(self) -> int:
        """All idle time."""
        return self.assigned_ns.total()

    @property
    def correct_ratio(self) -> float:
        """Share of idle time with the correct cause, 0 to 1; 1 if there is no idle time."""
        right = sum(ns for (true, assigned), ns in self.assigned_ns.items() if true is assigned)
        return right / self.idle_ns if self.idle_ns else 1.0

    def true_ratio(self, cause: IdleCause) -> float:
        """Share of idle time, 0 to 1, whose true cause is this one."""
        mine = sum(ns for (true, _), ns in self.assigned_ns.items() if true is cause)
        return mine / self.idle_ns if self.idle_ns else 0.0

    @property
    def false_starvation_ns(self) -> int:
        """Time without demand that the analysis calls starvation."""
        return sum(
            ns
            for (true, assigned), ns in self.assigned_ns.items()
            if true is IdleCause.NO_DEMAND and assigned.is_starvation
        )

    @property
    def missed_starvation_ns(self) -> int:
        """Starvation that the analysis calls lack of demand."""
        return sum(
            ns
            for (true, assigned), ns in self.assigned_ns.items()
            if true.is_starvation and assigned is IdleCause.NO_DEMAND
        )

    @property
    def lost_demand_ns(self) -> int:
        """Time with an open request that the analysis calls lack of demand."""
        return sum(
            ns
            for (true, assigned), ns in self.assigned_ns.items()
            if true is not IdleCause.NO_DEMAND and assigned is IdleCause.NO_DEMAND
        )

    def plus(self, other: Score) -> Score:
        """The sum of both scores."""
        return Score(self.assigned_ns + other.assigned_ns)


def score(simulated: Simulated, analysis: Analysis) -> Score:
    """Compare the idle time of all GPUs with the truth, instant by instant.

    Raises:
        ValueError: The idle intervals of the analysis differ from the true ones.
    """
    assigned_ns: Counter[tuple[IdleCause, IdleCause]] = Counter()
    for device in range(simulated.plan.devices):
        name = f"/device:GPU:{device}"
        true, assigned = simulated.idle(device), list(_assigned(analysis, name))
        if _union(true) != _union(assigned):
            raise ValueError(f"{name}: the analysis and the truth differ in their idle intervals")
        for one, other in _overlaps(true, assigned):
            low, high = max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns)
            assigned_ns[one.what, other.what] += high - low
    return Score(assigned_ns)


def _assigned(analysis: Analysis, name: str) -> Iterator[Span[IdleCause]]:
    gaps = analysis.gaps
    names = [timeline.name for timeline in analysis.timelines]
    for i in range(len(gaps)):
        if names[gaps.timeline_index[i]] == name:
            cause = IDLE_CAUSES[gaps.cause_index[i]]
            yield Span(cause, int(gaps.start_ns[i]), int(gaps.end_ns[i]))


def _overlaps(
    ours: Sequence[Span[IdleCause]], theirs: Sequence[Span[IdleCause]]
) -> Iterator[tuple[Span[IdleCause], Span[IdleCause]]]:
    """Overlapping pairs of two lists, each in the order of time."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if ours[i].start_ns < theirs[j].end_ns and theirs[j].start_ns < ours[i].end_ns:
            yield ours[i], theirs[j]
        if ours[i].end_ns < theirs[j].end_ns:
            i += 1
        else:
            j += 1


def _union(pieces: Sequence[Span[IdleCause]]) -> list[tuple[int, int]]:
    """The intervals without their causes, joined where they touch."""
    out: list[tuple[int, int]] = []
    for piece in pieces:
        if out and out[-1][1] == piece.start_ns:
            out[-1] = (out[-1][0], piece.end_ns)
        else:
            out.append((piece.start_ns, piece.end_ns))
    return out


def stage_errors(simulated: Simulated, analysis: Analysis) -> dict[Stage, float]:
    """Signed error of each stage's share of all request time, in percentage points.

    Covers the complete requests of the analysis. Each is compared with the simulated request that
    has the same begin and end.

    Raises:
        ValueError: A request of the analysis has no simulated counterpart.
    """
    shift = simulated.shift_ns
    of_span = {(r.start_ns + shift, r.end_ns + shift): r for r in simulated.truth.requests}
    requests = analysis.requests
    true_ns: Counter[Stage] = Counter()
    found_ns: Counter[Stage] = Counter()
    for i in np.flatnonzero(requests.complete):
        span = (int(requests.start_ns[i]), int(requests.end_ns[i]))
        if span not in of_span:
            raise ValueError(f"no simulated request has the span {span}")
        true_ns.update(of_span[span].stage_ns)
        found_ns.update({s: int(ns) for s, ns in zip(STAGES, requests.stage_ns[i], strict=True)})
    total = max(1, true_ns.total())
    return {stage: 100 * (found_ns[stage] - true_ns[stage]) / total for stage in STAGES}
