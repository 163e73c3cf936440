"""Full batches take long, and smaller ones would serve rows as fast."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.batch_size import full_share, row_ns
from diag.findings.batching import (
    from_to,
    largest_queues,
    of_scope,
    parameter_remedy,
    restore,
    setting_of,
)
from diag.findings.confidence import Basis, judge
from diag.findings.device import is_saturated
from diag.findings.metrics import below, not_above
from diag.findings.sources import BATCHES, BATCHES_BY_SIZE
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Source, Tier
from diag.model.quantity import duration
from diag.model.serving import Stage, StageGroup

if TYPE_CHECKING:
    from diag.analysis.result import BatchSummary
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Setting

ID = "batch-size-too-large"
NEEDS = (BATCHES, BATCHES_BY_SIZE)


class SmallerSize(NamedTuple):
    """A smaller batch size to try.

    Attributes:
        summary: The queue.
        now: max_batch_size.
        to: The size to try.
        full_ns: Time of a batch of ``now`` rows, by t(b).
        smaller_ns: Of one of ``to`` rows.
    """

    summary: BatchSummary
    now: int
    to: int
    full_ns: float
    smaller_ns: float


def find(inputs: RuleInputs) -> Finding | None:
    """Most batches are full, and a batch's time grows in proportion to its rows.

    Each request then waits in the model for the rows of all others, and nothing is saved by that.
    Not where what executes is at capacity: smaller batches cost a little more of it.
    """
    compute = inputs.shares.group(StageGroup.COMPUTE)
    if compute < thresholds.STAGE_MIN_SHARE or is_saturated(inputs):
        return None
    largest = largest_queues(inputs.analysis)
    sizes = [_smaller(inputs, each) for each in largest]
    found = max(
        (each for each in sizes if each is not None),
        key=lambda each: each.summary.batches,
        default=None,
    )
    if found is None:
        return None
    saved_ns = found.full_ns - found.smaller_ns
    confidence, reason = judge(inputs, Basis(on_device=False, on_parameters=True))
    setting = _setting(inputs, found)
    where = Source("batches", found.summary.model)
    full = full_share(inputs.analysis, found.summary)
    return Finding(
        id=ID,
        cause=Stage.COMPUTE.value,
        severity=severity_of(0.5 * saved_ns / max(1.0, inputs.shares.mean_ns)),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Batches of {found.now} rows take {duration(found.full_ns)}, and one of {found.to} "
            f"{duration(found.smaller_ns)}: large batches save nothing, and each request waits for "
            "all rows of its batch."
        ),
        evidence=(
            Evidence("max_batch_size", found.now, "rows", where),
            Evidence("smaller batch", found.to, "rows", where),
            Evidence(f"time of a batch of {found.now}", found.full_ns, "ns", where),
            Evidence(f"time of a batch of {found.to}", found.smaller_ns, "ns", where),
            Evidence("batches that were full", full, "ratio", where),
        ),
        counter_evidence=(
            CounterEvidence(
                "requests with many rows each, which smaller batches would refuse or split",
                found.summary.rows_mean >= found.to * _tasks(inputs, found),
                f"{found.summary.rows_mean:.0f} rows of {_tasks(inputs, found):.1f} requests in a "
                "batch",
            ),
        ),
        remedies=(
            parameter_remedy(
                inputs.analysis,
                f"Lower max_batch_size{of_scope(setting)}{from_to(setting)}, and the last entry of "
                "allowed_batch_sizes with it.",
                setting,
                "Bursts wait for more batches; requests with more rows are refused unless "
                "enable_large_batch_splitting is on.",
            ),
        ),
        gain=Unavailable("how queues change with smaller batches needs a simulation"),
        verify=(
            *below(inputs.analysis, "batches.service.mean", 0.75),
            *not_above(inputs.analysis, "latency.p99"),
        ),
        rollback=restore(setting),
        tier=Tier.REQUEST_TIME,
        at_stake_ns=saved_ns / 2,
    )


def _tasks(inputs: RuleInputs, found: SmallerSize) -> float:
    batches = inputs.analysis.batches
    mine = batches.queue_index == batches.queues.index(found.summary.queue)
    return max(1.0, float(batches.tasks[mine].mean()))


def _smaller(inputs: RuleInputs, summary: BatchSummary) -> SmallerSize | None:
    """The smallest halving, within the recorded sizes, that costs a row no more time."""
    limit, line = summary.queue.max_batch_size, summary.line
    if isinstance(limit, Unavailable):
        return None
    if full_share(inputs.analysis, summary) < thresholds.FULL_MIN_SHARE:
        return None
    now = limit.value
    of_now, to = row_ns(line, now), now
    if isinstance(of_now, Unavailable) or now > line.most_rows:
        return None
    while to // 2 >= max(1, line.least_rows):
        of_half = row_ns(line, to // 2)
        if (
            isinstance(of_half, Unavailable)
            or 1 - of_now / of_half >= thresholds.DOUBLING_MIN_SAVING
        ):
            break
        to //= 2
    full_ns, smaller_ns = line.time_ns(now), line.time_ns(to)
    if to == now or isinstance(full_ns, Unavailable) or isinstance(smaller_ns, Unavailable):
        return None
    return SmallerSize(summary, now, to, full_ns, smaller_ns)


def _setting(inputs: RuleInputs, found: SmallerSize) -> Setting:
    setting = setting_of("max_batch_size", [found.summary.queue.max_batch_size])
    scope = found.summary.model if len(inputs.analysis.queues) > 1 else ""
    return replace(setting, to=found.to, scope=scope)
