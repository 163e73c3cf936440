"""Batches are padded to sizes much larger than what clients sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import parameter_remedy
from diag.findings.confidence import Basis, judge
from diag.findings.device import is_without_demand
from diag.findings.metrics import check, not_above
from diag.findings.shares import padding_ratio, top_model, window_ratio
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Setting,
    Source,
    Tier,
)
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "padding-waste"


def find(inputs: RuleInputs) -> Finding | None:
    """Padding rows are more than ``PADDING_MIN_RATIO`` of the executed rows.

    Not where a GPU is idle for lack of demand: padding then delays nothing. Source of the remedy:
    batching/README.md of tensorflow/serving 9d981c5c (allowed_batch_sizes).
    """
    analysis = inputs.analysis
    padding = padding_ratio(analysis)
    if padding < thresholds.PADDING_MIN_RATIO:
        return None
    if inputs.on_device and is_without_demand(inputs):
        return None
    confidence, reason = judge(inputs, Basis(on_device=False))
    rows = _rows_mean(inputs)
    compute = inputs.shares.group(StageGroup.COMPUTE)
    setting = Setting(
        "allowed_batch_sizes",
        Unavailable("the list is not in the trace"),
        Unavailable("depends on which batch sizes are frequent: see the batches table"),
    )
    return Finding(
        id=ID,
        cause="padding",
        severity=severity_of(padding * compute),
        confidence=confidence,
        confidence_reason=reason,
        what=f"{padding:.0%} of the executed rows are padding.",
        evidence=(
            Evidence("padding", padding, "ratio", Source("batches", "padding")),
            Evidence("rows in a batch, mean", rows, "rows", Source("batches", "rows")),
            Evidence("share of request time in the model", compute, "ratio", Source("ledger")),
        ),
        counter_evidence=(_cheap_rows(inputs),),
        remedies=(
            parameter_remedy(
                analysis,
                f"Add smaller entries to allowed_batch_sizes (batches hold {rows:.1f} rows on "
                "average). The last entry must stay max_batch_size.",
                setting,
                "Each size is compiled or tuned on its first use: warm all of them up.",
            ),
        ),
        gain=Unavailable(_no_gain(inputs)),
        verify=(
            check(analysis, "batches.padding", high=padding / 2),
            *not_above(analysis, "batches.service.mean"),
        ),
        rollback="Put the earlier allowed_batch_sizes back.",
        tier=Tier.DEVICE_TIME,
        at_stake_ns=padding * _busy_ns_per_second(inputs),
    )


def _rows_mean(inputs: RuleInputs) -> float:
    queues = inputs.analysis.queues
    batches = sum(summary.batches for summary in queues)
    return sum(summary.batches * summary.rows_mean for summary in queues) / max(1, batches)


def _busy_ns_per_second(inputs: RuleInputs) -> float:
    gaps = inputs.gaps
    return 0.0 if gaps is None else window_ratio(gaps, gaps.timeline.busy_ns) * 1e9


def _cheap_rows(inputs: RuleInputs) -> CounterEvidence:
    """Whether a row costs nothing measurable, so that padding rows are nearly free."""
    cost = top_model(inputs.analysis)
    looked_for = "batches whose time does not grow with their rows: padding is then nearly free"
    if cost is None:
        return CounterEvidence(looked_for, Unavailable("no GPU work to measure it on"))
    if isinstance(cost.per_row_ns, Unavailable):
        return CounterEvidence(looked_for, cost.per_row_ns)
    return CounterEvidence(
        looked_for, cost.per_row_ns <= 0, f"{cost.per_row_ns / 1e3:.1f} µs a row"
    )


def _no_gain(inputs: RuleInputs) -> str:
    cost = top_model(inputs.analysis)
    if cost is None:
        return "what a row costs is measured on GPUs only"
    return "how batches spread over other sizes needs a simulation"
