"""How idle the device was, and why, in one sentence of the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import throttled_ns
from diag.findings import thresholds
from diag.findings.device import traced_text
from diag.findings.shares import window_ratio
from diag.findings.waits import IDLE
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Source
from diag.model.gaps import IdleCause
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary

_CAUSES_NAMED = 2
_NOT_STARTED = "with ready batches that were not started yet"
# "… was idle 61% of the window: 40% …"
_IDLE_TEXT = {
    IdleCause.PROFILER: "while the profiler was busy or its events are lost",
    IdleCause.THROTTLED: "while the server's CPU was throttled",
    IdleCause.ALLOCATOR: "while memory was being allocated",
    IdleCause.COLD_START: "while kernels were compiled, tuned or loaded",
    IdleCause.TRANSFER: "while the CPU prepared copies to or from the GPU",
    IdleCause.LAUNCH: "waiting for the CPU to launch the next kernel",
    IdleCause.PREPROCESS: "while preprocessing ops ran",
    IdleCause.MODEL_LOAD: "while a model was being loaded",
    IdleCause.QUEUE_EXECUTOR: "waiting for TensorFlow inter-op threads",
    IdleCause.BATCH_THREADS_IN_HOST_WORK: "while all batch threads did host work",
    IdleCause.QUEUE_DISPATCH: _NOT_STARTED,
    IdleCause.QUEUE_FILL: "waiting for batches to fill",
    IdleCause.SYNC_OR_OUTPUT: "while results were awaited, split and returned",
    IdleCause.INGRESS: "while requests were received and parsed",
    IdleCause.TRACE_EDGE: "at the edges of the window, where requests may have been cut",
    IdleCause.UNEXPLAINED: "without an explanation",
    IdleCause.NO_DEMAND: "with no open request",
}


def idle_sentence(analysis: Analysis, gaps: GapSummary | None) -> str:
    """How much of the window the device was idle, and the main causes.

    "" without a timeline, and where it would say 0%.
    """
    if gaps is None or not gaps.timeline.window.duration_ns:
        return ""
    idle = window_ratio(gaps, gaps.idle_ns)
    if idle < thresholds.IDLE_TOLD_MIN_RATIO:
        return ""
    text = f"No model op ran on the CPU for {idle:.0%} of the window"
    if gaps.timeline.is_device:
        name = printable(gaps.timeline.name, NAME_MAX_CHARS)
        text = f"{name} was idle {idle:.0%} of {traced_text(analysis)}"
    parts = [f"{ratio:.0%} {_idle_text(analysis, cause)}" for cause, ratio in _largest_causes(gaps)]
    return f"{text}: {', '.join(parts)}." if parts else f"{text}."


def idle_evidence(gaps: GapSummary | None) -> tuple[Evidence, ...]:
    """The numbers of ``idle_sentence``."""
    if gaps is None:
        return ()
    name = gaps.timeline.name
    where = Source(IDLE, name)
    return (
        Evidence("idle", window_ratio(gaps, gaps.idle_ns), "ratio", where),
        Evidence("idle, starved of input", window_ratio(gaps, gaps.starved_ns), "ratio", where),
        *(
            Evidence(f"idle, {cause.value}", ratio, "ratio", Source(IDLE, f"{name} {cause.value}"))
            for cause, ratio in _largest_causes(gaps)
        ),
    )


def _largest_causes(gaps: GapSummary) -> list[tuple[IdleCause, float]]:
    """The causes worth naming, with their part of the window."""
    ranked = sorted(gaps.by_cause_ns.items(), key=lambda item: -item[1])[:_CAUSES_NAMED]
    ratios = [(cause, window_ratio(gaps, ns)) for cause, ns in ranked]
    return [(cause, ratio) for cause, ratio in ratios if ratio >= thresholds.CAUSE_MIN_RATIO]


def _idle_text(analysis: Analysis, cause: IdleCause) -> str:
    """Throttling is only called so where the cgroup counted it."""
    if cause is IdleCause.THROTTLED and isinstance(throttled_ns(analysis), Unavailable):
        return _NOT_STARTED
    return _IDLE_TEXT[cause]
