"""How sure a finding is: how many requests, and whether a second source agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.shares import parameters_are_told
from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.gaps import Confidence
from diag.model.serving import Origin, Parameter, Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

# Outcomes of the cross-check that contradict the device times of the trace.
_DOUBTS = (AgreementKind.DISAGREE, AgreementKind.TRACE_TRUNCATED)


CONTRADICTED = (
    "The batching parameters given contradict the trace; it rests on estimates from the trace."
)


# W:tensorflow/core/kernels/batch_kernels.cc: the op takes its attributes.
HINTED = "BatchFunction does not read the batching parameters file: its values are a hint."


class Basis(NamedTuple):
    """What a finding's numbers rest on, which decides what could confirm them.

    Attributes:
        on_device: On times of a GPU, which lost events or contradicting samples put in doubt.
        on_parameters: On the batching parameters, which the server or a file can confirm.
        on_op_types: On op types, which device work confirms: it shows where the model begins.
    """

    on_device: bool = True
    on_parameters: bool = False
    on_op_types: bool = False


def judge(inputs: RuleInputs, basis: Basis) -> tuple[Confidence, str]:
    """The confidence and its reason, in one sentence; see docs/decisions/0010."""
    requests = inputs.shares.requests
    unexplained = inputs.shares.by_stage[Stage.UNATTRIBUTED]
    if requests < thresholds.FEW_REQUESTS:
        many = "1 complete request" if requests == 1 else f"{requests:,} complete requests"
        return Confidence.LOW, f"Only {many} in the recording."
    if unexplained > thresholds.UNATTRIBUTED_MAX_SHARE:
        return Confidence.LOW, f"{unexplained:.0%} of request time has no explanation in the trace."
    if device_is_doubted(inputs.analysis):
        if basis.on_device:
            return Confidence.LOW, "GPU times are in doubt: see the samples and lost events."
        return Confidence.MEDIUM, "GPU times are in doubt, but this does not rest on them."
    if requests < thresholds.MANY_REQUESTS:
        return Confidence.MEDIUM, f"Only {requests:,} complete requests in the recording."
    return _second_source(inputs.analysis, basis, requests)


def _second_source(analysis: Analysis, basis: Basis, requests: int) -> tuple[Confidence, str]:
    """High only if something other than the trace's own events confirms it."""
    if basis.on_parameters:
        if _file_is_a_hint(analysis):
            return Confidence.MEDIUM, HINTED
        if parameters_are_told(analysis):
            source = "the server's metrics" if _from_metrics(analysis) else "the server's file"
            return Confidence.HIGH, f"{requests:,} requests; batching parameters from {source}."
        if any(summary.queue.contradictions for summary in analysis.queues):
            return Confidence.MEDIUM, CONTRADICTED
        return Confidence.MEDIUM, "Batching parameters are estimated from the trace."
    if basis.on_op_types:
        if any(timeline.is_device for timeline in analysis.timelines):
            return Confidence.HIGH, f"{requests:,} requests; GPU work shows where the model begins."
        return (
            Confidence.MEDIUM,
            "Without GPU work, preprocessing is recognised by op type.",
        )
    if not isinstance(analysis.metrics, Unavailable):
        return Confidence.HIGH, f"{requests:,} requests; server metrics cover the same window."
    return Confidence.MEDIUM, "One source, the trace: no server metrics over the same window."


def _file_is_a_hint(analysis: Analysis) -> bool:
    """Whether an in-graph batcher has parameters of a file, which it does not read."""
    return any(
        summary.queue.is_function and isinstance(value, Parameter) and value.origin is Origin.FILE
        for summary in analysis.queues
        for value in (
            summary.queue.batch_timeout_ns,
            summary.queue.max_batch_size,
            summary.queue.num_batch_threads,
        )
    )


def _from_metrics(analysis: Analysis) -> bool:
    """Whether the server's own gauges gave the batching parameters, not a file."""
    origins = {
        value.origin
        for summary in analysis.queues
        for value in (summary.queue.batch_timeout_ns, summary.queue.num_batch_threads)
        if isinstance(value, Parameter)
    }
    return origins == {Origin.METRICS}


def device_is_doubted(analysis: Analysis) -> bool:
    """Whether device times are known to be too short, or samples contradict them."""
    return analysis.device_loss.dropped > 0 or any(a.kind in _DOUBTS for a in analysis.agreements)
