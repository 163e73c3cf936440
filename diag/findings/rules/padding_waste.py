"""Batches are padded to sizes much larger than what clients sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import parameter_remedy
from diag.findings.confidence import Basis, judge
from diag.findings.device import is_without_demand
from diag.findings.metrics import check, not_above
from diag.findings.padding_cost import padding_cost
from diag.findings.shares import padding_ratio, top_model, window_ratio
from diag.findings.sources import BATCHES
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
from diag.model.gaps import Confidence
from diag.model.serving import Origin

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.findings.padding_cost import PaddingCost

ID = "padding-waste"
NEEDS = (BATCHES,)


def find(inputs: RuleInputs) -> Finding | None:
    """Padding rows are many, and cost at least ``PADDING_MIN_COST`` of the time of batches.

    Where t(b) does not give the cost of a row, the most that padding may cost decides, and the
    confidence is low. Not where a GPU is idle for lack of demand: padding then delays nothing.
    Source of the remedy: batching/README.md of tensorflow/serving 9d981c5c (allowed_batch_sizes).
    """
    analysis = inputs.analysis
    padding = padding_ratio(analysis)
    if padding < thresholds.PADDING_MIN_RATIO:
        return None
    if inputs.on_device and is_without_demand(inputs):
        return None
    cost = padding_cost(analysis, top_model(analysis))
    if cost.of_batches < thresholds.PADDING_MIN_COST:
        return None
    confidence, reason = _confidence(inputs, cost)
    is_large = _is_large(cost)
    rows = _rows_mean(inputs)
    setting = _smaller_sizes(analysis)
    return Finding(
        id=ID,
        cause="padding",
        severity=severity_of(cost.of_requests),
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(padding, cost),
        evidence=_evidence(padding, rows, cost),
        counter_evidence=(_cheap_rows(cost),),
        remedies=(
            parameter_remedy(
                analysis,
                f"Add smaller entries to allowed_batch_sizes{_listed(setting)} (batches hold "
                f"{rows:.1f} rows on average). The last entry must stay max_batch_size.",
                setting,
                "Each size is compiled or tuned on its first use: warm all of them up.",
            ),
        ),
        gain=Unavailable("how batches spread over other sizes needs a simulation"),
        verify=(
            check(analysis, "batches.padding", high=padding / 2),
            *not_above(analysis, "batches.service.mean"),
        ),
        rollback="Put the earlier allowed_batch_sizes back.",
        tier=Tier.REQUEST_TIME if is_large else Tier.DEVICE_TIME,
        at_stake_ns=(
            inputs.stage_mean_ns(cost.of_requests)
            if is_large
            else cost.of_batches * _busy_ns_per_second(inputs)
        ),
    )


def _smaller_sizes(analysis: Analysis) -> Setting:
    """The powers of two below the largest size, and today's sizes where the file tells them."""
    file = analysis.capture.batching_parameters
    given: tuple[int, ...] = () if isinstance(file, Unavailable) else file.allowed_batch_sizes
    now = Unavailable("the list is not in the trace")
    largest = max(given, default=int(analysis.batches.padded_rows.max(initial=0)))
    if largest < 1:
        return Setting("allowed_batch_sizes", now, Unavailable("no padded size was recorded"))
    smaller = (1 << bits for bits in range(largest.bit_length()))
    sizes = sorted({*given, *(size for size in smaller if size < largest), largest})
    return Setting(
        "allowed_batch_sizes",
        "/".join(map(str, given)) if given else now,
        "/".join(map(str, sizes)),
        origin=Origin.FILE.value if given else "",
    )


def _listed(setting: Setting) -> str:
    """The sizes as words; "" where they are not known."""
    return "" if isinstance(setting.to, Unavailable) else f": {setting.to}"


def _is_large(cost: PaddingCost) -> bool:
    """Whether padding is known to take as much of requests' time as any stage that is reported."""
    known = not isinstance(cost.row_ns, Unavailable)
    return known and cost.of_requests >= thresholds.STAGE_MIN_SHARE


def _confidence(inputs: RuleInputs, cost: PaddingCost) -> tuple[Confidence, str]:
    if isinstance(cost.row_ns, Unavailable):
        return Confidence.LOW, f"What a padding row costs is not known: {cost.row_ns.reason}."
    return judge(inputs, Basis(on_device=False))


def _sentence(padding: float, cost: PaddingCost) -> str:
    if isinstance(cost.row_ns, Unavailable):
        return (
            f"{padding:.0%} of the executed rows are padding. They take at most "
            f"{cost.of_batches:.0%} of the time of batches; how much is not known."
        )
    return (
        f"{padding:.0%} of the executed rows are padding. They take {cost.of_batches:.0%} of the "
        f"time of batches and {cost.of_requests:.0%} of the time of requests."
    )


def _evidence(padding: float, rows: float, cost: PaddingCost) -> tuple[Evidence, ...]:
    where, ledger = Source("batches", "padding"), Source("ledger")
    items = [
        Evidence("padding", padding, "ratio", where),
        Evidence("rows in a batch, mean", rows, "rows", Source("batches", "rows")),
    ]
    if isinstance(cost.row_ns, Unavailable):
        most = "time of padding over that of batches, at most"
        return (*items, Evidence(most, cost.of_batches, "ratio", where))
    return (
        *items,
        Evidence("time of a row", cost.row_ns, "ns", where),
        Evidence("time of padding over that of batches", cost.of_batches, "ratio", where),
        Evidence("time of padding over that of requests", cost.of_requests, "ratio", ledger),
    )


def _rows_mean(inputs: RuleInputs) -> float:
    queues = inputs.analysis.queues
    batches = sum(summary.batches for summary in queues)
    return sum(summary.batches * summary.rows_mean for summary in queues) / max(1, batches)


def _busy_ns_per_second(inputs: RuleInputs) -> float:
    gaps = inputs.gaps
    return 0.0 if gaps is None else window_ratio(gaps, gaps.timeline.busy_ns) * 1e9


def _cheap_rows(cost: PaddingCost) -> CounterEvidence:
    """Whether a row costs nothing measurable, so that padding rows are nearly free."""
    looked_for = "batches whose time does not grow with their rows: padding is then nearly free"
    if isinstance(cost.row_ns, Unavailable):
        return CounterEvidence(looked_for, cost.row_ns)
    return CounterEvidence(looked_for, cost.row_ns <= 0, f"{cost.row_ns / 1e3:.1f} µs a row")
