"""What was measured besides the trace: the server's counters, and samples of host and GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import cpu_busy, machine_cores, server_cores
from diag.model.availability import Unavailable
from diag.report.model import Column, Note, Section
from diag.report.notes import note_of
from diag.report.rows import Row, make_table, name_column, number_column, text_column
from diag.report.sections.server_metrics import metric_tables, probe_notes
from diag.report.shares import share
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.analysis.samples.devices import DeviceSamples
    from diag.analysis.samples.fields import FieldSummary
    from diag.analysis.samples.sources import SourceSummary
    from diag.report.model import Cell, Table

# What a first look needs; the other fields are shown on request.
HIGHLIGHTS = frozenset(
    {
        "cpu_percent",
        "server_cpu_percent",
        "steal_percent",
        "cgroup_throttled_ns",
        "utilization_percent",
        "memory_utilization_percent",
        "power_mw",
        "temperature_celsius",
        "gpm_sm_percent",
        "gpu_util_percent",
        "sm_active_ratio",
        "power_w",
    }
)
# From here on, other work on the host can delay the server's threads.
CPU_BUSY_MIN_RATIO = 0.85
_BARE_TRACE = "bare-trace"  # a caveat that names all that is missing
_GPU_IDLE = "gpu-idle"  # always among the reasons of a GPU without work
_SOURCE = text_column("source", "source", "host, gpu (NVML), dcgm or probe.")
_DEVICE = name_column("device", "device", "Index and name of the GPU, as its sampler names it.")
FIELD_COLUMNS = (
    _SOURCE,
    _DEVICE,
    name_column("field", "field", "What was sampled."),
    text_column("unit", "unit", "Unit of the values.", is_detail=True),
    Column("mean", "mean", "", "Mean over the samples.", "number", unit_key="unit"),
    Column("max", "max", "", "Largest sample.", "number", unit_key="unit"),
    Column("increase", "increase", "", "Of a counter, over the window.", "number", unit_key="unit"),
)
LIMIT_COLUMNS = (
    _SOURCE,
    _DEVICE,
    name_column("reason", "clocks limited by", "Why the clocks were below their maximum."),
    number_column("share", "of samples", "ratio", "Share of the samples with this reason."),
)
SOURCE_COLUMNS = (
    _SOURCE,
    number_column("samples", "samples", "count", "Samples over the window."),
    number_column("period_ns", "one every", "ns", "Intended distance of two samples."),
    name_column("taken_by", "taken by", "diag, or the address of an agent or exporter."),
    number_column("cpu", "CPU", "ratio", "CPU time of the sampling, as a share of one core."),
    number_column(
        "readings", "readings", "count", "How often everything was read.", is_detail=True
    ),
    number_column("cpu_ns", "CPU", "ns", "CPU time of the sampling.", is_detail=True),
)
MISSING_COLUMNS = (
    _SOURCE,
    _DEVICE,
    name_column("field", "field", "What could not be sampled."),
    text_column("reason", "reason", "Why not."),
)


@topic(order=1000)
def measurement_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Each source, or why it has nothing."""
    analysis = inputs.analysis
    tables = [*metric_tables(analysis), *_sample_tables(analysis)]
    yield Section(
        id="measurements",
        title="Other measurements during the capture",
        notes=(*_cpu_notes(analysis), *_absence_notes(inputs)),
        tables=tuple(tables),
    )


def _cpu_notes(analysis: Analysis) -> Iterator[Note]:
    """How busy the host was, where that is so much that it can slow the server."""
    busy, server, cores = cpu_busy(analysis), server_cores(analysis), machine_cores(analysis)
    if isinstance(busy, Unavailable) or busy < CPU_BUSY_MIN_RATIO:
        return
    facts: dict[str, tuple[Cell, str]] = {"busy": (busy, "ratio")}
    text = "{busy} busy on average"
    if not isinstance(cores, Unavailable):
        facts["cores"] = (cores, "count")
        text += " ({cores} cores)"
    if not isinstance(server, Unavailable):
        facts["server"] = (server, "count")
        who = "program" if analysis.program.may_loop else "server"
        text += f"; the {who} used {{server}} cores"
    yield note_of(text, facts, label="host CPU")


def _absence_notes(inputs: ReportInputs) -> Iterator[Note]:
    """Sources that are missing for the same reason share a line; a caveat may have said it."""
    analysis = inputs.analysis
    said = [caveat.text for caveat in inputs.caveats]
    caveats = (*analysis.caveats, *analysis.capture.caveats)
    is_bare = any(caveat.code == _BARE_TRACE for caveat in caveats)
    absent: dict[str, list[str]] = {}
    is_foreign = analysis.program.is_foreign  # only servers have metrics and answer status calls
    if isinstance(analysis.metrics, Unavailable) and not is_foreign:
        absent.setdefault(analysis.metrics.reason, []).append("metrics")
    for item in analysis.samples:
        if isinstance(item.fields, Unavailable) and not (is_foreign and item.source == "probe"):
            absent.setdefault(item.fields.reason, []).append(f"{item.source} samples")
    for reason, sources in absent.items():
        if is_bare or any(reason in text for text in said):
            continue
        yield Note(f"{', '.join(sources)}: {reason}", label="missing")
    if not isinstance(analysis.metrics, Unavailable) and not analysis.metrics:
        yield Note("the server has counted no request yet", label="metrics")
    yield from probe_notes(analysis)
    yield from _status_call_notes(analysis)


def _status_call_notes(analysis: Analysis) -> Iterator[Note]:
    """The latency of the capture's own calls, which wait for gRPC threads and the network."""
    probe = analysis.probe
    if isinstance(probe, Unavailable):
        return
    facts: dict[str, tuple[Cell, str]] = {
        "calls": (probe.time.n, "count"),
        "least": (probe.least_ns, "ns"),
        "most": (probe.most_ns, "ns"),
    }
    median = ""
    if not isinstance(probe.time.p50_ns, Unavailable):
        facts["p50"] = (probe.time.p50_ns, "ns")
        median = " {p50} at p50,"
    ended = ""
    if probe.ended:
        facts["reason"] = (probe.ended, "")
        ended = ". They ended early: {reason}"
    yield note_of(
        f"{{calls}} status calls:{median} {{least}} at the least, {{most}} at most{ended}",
        facts,
        label="probe",
    )


def _sample_tables(analysis: Analysis) -> Iterator[Table]:
    fields = [row for item in analysis.samples for row in _source_rows(item, analysis)]
    if fields:
        yield make_table("samples", "", FIELD_COLUMNS, fields)
    limits = [
        Row(
            (item.source, _device_name(item), limit.reason, limit.share),
            is_detail=limit.reason == _GPU_IDLE,
        )
        for item in analysis.sampled_devices
        if not isinstance(item.clock_limits, Unavailable)
        for limit in item.clock_limits
    ]
    if limits:
        yield make_table("clock_limits", "", LIMIT_COLUMNS, limits)
    sources = [_cost_row(item) for item in analysis.samples if item.samples]
    if sources:
        yield make_table("sample_sources", "Sampling", SOURCE_COLUMNS, sources, is_detail=True)
    missing = [
        Row(
            (
                item.source,
                str(field.device) if field.device >= 0 else None,
                field.field,
                field.reason,
            )
        )
        for item in analysis.samples
        for field in item.missing
    ]
    if missing:
        yield make_table("missing_fields", "Not sampled", MISSING_COLUMNS, missing, is_detail=True)


def _source_rows(item: SourceSummary, analysis: Analysis) -> Iterator[Row]:
    """Each GPU by itself: a mean over several says nothing about any of them."""
    if isinstance(item.fields, Unavailable):
        return
    devices = [each for each in analysis.sampled_devices if each.source == item.source]
    if not devices:
        yield from (_field_row(item.source, None, field) for field in item.fields)
    for device in devices:
        name = _device_name(device)
        yield from (_field_row(item.source, name, field) for field in device.fields)


def _field_row(source: str, device: str | None, field: FieldSummary) -> Row:
    """A field that was not sampled, or was 0 throughout, is a detail."""
    values = [field.mean, field.max, field.increase]
    known = [value for value in values if not isinstance(value, Unavailable)]
    cells = (field.field, field.unit, *(v if v in known or not known else None for v in values))
    is_shown = field.field in HIGHLIGHTS and any(known)
    return Row((source, device, *cells), is_detail=not is_shown)


def _device_name(item: DeviceSamples) -> str:
    return f"{item.index} ({item.device.name}{', MIG' if item.device.is_mig else ''})"


def _cost_row(item: SourceSummary) -> Row:
    cost = item.cost
    if isinstance(cost, Unavailable):
        return Row((item.source, item.samples, item.period_ns, item.taken_by, cost, cost, cost))
    cpu = share(cost.cpu_ns, cost.elapsed_ns)
    return Row(
        (
            item.source,
            item.samples,
            item.period_ns,
            item.taken_by,
            cpu,
            cost.readings,
            cost.cpu_ns,
        )
    )
