"""Full batches take long, and smaller ones would serve rows as fast."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    from diag.model.events import Ints
    from diag.model.finding import Setting

ID = "batch-size-too-large"
NEEDS = (BATCHES, BATCHES_BY_SIZE)


class SmallerSize(NamedTuple):
    """A smaller batch size to try.

    Attributes:
        summary: The queue.
        rows: Rows of the batches that half of the requests are in, at least.
        to: The size to try.
        now_ns: Time of a batch of ``rows`` rows, by t(b).
        smaller_ns: Of one of ``to`` rows.
        saved_ns: Of a request, mean: its batch's time beyond one of ``to`` rows, halved because
            the rows of a burst still run one after the other.
    """

    summary: BatchSummary
    rows: int
    to: int
    now_ns: float
    smaller_ns: float
    saved_ns: float


def find(inputs: RuleInputs) -> Finding | None:
    """A batch's time grows in proportion to its rows, and most requests are in large batches.

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
    confidence, reason = judge(inputs, Basis(on_device=False, on_parameters=True))
    setting = _setting(inputs, found)
    where = Source("batches", found.summary.model)
    full = full_share(inputs.analysis, found.summary)
    return Finding(
        id=ID,
        cause=Stage.COMPUTE.value,
        severity=severity_of(found.saved_ns / max(1.0, inputs.shares.mean_ns)),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Batches of {found.rows} rows take {duration(found.now_ns)}, and one of {found.to} "
            f"{duration(found.smaller_ns)}: a row costs about the same, and each request waits for "
            "all rows of its batch."
        ),
        evidence=(
            Evidence("rows in the batch of a request, median", found.rows, "rows", where),
            Evidence("smaller batch", found.to, "rows", where),
            Evidence(f"time of a batch of {found.rows}", found.now_ns, "ns", where),
            Evidence(f"time of a batch of {found.to}", found.smaller_ns, "ns", where),
            Evidence("batches that were full", full, "ratio", where),
        ),
        counter_evidence=(
            CounterEvidence(
                "a lower cost of a row in larger batches",
                False,
                f"{duration(found.smaller_ns / found.to)} a row in one of {found.to}, "
                f"{duration(found.now_ns / found.rows)} in one of {found.rows}",
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
        at_stake_ns=found.saved_ns,
    )


def _smaller(inputs: RuleInputs, summary: BatchSummary) -> SmallerSize | None:
    """The smallest halving, within the recorded sizes, that costs a row no more time.

    The server refuses requests with more rows than max_batch_size, so that the largest has to fit.
    """
    line, (rows, tasks) = summary.line, _executed(inputs, summary)
    if not tasks.sum():
        return None
    now = _most_reach(rows, tasks)
    of_now, to = row_ns(line, now), now
    if isinstance(of_now, Unavailable) or now > line.most_rows:
        return None
    least = max(1, line.least_rows, _largest_request(inputs, summary))
    while to // 2 >= least:
        of_half = row_ns(line, to // 2)
        if (
            isinstance(of_half, Unavailable)
            or 1 - of_now / of_half >= thresholds.DOUBLING_MIN_SAVING
        ):
            break
        to //= 2
    now_ns, smaller_ns = line.time_ns(now), line.time_ns(to)
    if to == now or isinstance(now_ns, Unavailable) or isinstance(smaller_ns, Unavailable):
        return None
    # The line is straight, so that the time of the mean size is the mean time.
    mean_rows = float((np.maximum(rows, to) * tasks).sum() / tasks.sum())
    saved_ns = (now_ns - smaller_ns) / (now - to) * (mean_rows - to) / 2
    if saved_ns < thresholds.PART_MIN_SHARE * inputs.shares.mean_ns:
        return None
    return SmallerSize(summary, now, to, now_ns, smaller_ns, saved_ns)


def _largest_request(inputs: RuleInputs, summary: BatchSummary) -> int:
    """Rows of the queue's largest complete request; 0 without any."""
    analysis = inputs.analysis
    requests, batches = analysis.requests, analysis.batches
    mine = batches.of_queue(summary.queue)[requests.batch_index]
    return int(requests.rows[requests.batch_owner[mine]].max(initial=0))


def _executed(inputs: RuleInputs, summary: BatchSummary) -> tuple[Ints, Ints]:
    """(batches of the queue that ran with known rows,) executed rows, and requests in it."""
    batches = inputs.analysis.batches
    mine = batches.of_queue(summary.queue)
    mine &= (batches.executed_rows > 0) & ~batches.is_failed
    return batches.executed_rows[mine], batches.tasks[mine]


def _most_reach(rows: Ints, tasks: Ints) -> int:
    """The most rows for which half of the requests are in batches of as many or more."""
    order = np.argsort(-rows, kind="stable")
    reached = np.cumsum(tasks[order])
    return int(rows[order][np.searchsorted(reached, reached[-1] / 2)])


def _setting(inputs: RuleInputs, found: SmallerSize) -> Setting:
    setting = setting_of("max_batch_size", [found.summary.queue.max_batch_size])
    scope = found.summary.model if len(inputs.analysis.queues) > 1 else ""
    return replace(setting, to=found.to, scope=scope)
