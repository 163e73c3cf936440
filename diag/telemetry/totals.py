"""Totals of a capture as metric families: requests, stages, idle time, batches, findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from diag.analysis.result import Analysis
from diag.findings import find, not_looked_for
from diag.model.availability import Unavailable
from diag.model.loops import LOOP_STAGES
from diag.model.program import PROGRAM_NAMES
from diag.telemetry.latency import latency_family
from diag.telemetry.series import (
    Missing,
    Moment,
    label_values,
    missing_family,
    seconds,
)

STAGES_NAME = "diag_stage_seconds"
FAILED_NAME = "diag_failed_requests"


def metric_families(analysis: Analysis, moment: Moment) -> Iterator[Metric]:
    """All families; what is missing comes last, by name.

    Args:
        analysis: What ``analyze`` returned.
        moment: What to say of the time of the numbers.
    """
    models = tuple(label_values(summary.model for summary in analysis.models))
    yield from _window(analysis, moment)
    yield latency_family(analysis, models, moment)
    yield _stages(analysis, models, moment)
    yield _failed(analysis, moment)
    yield _batches(analysis, models, moment)
    yield from _devices(analysis, moment)
    yield _loops(analysis, moment)
    yield _findings(analysis, moment)
    yield missing_family(_missing(analysis, models), moment)


def _window(analysis: Analysis, moment: Moment) -> Iterator[Metric]:
    window, origin = analysis.capture.window, analysis.capture.origin_unix_ns
    length = GaugeMetricFamily(
        "diag_window_seconds", "Length of the capture; divide totals by it.", unit="seconds"
    )
    length.add_metric((), seconds(window.duration_ns), moment.end)
    yield length
    end = GaugeMetricFamily(
        "diag_window_end_timestamp_seconds", "When the capture ended.", unit="seconds"
    )
    if not isinstance(origin, Unavailable):
        end.add_metric((), seconds(origin + window.end_ns), moment.end)
    yield end


def _stages(analysis: Analysis, models: Sequence[str], moment: Moment) -> Metric:
    family = CounterMetricFamily(
        STAGES_NAME,
        "Time of complete requests by stage; a model's stages add up to its request duration.",
        labels=("model", "stage"),
        unit="seconds",
    )
    stage_ns = analysis.requests.stage_ns
    for summary, label in zip(analysis.models, models, strict=True):
        total_ns = stage_ns[analysis.requests.complete_of(summary.model)].sum(axis=0)
        for stage in summary.stages:
            if stage.known:
                time_s = seconds(int(total_ns[stage.stage.index]))
                labels = (label, stage.stage.value)
                family.add_metric(labels, time_s, moment.begin_s, moment.end)
    return family


def _failed(analysis: Analysis, moment: Moment) -> Metric:
    family = CounterMetricFamily(FAILED_NAME, "Requests that failed inside a batcher.")
    if isinstance(_requests(analysis), int):
        family.add_metric((), analysis.failures.total, moment.begin_s, moment.end)
    return family


def _requests(analysis: Analysis) -> int | Unavailable:
    """Number of requests; Unavailable where the recording cannot show them."""
    if analysis.program.is_foreign:
        return Unavailable(f"{PROGRAM_NAMES[analysis.program.kind]} was recorded, not a server")
    return analysis.counts.requests


def _batches(analysis: Analysis, models: Sequence[str], moment: Moment) -> Metric:
    family = CounterMetricFamily(
        "diag_batches",
        "Batches of a queue by why they took no more rows.",
        labels=("model", "queue", "closed_by"),
    )
    labels = dict(zip((each.model for each in analysis.models), models, strict=True))
    keys = label_values(each.queue.key for each in analysis.queues)
    for summary, key in zip(analysis.queues, keys, strict=True):
        (shown,) = label_values([summary.model])
        model = labels.get(summary.model, shown)  # one without complete requests has no label
        for reason, count in summary.closed_by.items():
            family.add_metric((model, key, reason.value), count, moment.begin_s, moment.end)
    return family


def _devices(analysis: Analysis, moment: Moment) -> Iterator[Metric]:
    busy = CounterMetricFamily(
        "diag_busy_seconds",
        "Time in which a device, or the CPU for models, executed something.",
        labels=("device",),
        unit="seconds",
    )
    idle = CounterMetricFamily(
        "diag_idle_seconds",
        "Time without execution by cause; with the busy time it adds up to the window.",
        labels=("device", "cause"),
        unit="seconds",
    )
    devices = label_values(gaps.timeline.name for gaps in analysis.idle)
    for gaps, device in zip(analysis.idle, devices, strict=True):
        busy.add_metric((device,), seconds(gaps.timeline.busy_ns), moment.begin_s, moment.end)
        for cause, time_ns in gaps.by_cause_ns.items():
            labels = (device, cause.value)
            idle.add_metric(labels, seconds(time_ns), moment.begin_s, moment.end)
    yield busy
    yield idle


def _loops(analysis: Analysis, moment: Moment) -> Metric:
    family = CounterMetricFamily(
        "diag_iteration_stage_seconds",
        "Time of complete iterations of Python loops by stage.",
        labels=("thread", "stage"),
        unit="seconds",
    )
    if not isinstance(analysis.loops, Unavailable):
        table = analysis.loops.iterations
        for index, thread in enumerate(label_values(each.name for each in table.threads)):
            mine = table.complete & (table.thread_index == index)
            total_ns = table.stage_ns[mine].sum(axis=0).tolist()
            for stage, time_ns in zip(LOOP_STAGES, total_ns, strict=True):
                labels = (thread, stage.value)
                family.add_metric(labels, seconds(time_ns), moment.begin_s, moment.end)
    return family


def _findings(analysis: Analysis, moment: Moment) -> Metric:
    family = GaugeMetricFamily(
        "diag_findings",
        "Findings of the capture by rule; docs/findings has a page for each rule.",
        labels=("rule", "severity", "cause"),
    )
    found = Counter((each.id, each.severity.value, each.cause) for each in find(analysis))
    for labels, count in found.items():
        family.add_metric(labels, count, moment.end)
    return family


def _missing(analysis: Analysis, models: Sequence[str]) -> Iterator[Missing]:
    origin, requests = analysis.capture.origin_unix_ns, _requests(analysis)
    if isinstance(origin, Unavailable):
        yield Missing("diag_window_end_timestamp_seconds", origin.reason)
    if isinstance(requests, Unavailable):
        for name in ("diag_request_duration_seconds", STAGES_NAME, FAILED_NAME):
            yield Missing(name, requests.reason)
    if not analysis.queues:
        yield Missing("diag_batches", "no batch was recorded")
    if isinstance(analysis.loops, Unavailable):
        yield Missing("diag_iteration_stage_seconds", analysis.loops.reason)
    if not analysis.idle:
        for name in ("diag_busy_seconds", "diag_idle_seconds"):
            yield Missing(name, "no model execution of a server, and no GPU, was recorded")
    for summary, label in zip(analysis.models, models, strict=True):
        for stage in summary.stages:
            if not stage.known:
                labels = (("model", label), ("stage", stage.stage.value))
                yield Missing(STAGES_NAME, "no event shows this stage", labels)
    for rule in not_looked_for(analysis):
        yield Missing("diag_findings", rule.reason, (("rule", rule.id),))
