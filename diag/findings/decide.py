"""decide(): from shares and idle time to one sentence.

The order of the rules: what was not recorded comes first, then the stage in which requests spend
most of their time if it is a wait, and only when that is the model's own work the device: padding,
starvation, saturation, no demand. A server in which none of these holds is healthy.
"""

from __future__ import annotations

from diag.analysis.result import Analysis, GapSummary
from diag.findings import thresholds
from diag.findings.confidence import confidence_in
from diag.findings.device import (
    NOT_TRACED,
    OTHER_PROCESS,
    describe_intruder,
    holding_cause,
    intruder,
    slow_part,
    untraced,
)
from diag.findings.evidence import gather_evidence, largest_causes
from diag.findings.knobs import knob_for, verify_for
from diag.findings.shares import (
    Shares,
    idlest,
    padding_ratio,
    sum_shares,
    window_ratio,
    worst_model,
)
from diag.findings.verdict import Evidence, Verdict
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from diag.model.serving import Stage, StageGroup

_WAIT_TEXT = {
    Stage.PREPROCESS: "in preprocessing ops inside the graph",
    Stage.QUEUE_FILL: "waiting for a batch to fill or time out",
    Stage.QUEUE_THREAD: "ready, waiting for a free batch thread",
    Stage.QUEUE_DISPATCH: "ready, waiting for the batch scheduler to look",
    Stage.QUEUE_EXECUTOR: "runnable, waiting for an inter-op thread",
    Stage.SCHEDULE: "getting into the batching queue",
    Stage.BATCH_FORMATION: "having their batch put together",
    Stage.BATCH_SPLIT: "having their outputs split off and being woken",
    Stage.POSTPROCESS: "in host work after the model",
}
_IDLE_TEXT = {
    IdleCause.PREPROCESS: "in preprocessing ops",
    IdleCause.EXECUTOR_POOL: "waiting for inter-op threads",
    IdleCause.BATCH_THREADS_IN_HOST_WORK: "with batch threads in host work",
    IdleCause.DISPATCH: "waiting for the batch scheduler",
    IdleCause.BATCH_FILL: "waiting for batches to fill",
    IdleCause.PROFILER: "while the profiler itself was busy",
    IdleCause.THROTTLED: "with the server's CPU throttled",
    IdleCause.ALLOCATOR: "waiting for memory to be allocated",
    IdleCause.COLD_START: "compiling, tuning or loading kernels",
    IdleCause.TRANSFER: "with the host preparing copies",
    IdleCause.LAUNCH: "waiting for the host to launch the next kernel",
    IdleCause.MODEL_LOAD: "with a model being loaded",
    IdleCause.SYNC_OR_OUTPUT: "with outputs being awaited, split and sent",
    IdleCause.INGRESS: "with requests being received and parsed",
    IdleCause.TRACE_EDGE: "at the window's edges, where requests may have been cut",
    IdleCause.UNEXPLAINED: "unexplained",
    IdleCause.NO_DEMAND: "without any request",
}


def decide(analysis: Analysis) -> Verdict:
    """The verdict on an analysis."""
    if isinstance(analysis.counts.requests, Unavailable):
        return _not_recorded(analysis, analysis.counts.requests)
    shares = sum_shares(analysis)
    if shares is None:
        return _no_requests(analysis)
    gaps = idlest(analysis)
    cause, sentence = _main_cause(analysis, shares, gaps)
    return Verdict(
        cause=cause,
        sentence=" ".join(filter(None, (sentence, _idle_sentence(gaps)))),
        knob=knob_for(cause, analysis),
        verify=verify_for(cause),
        confidence=confidence_in(analysis, shares, cause),
        evidence=gather_evidence(analysis, shares, cause, gaps),
    )


def _main_cause(analysis: Analysis, shares: Shares, gaps: GapSummary | None) -> tuple[str, str]:
    stage = shares.largest
    mean = f"{shares.mean_ns / 1e6:.3g} ms"
    if stage is not Stage.COMPUTE and shares.by_stage[stage] >= thresholds.STAGE_MIN_SHARE:
        share = f"{shares.by_stage[stage]:.0%}"
        named = _preprocess_ops(analysis) if stage is Stage.PREPROCESS else ""
        return stage.value, (
            f"Requests take {mean} on average, {share} of it {_WAIT_TEXT[stage]}{named}"
            f"{_worst_text(analysis, stage)}."
        )
    unknown = shares.by_stage[Stage.UNATTRIBUTED]
    if unknown >= thresholds.STAGE_MIN_SHARE and unknown > shares.group(StageGroup.COMPUTE):
        return IdleCause.UNEXPLAINED.value, (
            f"Requests take {mean} on average, {unknown:.0%} of it explained by nothing in the "
            "trace."
        )
    compute = f"{shares.group(StageGroup.COMPUTE):.0%}"
    lead = f"Requests take {mean} on average, {compute} of it in the model"
    device = _device_cause(analysis, shares, lead)
    if device is not None:
        return device
    starving = None if gaps is None else _starving(gaps)
    # A GPU that waits for its input has time to spare for padding; on the CPU the model's rows and
    # the work before them want the same cores.
    if starving is not None and gaps is not None and gaps.timeline.is_device:
        return starving.value, f"{lead}, which is starved of input: {_IDLE_TEXT[starving]}."
    padding = padding_ratio(analysis)
    if padding >= thresholds.PADDING_MIN_RATIO:
        return "padding", f"{lead}, where {padding:.0%} of the executed rows are padding."
    if gaps is not None:
        if starving is not None:
            return starving.value, f"{lead}, which is starved of input: {_IDLE_TEXT[starving]}."
        if window_ratio(gaps, gaps.timeline.busy_ns) >= thresholds.SATURATED_MIN_RATIO:
            return "saturated", f"{lead}, which leaves no slack."
        idle = window_ratio(gaps, gaps.idle_ns)
        holding = holding_cause(gaps)
        if holding is not None:
            return (
                holding.value,
                f"{lead}, while {gaps.timeline.name} stands {_IDLE_TEXT[holding]}.",
            )
        asked = gaps.no_demand_ns / max(1, gaps.idle_ns)
        if idle >= thresholds.NO_DEMAND_MIN_IDLE_RATIO and asked >= thresholds.NO_DEMAND_MIN_SHARE:
            return "no-demand", f"{lead}; idle for lack of demand, not starved of input."
    return "healthy", f"{lead}; no stage holds them up."


def _starving(gaps: GapSummary) -> IdleCause | None:
    """The cause with most starved time, if there is enough of that."""
    if window_ratio(gaps, gaps.starved_ns) < thresholds.STARVED_MIN_RATIO:
        return None
    starving = {cause: ns for cause, ns in gaps.by_cause_ns.items() if cause.is_starvation}
    return max(starving, key=lambda cause: starving[cause])


def _device_cause(analysis: Analysis, shares: Shares, lead: str) -> tuple[str, str] | None:
    """A GPU not traced, another process on it, or a part of the model's time beside kernels."""
    hidden = untraced(analysis)
    if hidden is not None:
        ratio = hidden.sampled_ratio
        sampled = "" if isinstance(ratio, Unavailable) else f"{ratio:.0%} "
        return NOT_TRACED, (
            f"{lead}, on a GPU that the trace does not show: {hidden.device} was {sampled}busy by "
            "its samples."
        )
    found = intruder(analysis)
    if found is not None:
        return OTHER_PROCESS, f"{lead}, on {found.device}, which {describe_intruder(found)}."
    part = slow_part(shares)
    if part is None:
        return None
    cause, share, words = part
    return cause, f"{lead}: {share:.0%} of all their time is {words}."


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


def _preprocess_ops(analysis: Analysis) -> str:
    names = [f"`{op.op_type}`" for op in analysis.ops if op.is_preprocess][:2]
    return f" ({' and '.join(names)})" if names else ""


def _idle_sentence(gaps: GapSummary | None) -> str:
    if gaps is None or not gaps.timeline.window.duration_ns:
        return ""
    name = gaps.timeline.name if gaps.timeline.is_device else "Model execution on the CPU"
    parts = [f"{ratio:.0%} {_IDLE_TEXT[cause]}" for cause, ratio in largest_causes(gaps)]
    text = f"{name} stood idle {window_ratio(gaps, gaps.idle_ns):.0%} of the window"
    return f"{text}: {', '.join(parts)}." if parts else f"{text}."


def _not_recorded(analysis: Analysis, reason: Unavailable) -> Verdict:
    return Verdict(
        cause="not-recorded",
        sentence=f"No verdict: {reason.reason}.",
        knob="",
        verify="Capture again with --host-tracer-level 2.",
        confidence="high" if analysis.tracer_level == 1 else "medium",
        evidence=(),
    )


def _no_requests(analysis: Analysis) -> Verdict:
    counts = analysis.counts
    cut = counts.censored + counts.censored_batches
    window = f"{analysis.capture.window.duration_ns / 1e9:.2f} s"
    quiet = all(gaps.no_demand_ns == gaps.timeline.window.duration_ns for gaps in analysis.idle)
    if cut or not analysis.idle or not quiet:
        sentence = (
            f"No request began and ended within the {window} recorded, though "
            + (f"parts of {cut} were seen" if cut else "something was at work")
            + ": requests take longer than the window, or this is not a serving trace."
        )
        verify = "Capture the server again, for longer (--duration)."
    else:
        sentence = f"No request reached the model in the {window} recorded: no demand."
        verify = "Capture again under load (--wait-for-traffic)."
    return Verdict(
        cause="no-requests",
        sentence=sentence,
        knob="",
        verify=verify,
        confidence="high",
        evidence=(
            Evidence("requests cut by the window", cut, "requests", "counts"),
            Evidence("events", counts.events, "events", "trace"),
            Evidence("window", analysis.capture.window.duration_ns, "ns", "trace"),
        ),
    )
