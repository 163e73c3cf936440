"""Waiting, seen from both sides: a stage of each request, and idle time of what executes.

Most rules are about one kind of waiting. This module measures it, decides whether it is large
enough to report, and gathers the evidence that all these rules share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.confidence import judge
from diag.findings.metrics import below
from diag.findings.shares import sum_shares, worst_model
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Severity, Source, Tier
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.findings.confidence import Basis
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Check, Gain, Remedy
    from diag.model.gaps import IdleCause
    from diag.model.serving import Stage

LEDGER = "ledger"
IDLE = "idle"
_QUEUED = (StageGroup.QUEUEING, StageGroup.BATCHING)


@dataclass(frozen=True, slots=True)
class Wait:
    """One kind of waiting.

    Attributes:
        stage: Its largest stage.
        share: Of request time, 0 to 1, over all its stages.
        mean_ns: Of the mean request.
        idle_ratio: Of the window in which the timeline was idle for it; 0 without a timeline.
        in_requests: Whether it is large enough in the requests' time.
        in_idle: Whether it is the main reason why the timeline is starved, or large in itself.
        queued_share: Of request time in all queueing and batching stages together, where these are
            large and this is only the largest of them; else 0.
    """

    stage: Stage
    share: float
    mean_ns: float
    idle_ratio: float
    in_requests: bool
    in_idle: bool
    queued_share: float = 0.0


def severity_of(share: float) -> Severity:
    """Of a share of request time."""
    is_most = share >= thresholds.CRITICAL_MIN_SHARE
    return Severity.CRITICAL if is_most else Severity.WARNING


def find_wait(
    inputs: RuleInputs,
    stages: tuple[Stage, ...],
    causes: tuple[IdleCause, ...] = (),
) -> Wait | None:
    """The wait made of these stages and causes of idle time; None if it is too small to report.

    In requests it is large from ``STAGE_MIN_SHARE`` on, or where all queueing and batching stages
    together are and one of these is the largest of them, with ``PART_MIN_SHARE`` and
    ``PART_MIN_NS`` or more. As idle time it is large if the timeline
    is starved for ``STARVED_MIN_RATIO`` of the window and this is the worst cause, or if one GPU
    is idle that long for this cause, starved or not.

    Args:
        inputs: All that is known.
        stages: Of requests.
        causes: Of idle time.
    """
    share = sum(inputs.shares.by_stage[stage] for stage in stages)
    idle = inputs.idle_ratio(causes)
    is_worst = inputs.worst_starvation in causes
    starved = is_worst and inputs.starved_ratio >= thresholds.STARVED_MIN_RATIO
    held_up = inputs.on_device and idle >= thresholds.STARVED_MIN_RATIO
    is_large = share >= thresholds.STAGE_MIN_SHARE
    queued_share = 0.0 if is_large else _queued_share(inputs, stages)
    in_requests = is_large or queued_share > 0
    if not (in_requests or starved or held_up):
        return None
    return Wait(
        stage=max(stages, key=lambda stage: inputs.shares.by_stage[stage]),
        share=share,
        mean_ns=inputs.stage_mean_ns(share),
        idle_ratio=idle,
        in_requests=in_requests,
        in_idle=starved or held_up,
        queued_share=queued_share,
    )


def _queued_share(inputs: RuleInputs, stages: tuple[Stage, ...]) -> float:
    """Of all queueing and batching, if that is large and one of the stages the largest; else 0."""
    queued = {s: share for s, share in inputs.shares.by_stage.items() if s.group in _QUEUED}
    total = sum(queued.values())
    is_largest = max(queued, key=lambda stage: queued[stage]) in stages
    share = sum(queued.get(stage, 0.0) for stage in stages)
    is_worth_it = (
        share >= thresholds.PART_MIN_SHARE and inputs.stage_mean_ns(share) >= thresholds.PART_MIN_NS
    )
    is_large = total >= thresholds.STAGE_MIN_SHARE
    return total if is_large and is_largest and is_worth_it else 0.0


class WaitWords(NamedTuple):
    """How a kind of waiting is put into a sentence.

    Attributes:
        of_requests: Completes "Requests spend 65% of their time …".
        of_idle: Completes "/device:GPU:0 waits …".
    """

    of_requests: str
    of_idle: str


def wait_finding(
    inputs: RuleInputs,
    wait: Wait,
    words: WaitWords,
    basis: Basis,
    *,
    rule: str,
    cause: str,
    causes: tuple[IdleCause, ...],
    remedies: tuple[Remedy, ...],
    gain: Gain | Unavailable,
    verify: tuple[Check, ...],
    rollback: str,
    evidence: tuple[Evidence, ...] = (),
    counter_evidence: tuple[CounterEvidence, ...] = (),
) -> Finding:
    """A finding about a wait: what all of these have in common, and what the rule adds."""
    confidence, reason = judge(inputs, basis)
    return Finding(
        id=rule,
        cause=cause,
        severity=severity_of(wait.share),
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(inputs, wait, words),
        evidence=(*_evidence(inputs, wait, causes), *evidence),
        counter_evidence=(_larger_stage(inputs, wait), *counter_evidence),
        remedies=remedies,
        gain=gain,
        verify=verify,
        rollback=rollback,
        tier=Tier.REQUEST_TIME if wait.in_requests else Tier.DEVICE_TIME,
        at_stake_ns=wait.mean_ns if wait.in_requests else wait.idle_ratio * 1e9,
    )


def wait_halved(inputs: RuleInputs, wait: Wait, causes: tuple[IdleCause, ...]) -> tuple[Check, ...]:
    """The check that the wait takes at most half: of requests' time, or as idle time."""
    if wait.in_requests:
        return below(inputs.analysis, f"stage.{wait.stage.value}.mean", 0.5)
    worst = max(causes, key=lambda cause: inputs.idle_ratio((cause,)))
    return below(inputs.analysis, f"idle.{worst.value}", 0.5)


def _sentence(inputs: RuleInputs, wait: Wait, words: WaitWords) -> str:
    if wait.in_requests:
        worst = _worst(inputs, wait)
        if wait.queued_share:
            return (
                f"Requests spend {wait.queued_share:.0%} of their time in queues and batching; the "
                f"largest part, {wait.share:.0%}, is spent {words.of_requests}{worst}."
            )
        return f"Requests spend {wait.share:.0%} of their time {words.of_requests}{worst}."
    return idle_sentence(inputs, words.of_idle)


def idle_sentence(inputs: RuleInputs, words: str) -> str:
    """``/device:GPU:0 waits …``: how long is in the verdict's sentence about the device."""
    name = inputs.timeline_name
    return f"{name[0].upper()}{name[1:]} waits {words}."


def _worst(inputs: RuleInputs, wait: Wait) -> str:
    """With several models, the one that spends most time so; else nothing."""
    found = _worst_model(inputs, wait)
    if found is None:
        return ""
    name = printable(found.model, NAME_MAX_CHARS)
    return f"; {name} spends {duration(found.waits_ns)} of {duration(found.mean_ns)} so"


class _WorstModel(NamedTuple):
    model: str
    mean_ns: float
    waits_ns: float


def _worst_model(inputs: RuleInputs, wait: Wait) -> _WorstModel | None:
    """Of several models, the one whose requests spend most time in the wait's stage."""
    model = worst_model(inputs.analysis, wait.stage)
    shares = None if model is None else sum_shares(inputs.analysis, model)
    if model is None or shares is None:
        return None
    return _WorstModel(model, shares.mean_ns, shares.by_stage[wait.stage] * shares.mean_ns)


def _evidence(
    inputs: RuleInputs, wait: Wait, causes: tuple[IdleCause, ...]
) -> tuple[Evidence, ...]:
    """The wait itself, its worst model, the largest other stage and the idle time."""
    items = [
        Evidence("complete requests", inputs.shares.requests, "requests", Source("requests")),
        *_stage_evidence(inputs, wait),
    ]
    return (*items, *idle_evidence(inputs, causes))


def idle_evidence(inputs: RuleInputs, causes: tuple[IdleCause, ...]) -> list[Evidence]:
    """Idle time of each cause as a ratio of the window, where there is any."""
    if inputs.gaps is None:
        return []
    name = inputs.gaps.timeline.name
    ratios = [(cause.value, inputs.idle_ratio((cause,))) for cause in causes]
    return [
        Evidence(f"idle, {cause}", ratio, "ratio", Source(IDLE, f"{name} {cause}"))
        for cause, ratio in ratios
        if ratio
    ]


def _stage_evidence(inputs: RuleInputs, wait: Wait) -> list[Evidence]:
    stage = wait.stage.value
    items = [
        Evidence(f"{stage} share", wait.share, "ratio", Source(LEDGER, stage)),
        Evidence(f"{stage} mean", wait.mean_ns, "ns", Source(LEDGER, stage)),
    ]
    if wait.queued_share:
        queued, mean_ns = wait.queued_share, inputs.shares.mean_ns
        items.append(Evidence("queueing and batching share", queued, "ratio", Source(LEDGER)))
        items.append(Evidence("request mean", mean_ns, "ns", Source(LEDGER, "request")))
    worst = _worst_model(inputs, wait)
    if worst is not None:
        of_model, of_stage = Source(LEDGER, worst.model), Source(LEDGER, f"{worst.model} {stage}")
        items.append(Evidence(f"mean of {worst.model}", worst.mean_ns, "ns", of_model))
        items.append(Evidence(f"{stage} mean of {worst.model}", worst.waits_ns, "ns", of_stage))
    return items


def _larger_stage(inputs: RuleInputs, wait: Wait) -> CounterEvidence:
    """Whether requests spend more time in something else."""
    others = {
        stage.value: share
        for stage, share in inputs.shares.by_stage.items()
        if stage.group is not StageGroup.COMPUTE and stage is not wait.stage
    }
    if wait.stage.group is not StageGroup.COMPUTE:
        others["the model"] = inputs.shares.group(StageGroup.COMPUTE)
    name = max(others, key=lambda each: others[each])
    return CounterEvidence(
        looked_for="something else that takes more of a request's time",
        found=others[name] > wait.share,
        detail=f"next is {name} with {others[name]:.0%}",
    )
