"""The rules that a verdict's cause is drawn from, in their order: the first that holds decides.

What stops the whole machine comes first; then the stage in which requests spend most of their time,
if it is a wait; and only when that is the model's own work the device: what the trace lacks of it,
who else is on it, what of its time is not kernels, starvation, padding, saturation, no demand. A
server in which none of these holds is healthy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diag.analysis.result import Analysis, GapSummary
from diag.findings import thresholds
from diag.findings.device import (
    DEVICE_WAIT,
    NOT_TRACED,
    OTHER_PROCESS,
    describe_intruder,
    holding_cause,
    intruder,
    machine_cause,
    slow_part,
    untraced,
)
from diag.findings.shares import Shares, padding_ratio, sum_shares, window_ratio, worst_model
from diag.findings.wording import IDLE_TEXT, MACHINE_TEXT, WAIT_TEXT, name_preprocess_ops
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from diag.model.serving import Stage, StageGroup


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at.

    Attributes:
        analysis: All of it.
        shares: Of the complete requests of all models.
        gaps: The timeline that is held up most, if there is any.
    """

    analysis: Analysis
    shares: Shares
    gaps: GapSummary | None

    @property
    def mean(self) -> str:
        """How every sentence begins."""
        return f"Requests take {self.shares.mean_ns / 1e6:.3g} ms on average"

    @property
    def lead(self) -> str:
        """How a sentence begins that goes on about the device."""
        return f"{self.mean}, {self.shares.group(StageGroup.COMPUTE):.0%} of it in the model"


Found = tuple[str, str] | None
Rule = Callable[[Facts], Found]


def find_cause(facts: Facts) -> tuple[str, str]:
    """The cause, and the sentence on it."""
    for rule in RULES:
        found = rule(facts)
        if found is not None:
            return found
    return "healthy", f"{facts.lead}; no stage holds them up."


def _stopped_by_the_machine(facts: Facts) -> Found:
    cause = None if facts.gaps is None else machine_cause(facts.analysis, facts.gaps)
    if cause is None:
        return None
    return cause.value, f"{facts.mean}. What holds them up most is {MACHINE_TEXT[cause]}."


def _waiting_in_a_stage(facts: Facts) -> Found:
    stage, shares = facts.shares.largest, facts.shares
    if stage is Stage.COMPUTE or shares.by_stage[stage] < thresholds.STAGE_MIN_SHARE:
        return None
    named = name_preprocess_ops(facts.analysis) if stage is Stage.PREPROCESS else ""
    return stage.value, (
        f"{facts.mean}, {shares.by_stage[stage]:.0%} of it {WAIT_TEXT[stage]}{named}"
        f"{_worst_text(facts.analysis, stage)}."
    )


def _explained_by_nothing(facts: Facts) -> Found:
    unknown = facts.shares.by_stage[Stage.UNATTRIBUTED]
    if unknown < thresholds.STAGE_MIN_SHARE or unknown <= facts.shares.group(StageGroup.COMPUTE):
        return None
    return IdleCause.UNEXPLAINED.value, (
        f"{facts.mean}, {unknown:.0%} of it explained by nothing in the trace."
    )


def _on_a_gpu_not_traced(facts: Facts) -> Found:
    hidden = untraced(facts.analysis)
    if hidden is None:
        return None
    ratio = hidden.sampled_ratio
    sampled = "" if isinstance(ratio, Unavailable) else f"{ratio:.0%} "
    return NOT_TRACED, (
        f"{facts.lead}, on a GPU that the trace does not show: {hidden.device} was {sampled}busy "
        "by its samples."
    )


def _beside_another_process(facts: Facts) -> Found:
    found = intruder(facts.analysis)
    if found is None:
        return None
    return OTHER_PROCESS, f"{facts.lead}, on {found.device}, which {describe_intruder(found)}."


def _in_the_model_but_not_its_kernels(facts: Facts) -> Found:
    part = slow_part(facts.shares)
    if part is None:
        return None
    cause, share, words = part
    # Behind runs of its own model a kernel waits because the GPU is full, not because it is shared.
    if cause == DEVICE_WAIT and len(facts.analysis.models) < 2 and _saturated(facts):
        return None
    return cause, f"{facts.lead}: {share:.0%} of all their time is {words}."


def _starving_gpu(facts: Facts) -> Found:
    """Before padding: a GPU that waits for its input has time to spare for padding.

    On the CPU the model's rows and the work before them want the same cores.
    """
    on_device = facts.gaps is not None and facts.gaps.timeline.is_device
    return _starving(facts) if on_device else None


def _idle_gpu(facts: Facts) -> Found:
    """Before padding: what a GPU that nobody asks executes in vain costs nobody anything."""
    on_device = facts.gaps is not None and facts.gaps.timeline.is_device
    return _no_demand(facts) if on_device else None


def _padding(facts: Facts) -> Found:
    padding = padding_ratio(facts.analysis)
    if padding < thresholds.PADDING_MIN_RATIO:
        return None
    return "padding", f"{facts.lead}, where {padding:.0%} of the executed rows are padding."


def _starving(facts: Facts) -> Found:
    gaps = facts.gaps
    if gaps is None or window_ratio(gaps, gaps.starved_ns) < thresholds.STARVED_MIN_RATIO:
        return None
    starving = {cause: ns for cause, ns in gaps.by_cause_ns.items() if cause.is_starvation}
    worst = max(starving, key=lambda cause: starving[cause])
    return worst.value, f"{facts.lead}, which is starved of input: {IDLE_TEXT[worst]}."


def _saturated(facts: Facts) -> Found:
    gaps = facts.gaps
    if gaps is None:
        return None
    if window_ratio(gaps, gaps.timeline.busy_ns) < thresholds.SATURATED_MIN_RATIO:
        return None
    return "saturated", f"{facts.lead}, which leaves no slack."


def _held_up(facts: Facts) -> Found:
    cause = None if facts.gaps is None else holding_cause(facts.gaps)
    if facts.gaps is None or cause is None:
        return None
    return cause.value, f"{facts.lead}, while {facts.gaps.timeline.name} stands {IDLE_TEXT[cause]}."


def _no_demand(facts: Facts) -> Found:
    gaps = facts.gaps
    if gaps is None or window_ratio(gaps, gaps.idle_ns) < thresholds.NO_DEMAND_MIN_IDLE_RATIO:
        return None
    if gaps.no_demand_ns / max(1, gaps.idle_ns) < thresholds.NO_DEMAND_MIN_SHARE:
        return None
    return "no-demand", f"{facts.lead}; idle for lack of demand, not starved of input."


RULES: tuple[Rule, ...] = (
    _stopped_by_the_machine,
    _waiting_in_a_stage,
    _on_a_gpu_not_traced,
    _explained_by_nothing,
    _beside_another_process,
    _in_the_model_but_not_its_kernels,
    _starving_gpu,
    _idle_gpu,
    _padding,
    _starving,
    _saturated,
    _held_up,
    _no_demand,
)


def _worst_text(analysis: Analysis, stage: Stage) -> str:
    """With several models, the one that spends most time there; else nothing."""
    model = worst_model(analysis, stage)
    shares = None if model is None else sum_shares(analysis, model)
    if shares is None:
        return ""
    return (
        f"; most of that is {model}, whose requests take {shares.mean_ns / 1e6:.3g} ms, "
        f"{shares.by_stage[stage]:.0%} of it so"
    )
