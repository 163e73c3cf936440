"""diag's results compared with the truth: mean times, queue waits and the planted cause."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from diag.demo.groups import (
    GROUPS,
    DiagGroups,
    Groups,
    mean_groups,
    pair_requests,
    truth_groups,
)
from diag.demo.queue_comparison import compare_queue
from diag.demo.tolerance import Deviation, tolerance_ns
from diag.findings.cpu import has_busy_neighbours
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.demo.groups import Pair
    from diag.demo.replay import BatcherSettings
    from diag.demo.scenario import Scenario
    from diag.demo.truth import RequestTruth

# Above this share of a request's time a difference is a defect, not inaccuracy.
GROSS_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Comparison:
    """diag's results and the truth for the requests of one model.

    Attributes:
        model: Name of the model.
        recorded: Complete requests in diag's table, all models together.
        matched: Recorded requests of this model that have a counterpart in the truth.
        expected: Requests of this model that by the truth lie inside the recorded window.
        lines: Differences by group of stages, then by queue wait if the model is batched.
        request_ns: Mean duration of a request by the truth.
        planted: Ids of findings of which a correct verdict has one.
        first: Id of diag's first finding; ``healthy`` where no change is advised.
        largest_stage: Stage in which requests of this model spend most time.
        largest_gap: Idle cause with most time; "" if no device was idle.
        has_neighbours: Whether other processes took much of a full CPU, by the samples of the
            capture.
    """

    model: str
    recorded: int
    matched: int
    expected: int
    lines: tuple[Deviation, ...]
    request_ns: float
    planted: tuple[str, ...]
    first: str
    largest_stage: str
    largest_gap: str
    has_neighbours: bool

    @property
    def is_verdict_right(self) -> bool:
        """Whether diag's first finding names the planted cause."""
        return self.first in self.planted

    @property
    def is_gross(self) -> bool:
        """Whether a mean is off by over 10 % of a request, or over 10 % of requests miss."""
        if not self.matched or self.matched < 0.9 * self.expected:
            return True
        return any(abs(line.difference_ns) > GROSS_SHARE * self.request_ns for line in self.lines)

    def to_json(self) -> str:
        """The content of comparison.json."""
        record: dict[str, Any] = {
            **{key: value for key, value in asdict(self).items() if key != "lines"},
            "verdict_is_right": self.is_verdict_right,
            "lines": [
                {**asdict(line), "difference_ns": line.difference_ns, "within": line.is_within}
                for line in self.lines
            ],
        }
        return json.dumps(record, indent=1) + "\n"


def compare(
    analysis: Analysis,
    truths: Sequence[RequestTruth],
    *,
    scenario: Scenario,
    settings: BatcherSettings | None,
    first: str,
) -> Comparison:
    """Compare the requests of the model that shows the scenario's cause.

    Args:
        analysis: Analysis of the capture.
        truths: Every request of every model, also those outside the window.
        scenario: The scenario with its planted cause.
        settings: Parameters of the victim's queue; None if it is not batched.
        first: Id of the verdict's finding, or ``healthy``.
    """
    model = scenario.victim
    pairs = pair_requests(analysis, truths, model)
    lines: tuple[Deviation, ...] = ()
    request_ns = 0.0
    if pairs:
        by_diag = DiagGroups(analysis)
        truth = mean_groups([truth_groups(truths[pair.truth]) for pair in pairs])
        found = mean_groups([by_diag.of(pair.row) for pair in pairs])
        request_ns = truth.total
        lines = _group_lines(found, truth)
        if settings is not None:
            lines += compare_queue(analysis, truths, pairs, settings, request_ns)
    return Comparison(
        model=model,
        recorded=int(analysis.requests.complete.sum()),
        matched=len(pairs),
        expected=_count_inside(analysis, truths, model),
        lines=lines,
        request_ns=request_ns,
        planted=scenario.findings,
        first=first,
        largest_stage=_largest_stage(analysis, pairs),
        largest_gap=_largest_gap(analysis),
        has_neighbours=has_busy_neighbours(analysis),
    )


def _group_lines(found: Groups, truth: Groups) -> tuple[Deviation, ...]:
    allowed = tolerance_ns(truth.total)
    return tuple(
        Deviation(name, getattr(found, name), getattr(truth, name), allowed) for name in GROUPS
    )


def _count_inside(analysis: Analysis, truths: Sequence[RequestTruth], model: str) -> int:
    origin, window = analysis.capture.origin_unix_ns, analysis.capture.window
    if not isinstance(origin, int):
        return 0
    return sum(
        truth.model == model
        and truth.status == "OK"
        and truth.run_start_unix_ns >= origin + window.start_ns
        and truth.run_end_unix_ns <= origin + window.end_ns
        for truth in truths
    )


def _largest_stage(analysis: Analysis, pairs: Sequence[Pair]) -> str:
    rows = [pair.row for pair in pairs]
    if not rows:
        return ""
    return STAGES[int(analysis.requests.stage_ns[rows].sum(axis=0).argmax())].value


def _largest_gap(analysis: Analysis) -> str:
    idle: dict[IdleCause, int] = {}
    for summary in analysis.idle:
        for cause, duration in summary.by_cause_ns.items():
            idle[cause] = idle.get(cause, 0) + duration
    largest = max(idle, key=lambda cause: idle[cause], default=None)
    return largest.value if largest is not None and idle[largest] > 0 else ""
