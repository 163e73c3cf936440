"""How well an analysis tells why a simulated GPU idled, and where its requests' time went."""

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
    from diag.testing.gpu_server.simulate import Simulated


@dataclass(frozen=True, slots=True)
class Score:
    """Idle time by what caused it and by what the analysis says, in ns.

    Attributes:
        told_ns: By (true cause, told cause).
    """

    told_ns: Counter[tuple[IdleCause, IdleCause]]

    @property
    def idle_ns(self) -> int:
        """All idle time."""
        return self.told_ns.total()

    @property
    def right_ratio(self) -> float:
        """Share of idle time whose cause is told right, 0 to 1; 1 without any."""
        right = sum(ns for (true, told), ns in self.told_ns.items() if true is told)
        return right / self.idle_ns if self.idle_ns else 1.0

    def true_ratio(self, cause: IdleCause) -> float:
        """Share of idle time that is truly due to the cause."""
        mine = sum(ns for (true, _), ns in self.told_ns.items() if true is cause)
        return mine / self.idle_ns if self.idle_ns else 0.0

    @property
    def false_starvation_ns(self) -> int:
        """Time without demand that is told to be starvation."""
        return sum(
            ns
            for (true, told), ns in self.told_ns.items()
            if true is IdleCause.NO_DEMAND and told.is_starvation
        )

    @property
    def missed_starvation_ns(self) -> int:
        """Starvation that is told to be without demand."""
        return sum(
            ns
            for (true, told), ns in self.told_ns.items()
            if true.is_starvation and told is IdleCause.NO_DEMAND
        )

    @property
    def lost_demand_ns(self) -> int:
        """Time with a request open that is told to be without demand."""
        return sum(
            ns
            for (true, told), ns in self.told_ns.items()
            if true is not IdleCause.NO_DEMAND and told is IdleCause.NO_DEMAND
        )

    def plus(self, other: Score) -> Score:
        """Both together."""
        return Score(self.told_ns + other.told_ns)


def score(simulated: Simulated, analysis: Analysis) -> Score:
    """Compare the gaps of all GPUs with the truth, instant by instant.

    Raises:
        ValueError: The analysis does not find the GPU idle exactly when it was.
    """
    told_ns: Counter[tuple[IdleCause, IdleCause]] = Counter()
    for device in range(simulated.plan.devices):
        name = f"/device:GPU:{device}"
        true, told = simulated.idle(device), list(_told(analysis, name))
        if _union(true) != _union(told):
            raise ValueError(f"{name}: the analysis and the truth differ in when it was idle")
        for one, other in _overlaps(true, told):
            low, high = max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns)
            told_ns[one.what, other.what] += high - low
    return Score(told_ns)


def _told(analysis: Analysis, name: str) -> Iterator[Span[IdleCause]]:
    gaps = analysis.gaps
    names = [timeline.name for timeline in analysis.timelines]
    for i in range(len(gaps)):
        if names[gaps.timeline_index[i]] == name:
            cause = IDLE_CAUSES[gaps.cause_index[i]]
            yield Span(cause, int(gaps.start_ns[i]), int(gaps.end_ns[i]))


def _overlaps(
    ours: Sequence[Span[IdleCause]], theirs: Sequence[Span[IdleCause]]
) -> Iterator[tuple[Span[IdleCause], Span[IdleCause]]]:
    """Pairs that overlap, of two lists each in the order of time."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if ours[i].start_ns < theirs[j].end_ns and theirs[j].start_ns < ours[i].end_ns:
            yield ours[i], theirs[j]
        if ours[i].end_ns < theirs[j].end_ns:
            i += 1
        else:
            j += 1


def _union(pieces: Sequence[Span[IdleCause]]) -> list[tuple[int, int]]:
    """The same without causes."""
    out: list[tuple[int, int]] = []
    for piece in pieces:
        if out and out[-1][1] == piece.start_ns:
            out[-1] = (out[-1][0], piece.end_ns)
        else:
            out.append((piece.start_ns, piece.end_ns))
    return out


def stage_errors(simulated: Simulated, analysis: Analysis) -> dict[Stage, float]:
    """By how many percentage points each stage's share of all requests' time is off; signed.

    Over the requests that the analysis has complete, each with the one of the simulation that began
    and ended when it did.

    Raises:
        ValueError: A request of the analysis never was.
    """
    shift = simulated.shift_ns
    of_span = {(r.start_ns + shift, r.end_ns + shift): r for r in simulated.truth.requests}
    requests = analysis.requests
    true_ns: Counter[Stage] = Counter()
    told_ns: Counter[Stage] = Counter()
    for i in np.flatnonzero(requests.complete):
        span = (int(requests.start_ns[i]), int(requests.end_ns[i]))
        if span not in of_span:
            raise ValueError(f"no request of the simulation began and ended at {span}")
        true_ns.update(of_span[span].stage_ns)
        told_ns.update({s: int(ns) for s, ns in zip(STAGES, requests.stage_ns[i], strict=True)})
    total = max(1, true_ns.total())
    return {stage: 100 * (told_ns[stage] - true_ns[stage]) / total for stage in STAGES}
