"""The few sums over models that several rules need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.result import Analysis, GapSummary
from diag.model.availability import Unavailable
from diag.model.device import ModelDeviceCost
from diag.model.events import Bools
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES, Origin, Parameter, Stage, StageGroup


@dataclass(frozen=True, slots=True)
class Shares:
    """The complete requests of all models together, or of one.

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


def sum_shares(
    analysis: Analysis, model: str | None = None, among: Bools | None = None
) -> Shares | None:
    """Shares over all models, or over one, or None without a complete request.

    Args:
        analysis: Where the requests are.
        model: Only this model's.
        among: (requests,) only these.
    """
    requests = analysis.requests
    chosen = requests.complete.copy() if among is None else requests.complete & among
    if model is not None:
        chosen &= requests.model_index == requests.models.index(model)
    duration = int(requests.duration_ns[chosen].sum())
    count = int(chosen.sum())
    if not count or not duration:
        return None
    stage_ns = requests.stage_ns[chosen].sum(axis=0)
    return Shares(
        requests=count,
        mean_ns=duration / count,
        by_stage={stage: float(stage_ns[stage.index] / duration) for stage in STAGES},
    )


def window_ratio(gaps: GapSummary, part_ns: int) -> float:
    """A part of the timeline's window as a ratio."""
    return part_ns / max(1, gaps.timeline.window.duration_ns)


_NOT_HELD_UP = (IdleCause.NO_DEMAND, IdleCause.UNEXPLAINED, IdleCause.TRACE_EDGE)


def most_held_up(analysis: Analysis) -> GapSummary | None:
    """The timeline with most idle time for a cause other than lack of demand; None without any."""
    return max(analysis.idle, key=_held_up_ns, default=None)


def _held_up_ns(gaps: GapSummary) -> int:
    return gaps.idle_ns - sum(gaps.by_cause_ns.get(cause, 0) for cause in _NOT_HELD_UP)


def padding_ratio(analysis: Analysis) -> float:
    """Padding rows over executed rows, over all queues that recorded both."""
    known = [
        (queue.batches * queue.rows_mean, queue.padding_ratio)
        for queue in analysis.queues
        if not isinstance(queue.padding_ratio, Unavailable) and queue.padding_ratio < 1
    ]
    executed = sum(rows / (1 - ratio) for rows, ratio in known)
    return 1 - sum(rows for rows, _ in known) / executed if executed else 0.0


def worst_model(analysis: Analysis, stage: Stage) -> str | None:
    """The model whose requests spend most time in a stage; None where there is only one model.

    COMPUTE means its whole group.
    """
    if len(analysis.models) < 2:
        return None
    wanted = [s.index for s in STAGES if s is stage or (stage is Stage.COMPUTE and _computes(s))]
    requests = analysis.requests
    time_ns = requests.stage_ns[:, wanted].sum(axis=1) * requests.complete
    by_model = np.bincount(requests.model_index, weights=time_ns, minlength=len(requests.models))
    return requests.models[int(by_model.argmax())]


def _computes(stage: Stage) -> bool:
    return stage.group is StageGroup.COMPUTE


def preprocesses_in_batches(analysis: Analysis) -> bool:
    """Whether most preprocessing lies inside batches' runs rather than ahead of the batcher."""
    requests, batches = analysis.requests, analysis.batches
    linked = np.flatnonzero(np.diff(requests.batch_offsets) > 0)
    batch = requests.batch_index[requests.batch_offsets[linked]]
    inside = int(np.maximum(batches.preprocess_ns[batch], 0).sum())
    return 2 * inside > int(requests.stage_ns[:, Stage.PREPROCESS.index].sum())


def top_model(analysis: Analysis) -> ModelDeviceCost | None:
    """The model that takes most device time, or None without device work."""
    return max(
        analysis.device_costs,
        key=lambda cost: cost.device_ns_per_request * cost.requests,
        default=None,
    )


def parameters_are_told(analysis: Analysis) -> bool:
    """Whether every queue's parameters come from the server, not from estimates."""
    return all(
        isinstance(value, Parameter) and value.origin is not Origin.ESTIMATED
        for summary in analysis.queues
        for value in (
            summary.queue.batch_timeout_ns,
            summary.queue.max_batch_size,
            summary.queue.num_batch_threads,
        )
    )
