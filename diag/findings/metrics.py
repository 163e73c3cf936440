"""Metrics by name: what a finding's gain and checks refer to, measured in any Analysis.

The names are permanent: a check written into a report is measured again in a later capture.

========================================  ======  ===============================================
name                                      unit    value
========================================  ======  ===============================================
``latency.<mean|p50|p90|p99>``            ns      complete requests of all models
``stage.<stage>.<mean|p50|p90|p99>``      ns      one stage of the same requests
``idle.<cause>``                          ratio   of the window, timeline that is held up most
``device.busy``                           ratio   of the window, the same timeline
``device.planes``                         planes  GPUs of which the trace holds events
``device.kernels_per_request``            count   model with most device time
``device.bytes_in_per_request``           bytes   likewise
``device.round_trips_per_run``            trips   copies back from the GPU and to it again
``device.away_per_request``               ns      between GPU work of a run, no kernel at work
``device.kernel_spread``                  times   p90 over p10 of the kernel that costs most so
``device.lost``                           events  GPU events that the tracer lost
``device.traced``                         ratio   of the window in which GPUs were traced
``samples.disagreements``                 count   GPUs whose samples contradict the trace
``batches.rows_mean``                     rows    before padding, all queues
``batches.padding``                       ratio   padding rows over executed rows
``batches.service.mean``                  ns      from dequeue to the end of the batch
``requests.complete``                     count   requests with their whole chain
``requests.failed``                       ratio   of requests, by trace or metrics
``loop.iteration.mean``                   ns      iterations of Python loops, without waiting for
                                                  requests
``loop.stage.<stage>``                    ratio   of the time of iterations, without waiting for
                                                  requests (``request-wait``: of all their time)
``loop.model_busy``                       ratio   of the window in which a call of the model runs
``loop.retraced``                         ratio   of calls of tf.functions
``clients.latency.mean``                  ns      calls in the client log, see ``clients``
``clients.outside.mean``                  ns      the same calls minus their requests in the trace
``clients.probe.p50``                     ns      status calls of the capture
``clients.refused``                       calls   not answered for lack of gRPC threads
========================================  ======  ===============================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.distribution import describe
from diag.findings import thresholds
from diag.findings.detour import away_per_request, round_trips_per_run
from diag.findings.failed import failed_requests, refused_before_handler
from diag.findings.shares import most_held_up, padding_ratio, top_model, window_ratio
from diag.findings.truncation import traced_ratio
from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.finding import Check
from diag.model.gaps import IdleCause
from diag.model.loops import Loops, LoopStage
from diag.model.serving import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.analysis.distribution import Distribution
    from diag.analysis.result import Analysis
    from diag.model.events import Int64s

Measured = float | Unavailable

_LOOP_STAGE = "loop.stage."
_NO_REQUEST = Unavailable("no request was recorded from begin to end")
_NO_TIMELINE = Unavailable("nothing executed in this capture")
_NO_BATCH = Unavailable("no batch was recorded")
_NO_COST = Unavailable("no model has device work")
# Outcomes of the cross-check in which samples and trace do not fit together.
_CONTRADICTIONS = frozenset(AgreementKind) - {AgreementKind.AGREE, AgreementKind.TOO_COARSE}


def unit_of(metric: str) -> str:
    """The unit of a metric's values.

    Raises:
        KeyError: There is no metric of that name.
    """
    head, _, rest = metric.partition(".")
    if head == "latency":
        _FIELDS[rest]
        return "ns"
    if head == "stage":
        stage, _, statistic = rest.rpartition(".")
        _stage(stage)
        _FIELDS[statistic]
        return "ns"
    if head == "idle":
        _cause(rest)
        return "ratio"
    if metric.startswith(_LOOP_STAGE):
        _loop_stage(metric)
        return "ratio"
    return _PLAIN[metric][0]


def measure(analysis: Analysis, metric: str) -> Measured:
    """The value of a metric in an analysis, in the metric's unit.

    Raises:
        KeyError: There is no metric of that name.
    """
    unit_of(metric)  # raises for a name that does not exist, whatever the capture holds
    head, _, rest = metric.partition(".")
    if head == "latency":
        requests = analysis.requests
        return _statistic(requests.duration_ns[requests.complete], rest)
    if head == "stage":
        stage, _, statistic = rest.rpartition(".")
        requests = analysis.requests
        column = requests.stage_ns[:, _stage(stage).index]
        return _statistic(column[requests.complete], statistic)
    if head == "idle":
        gaps = most_held_up(analysis)
        if gaps is None:
            return _NO_TIMELINE
        return window_ratio(gaps, gaps.by_cause_ns.get(_cause(rest), 0))
    if metric.startswith(_LOOP_STAGE):
        loops = analysis.loops
        return loops if isinstance(loops, Unavailable) else _of_work(loops, _loop_stage(metric))
    return _PLAIN[metric][1](analysis)


def check(
    analysis: Analysis, metric: str, *, high: float | None = None, low: float | None = None
) -> Check:
    """A check of a metric, with its value in this analysis."""
    return Check(metric, unit_of(metric), measure(analysis, metric), low, high)


def not_above(analysis: Analysis, metric: str) -> tuple[Check, ...]:
    """The check that a metric grows by no more than noise; none where it has no value today."""
    now = measure(analysis, metric)
    if isinstance(now, Unavailable):
        return ()
    return (Check(metric, unit_of(metric), now, high=now * (1 + thresholds.CHECK_SLACK)),)


def below(analysis: Analysis, metric: str, ratio: float) -> tuple[Check, ...]:
    """The check that a metric falls to a ratio of today's value; none where it has no value."""
    now = measure(analysis, metric)
    if isinstance(now, Unavailable):
        return ()
    return (Check(metric, unit_of(metric), now, high=now * ratio),)


def _of_work(loops: Loops, stage: LoopStage) -> float:
    """Of the time without waiting for a request, which changes with the load."""
    wait = loops.share(LoopStage.REQUEST_WAIT)
    share = loops.share(stage)
    if stage is LoopStage.REQUEST_WAIT:
        return share
    return share / (1 - wait) if wait < 1 else 0.0


def _loop_stage(metric: str) -> LoopStage:
    try:
        return LoopStage(metric.removeprefix(_LOOP_STAGE))
    except ValueError as exc:
        raise KeyError(metric) from exc


def _stage(name: str) -> Stage:
    try:
        return Stage(name)
    except ValueError as exc:
        raise KeyError(name) from exc


def _cause(name: str) -> IdleCause:
    try:
        return IdleCause(name)
    except ValueError as exc:
        raise KeyError(name) from exc


def _statistic(values_ns: Int64s, statistic: str) -> Measured:
    if not len(values_ns):
        return _NO_REQUEST
    return _FIELDS[statistic](describe(values_ns))


_FIELDS: dict[str, Callable[[Distribution], Measured]] = {
    "mean": lambda d: d.mean_ns,
    "p50": lambda d: d.p50_ns,
    "p90": lambda d: d.p90_ns,
    "p99": lambda d: d.p99_ns,
}


def _busy(analysis: Analysis) -> Measured:
    gaps = most_held_up(analysis)
    return _NO_TIMELINE if gaps is None else window_ratio(gaps, gaps.timeline.busy_ns)


def _planes(analysis: Analysis) -> Measured:
    return float(sum(timeline.is_device for timeline in analysis.timelines))


def _kernels(analysis: Analysis) -> Measured:
    cost = top_model(analysis)
    return _NO_COST if cost is None else cost.kernels_per_request


def _bytes_in(analysis: Analysis) -> Measured:
    cost = top_model(analysis)
    return _NO_COST if cost is None else cost.bytes_in_per_request


def _kernel_spread(analysis: Analysis) -> Measured:
    spreads = analysis.kernel_spreads
    if not spreads:
        return Unavailable("no kernel ran often enough in runs of one size")
    return spreads[0].p90_ns / spreads[0].p10_ns


def _lost(analysis: Analysis) -> Measured:
    return float(analysis.device_loss.dropped)


def _disagreements(analysis: Analysis) -> Measured:
    if not analysis.agreements:
        return Unavailable("no GPU was sampled")
    return float(sum(item.kind in _CONTRADICTIONS for item in analysis.agreements))


def _rows_mean(analysis: Analysis) -> Measured:
    rows = analysis.batches.rows
    known = rows[rows >= 0]
    return float(known.mean()) if len(known) else _NO_BATCH


def _padding(analysis: Analysis) -> Measured:
    known = analysis.batches.padded_rows >= 0
    return padding_ratio(analysis) if bool(np.any(known)) else _NO_BATCH


def _service(analysis: Analysis) -> Measured:
    batches = analysis.batches
    return float((batches.end_ns - batches.start_ns).mean()) if len(batches) else _NO_BATCH


def _complete(analysis: Analysis) -> Measured:
    complete = analysis.counts.complete
    return complete if isinstance(complete, Unavailable) else float(complete)


def _failed(analysis: Analysis) -> Measured:
    failed = failed_requests(analysis)
    if not failed.requests and not failed.answers_total:
        return Unavailable("no request was recorded or counted")
    return failed.ratio


def _client_latency(analysis: Analysis) -> Measured:
    times = analysis.clients.times
    return times if isinstance(times, Unavailable) else times.client.mean_ns


def _client_outside(analysis: Analysis) -> Measured:
    times = analysis.clients.times
    return times if isinstance(times, Unavailable) else times.outside.mean_ns


def _probe(analysis: Analysis) -> Measured:
    probe = analysis.probe
    return probe if isinstance(probe, Unavailable) else probe.time.p50_ns


def _client_refused(analysis: Analysis) -> Measured:
    refused = refused_before_handler(analysis)
    return refused if isinstance(refused, Unavailable) else float(refused)


def _iteration(analysis: Analysis) -> Measured:
    loops = analysis.loops
    if isinstance(loops, Unavailable):
        return loops
    return loops.mean_ns() - loops.mean_ns(LoopStage.REQUEST_WAIT)


def _model_busy(analysis: Analysis) -> Measured:
    loops = analysis.loops
    return loops if isinstance(loops, Unavailable) else loops.model_busy


def _retraced(analysis: Analysis) -> Measured:
    loops = analysis.loops
    if isinstance(loops, Unavailable):
        return loops
    if not loops.retracing.calls:
        return Unavailable("no tf.function was called")
    return loops.retracing.retraced / loops.retracing.calls


_PLAIN: dict[str, tuple[str, Callable[[Analysis], Measured]]] = {
    "device.busy": ("ratio", _busy),
    "device.planes": ("planes", _planes),
    "device.kernels_per_request": ("kernels", _kernels),
    "device.bytes_in_per_request": ("bytes", _bytes_in),
    "device.round_trips_per_run": ("trips", round_trips_per_run),
    "device.away_per_request": ("ns", away_per_request),
    "device.kernel_spread": ("times", _kernel_spread),
    "device.lost": ("events", _lost),
    "device.traced": ("ratio", traced_ratio),
    "samples.disagreements": ("GPUs", _disagreements),
    "batches.rows_mean": ("rows", _rows_mean),
    "batches.padding": ("ratio", _padding),
    "batches.service.mean": ("ns", _service),
    "requests.complete": ("requests", _complete),
    "requests.failed": ("ratio", _failed),
    "loop.iteration.mean": ("ns", _iteration),
    "loop.model_busy": ("ratio", _model_busy),
    "loop.retraced": ("ratio", _retraced),
    "clients.latency.mean": ("ns", _client_latency),
    "clients.outside.mean": ("ns", _client_outside),
    "clients.probe.p50": ("ns", _probe),
    "clients.refused": ("calls", _client_refused),
}
