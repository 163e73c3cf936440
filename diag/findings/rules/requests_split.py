"""Large requests are cut over several batches, which run one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batch_size import row_ns
from diag.findings.batching import (
    from_to,
    parameter_remedy,
    restore,
    setting_of,
)
from diag.findings.confidence import Basis, judge
from diag.findings.cpu import cpu_evidence
from diag.findings.metrics import below, not_above
from diag.findings.more_threads import thread_remedies
from diag.findings.sources import BATCHES
from diag.findings.splitting import find_splitting
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
    Tier,
)
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.findings.splitting import Splitting
    from diag.model.finding import Setting

ID = "requests-split"
NEEDS = (BATCHES,)


def find(inputs: RuleInputs) -> Finding | None:
    """A request is answered when its last part is: parts that run in turn add up.

    Source: enable_large_batch_splitting and max_execution_batch_size,
    session_bundle_config.proto, tensorflow/serving 9d981c5c.
    """
    found = find_splitting(inputs)
    if found is None:
        return None
    analysis = inputs.analysis
    confidence, reason = judge(inputs, Basis(on_device=False, on_parameters=True))
    size = _size(found)
    return Finding(
        id=ID,
        cause=Stage.QUEUE_THREAD.value,
        severity=severity_of(found.delay_share),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"{found.share:.0%} of requests are split over {found.batches_mean:.1f} batches on "
            f"average, and wait {found.delay_share:.0%} of their time for these to start one after "
            "the other."
        ),
        evidence=(
            Evidence("requests split", found.share, "ratio", Source("requests", "batch_ids")),
            Evidence(
                "batches of a split request", found.batches_mean, "batches", Source("batches")
            ),
            Evidence(
                "from the start of the first batch to that of the last",
                found.delay_ns,
                "ns",
                Source("batches"),
            ),
            Evidence("the same, of request time", found.delay_share, "ratio", Source("batches")),
            *cpu_evidence(analysis),
        ),
        counter_evidence=(_in_proportion(found, size),),
        remedies=_remedies(analysis, size, is_function=found.summary.queue.is_function),
        gain=Unavailable("how long a larger batch takes is not in a recording of split ones"),
        verify=(
            *below(analysis, f"stage.{Stage.QUEUE_THREAD.value}.mean", 0.5),
            *not_above(analysis, "latency.mean"),
        ),
        rollback=restore(size),
        tier=Tier.REQUEST_TIME,
        at_stake_ns=found.delay_ns,
    )


def _size(found: Splitting) -> Setting:
    """The rows of one execution: enough for a whole request, as a power of two."""
    queue = found.summary.queue
    setting = setting_of("max_execution_batch_size", [queue.max_batch_size])
    if isinstance(queue.max_batch_size, Unavailable) or found.rows <= queue.max_batch_size.value:
        return setting
    return replace(setting, to=1 << (found.rows - 1).bit_length())


def _in_proportion(found: Splitting, size: Setting) -> CounterEvidence:
    """Whether one large batch would take as long as its parts in turn, by t(b)."""
    looked_for = "batches whose time grows in proportion to rows: one takes as long as its parts"
    limit, to = found.summary.queue.max_batch_size, size.to
    if isinstance(limit, Unavailable):
        return CounterEvidence(looked_for, limit)
    if isinstance(to, Unavailable):
        return CounterEvidence(looked_for, to)
    line = found.summary.line
    of_now, of_to = row_ns(line, limit.value), row_ns(line, int(to))
    if isinstance(of_now, Unavailable):
        return CounterEvidence(looked_for, of_now)
    if isinstance(of_to, Unavailable):
        return CounterEvidence(looked_for, of_to)
    saved = 1 - of_to / of_now
    return CounterEvidence(
        looked_for,
        saved < thresholds.DOUBLING_MIN_SAVING,
        f"a batch of {to} takes {saved:.0%} less time for a row",
    )


def _remedies(analysis: Analysis, size: Setting, *, is_function: bool) -> tuple[Remedy, ...]:
    """A BatchFunction executes at most as many rows as its last allowed batch size.

    Source: batch_kernels.cc, TensorFlow 2.21.
    """
    change = f"{size.name}{from_to(size)}, and the last entry of allowed_batch_sizes with it"
    if is_function:
        change = f"the last entry of allowed_batch_sizes of the BatchFunction{from_to(size)}"
    return (
        parameter_remedy(
            analysis,
            f"Let a whole request run as one batch: {change}.",
            size,
            "Each batch takes longer, and so does a small request that shares it.",
        ),
        *thread_remedies(analysis),
        Remedy(
            RemedyKind.CLIENT,
            RemedyPlace.CLIENT_CODE,
            "Or send the rows as several requests at once, if the client can use the first answers "
            "before the last.",
        ),
    )
