"""One model's ledger, as it is shown; sums over groups are made here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.serving import StageGroup
from diag.report.report import GroupPart, ModelPart, Spread, StagePart
from diag.report.values import finite, readable

if TYPE_CHECKING:
    from diag.analysis.distribution import Distribution
    from diag.analysis.result import ModelSummary, StageSummary


def model_part(model: ModelSummary) -> ModelPart:
    """Every group in its order, also those that are 0 everywhere."""
    groups = tuple(
        _group_part(group, tuple(s for s in model.stages if s.stage.group is group))
        for group in StageGroup
    )
    return ModelPart(
        model=readable(model.model),
        modes=tuple(mode.value for mode in model.modes),
        requests=model.requests,
        rate_per_second=model.rate_per_second,
        latency=spread(model.latency),
        tail_ns=finite(model.tail_ns),
        groups=groups,
    )


def _group_part(group: StageGroup, stages: tuple[StageSummary, ...]) -> GroupPart:
    known = [stage for stage in stages if stage.known]
    return GroupPart(
        group=group.value,
        known=bool(known),
        share=math.fsum(stage.share for stage in known),
        mean_ns=_total([stage.time.mean_ns for stage in known]),
        tail_ns=_total([stage.tail_ns for stage in known]),
        stages=tuple(
            StagePart(
                stage=stage.stage.value,
                known=stage.known,
                share=stage.share,
                time=spread(stage.time),
                tail_ns=finite(stage.tail_ns),
            )
            for stage in stages
        ),
    )


def _total(values: list[float | Unavailable]) -> float | Unavailable:
    """Their sum; the first reason if one of them is missing."""
    for value in values:
        if isinstance(value, Unavailable):
            return value
    return finite(math.fsum(value for value in values if not isinstance(value, Unavailable)))


def spread(times: Distribution) -> Spread:
    """A Distribution as it is shown."""
    return Spread(
        n=times.n,
        mean_ns=finite(times.mean_ns),
        p50_ns=times.p50_ns,
        p90_ns=times.p90_ns,
        p99_ns=times.p99_ns,
    )
