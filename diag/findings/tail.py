"""What makes slow requests slow, and whether that is what the first finding is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Source
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, ModelSummary


class Tail(NamedTuple):
    """How much longer requests around p99 take than those around p50, and where.

    Attributes:
        model: The model with most requests.
        extra_ns: In all stages together.
        stage: The stage with most of it.
        stage_extra_ns: In that stage.
    """

    model: str
    extra_ns: float
    stage: str
    stage_extra_ns: float


def find_tail(analysis: Analysis) -> Tail | None:
    """None with too few requests, or where p99 is close to p50."""
    model = max(analysis.models, key=lambda each: each.requests, default=None)
    if model is None or model.requests < thresholds.TAIL_MIN_REQUESTS or not _is_long(model):
        return None
    extras = [
        (stage.tail_ns, stage.stage.value)
        for stage in model.stages
        if stage.known and not isinstance(stage.tail_ns, Unavailable)
    ]
    if isinstance(model.tail_ns, Unavailable) or not extras:
        return None
    stage_extra_ns, stage = max(extras)
    return Tail(model.model, model.tail_ns, stage, stage_extra_ns)


def _is_long(model: ModelSummary) -> bool:
    p50, p99 = model.latency.p50_ns, model.latency.p99_ns
    if isinstance(p50, Unavailable) or isinstance(p99, Unavailable):
        return False
    return p99 >= thresholds.TAIL_MIN_RATIO * p50


def tail_sentence(analysis: Analysis, tail: Tail | None, cause: str) -> str:
    """What slow requests spend their extra time in; "" without a tail.

    Args:
        analysis: For the number of models.
        tail: What ``find_tail`` returned.
        cause: Of the first finding; another stage's time is not what its remedy gives back.
    """
    if tail is None:
        return ""
    of = f" of {printable(tail.model, NAME_MAX_CHARS)}" if len(analysis.models) > 1 else ""
    text = (
        f"Requests{of} around p99 take {duration(tail.extra_ns)} more than those around p50, "
        f"{duration(tail.stage_extra_ns)} of it in {tail.stage}."
    )
    return text if tail.stage == cause else f"{text} The change above may not lower p99."


def tail_evidence(tail: Tail | None) -> tuple[Evidence, ...]:
    """The numbers of the sentence."""
    if tail is None:
        return ()
    total, part = Source("ledger", tail.model), Source("ledger", f"{tail.model} {tail.stage}")
    return (
        Evidence("extra time around p99", tail.extra_ns, "ns", total),
        Evidence(f"extra time around p99, {tail.stage}", tail.stage_extra_ns, "ns", part),
    )
