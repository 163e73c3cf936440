"""Whether the batching parameters from a file can be those that the server runs with.

TensorFlow Serving reads the file when it starts: one that was edited since, or that does not apply
to a model, contradicts the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.cpu import cpu_busy, throttled_ns
from diag.model.availability import Unavailable
from diag.model.quantity import duration
from diag.model.serving import CLOSE_REASONS, CloseReason, Origin, Parameter, Stage
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.events import Int64s

_TIMEOUT = CLOSE_REASONS.index(CloseReason.TIMEOUT)


def file_doubt(analysis: Analysis) -> str:
    """What contradicts the file's batch_timeout_micros, in one sentence; "" if nothing does.

    A batch starts when it is full, or when the timeout has passed and a thread is free: never
    earlier, and at most one poll later, unless the server does not get the CPU.
    """
    timeouts = [
        p.value if isinstance(p, Parameter) and p.origin is Origin.FILE else -1
        for p in (queue.batch_timeout_ns for queue in analysis.batches.queues)
    ]
    timeout_ns = np.array(timeouts, np.int64)
    return _early(analysis, timeout_ns) or _late(analysis, timeout_ns)


def _early(analysis: Analysis, timeout_ns: Int64s) -> str:
    """Batches that count as timed out, but started before that.

    Args:
        analysis: Where they are.
        timeout_ns: (queues,) of the file; -1 where it comes from elsewhere.
    """
    batches = analysis.batches
    of_batch = timeout_ns[batches.queue_index] if len(batches) else batches.start_ns
    waited = (of_batch > 0) & (batches.close_reason_index == _TIMEOUT)
    waited &= batches.first_enqueue_ns >= 0
    wait_ns = (batches.start_ns - batches.first_enqueue_ns)[waited]
    early = wait_ns < (1 - thresholds.TIMEOUT_SLACK) * of_batch[waited]
    if not len(early) or early.mean() < thresholds.CONTRADICTED_MIN_SHARE:
        return ""
    return (
        f"{early.mean():.0%} of the batches that waited started before the file's "
        "batch_timeout_micros had passed: the server may run with other values."
    )


def _late(analysis: Analysis, timeout_ns: Int64s) -> str:
    """A queue whose batches typically start long after they were due, with a thread free."""
    requests = analysis.requests
    linked = np.flatnonzero(requests.complete & (np.diff(requests.batch_offsets) > 0))
    batch = requests.batch_index[requests.batch_offsets[linked]]
    queue = analysis.batches.queue_index[batch]
    dispatch_ns = requests.stage_ns[linked, Stage.QUEUE_DISPATCH.index]
    typical_ns = [
        float(np.median(dispatch_ns[queue == index]))
        for index in np.unique(queue).tolist()
        if timeout_ns[index] >= 0
    ]
    worst_ns = max(typical_ns, default=0.0)
    if worst_ns <= thresholds.LATE_POLLS * POLL_PERIOD_NS or _is_short_of_cpu(analysis):
        return ""
    return (
        f"Batches started {duration(worst_ns)} (p50) after they were due by the file, with a batch "
        "thread free: the server may run with other values."
    )


def _is_short_of_cpu(analysis: Analysis) -> bool:
    """Whether samples explain late starts."""
    busy, throttled = cpu_busy(analysis), throttled_ns(analysis)
    full = not isinstance(busy, Unavailable) and busy >= thresholds.CPU_FULL_RATIO
    return full or (not isinstance(throttled, Unavailable) and throttled > 0)
