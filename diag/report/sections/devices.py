"""GPUs: how busy each was, what of that may be missing, and whether samples agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from diag.findings.device import traced_text
from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.model import Note, Section
from diag.report.notes import note
from diag.report.rows import (
    VALUE_COLUMNS,
    Row,
    make_table,
    name_column,
    number_column,
    text_column,
    value_row,
)
from diag.report.shares import share
from diag.report.topics import ReportInputs, topic
from diag.report.wording.agreements import advise_agreement, describe_agreeing, describe_agreement
from diag.report.wording.idle import define_idle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.model.agreement import Agreement
    from diag.model.device import DeviceClock, DeviceSummary
    from diag.report.model import Cell, Column, Table

# Of more devices than this, those of one outcome share a line.
OWN_TABLES_MAX = 2
_STATES = (
    ("busy", "busy", "Any work on it."),
    ("kernel", "kernel", "A kernel at work."),
    ("copy", "copy", "A copy at work, and no kernel."),
    ("memset", "memset", "A memset at work, and neither of these."),
    ("idle", "idle", "The rest of the window."),
    ("starved", "starved", "Idle with requests in the server whose input was not ready."),
    ("no_demand", "no demand", "Idle without any request for it."),
)
DEVICE_COLUMN = name_column("device", "device", "Its plane in the trace.")
SHARE_COLUMNS = (
    DEVICE_COLUMN,
    *(number_column(key, title, "ratio", meaning) for key, title, meaning in _STATES),
    number_column(
        "sampled", "sampled", "ratio", "Busy by samples of NVML or DCGM over the same time."
    ),
    number_column("window_ns", "window", "ns", "Length of the window.", is_detail=True),
    *(
        number_column(f"{key}_ns", title, "ns", meaning, is_detail=True)
        for key, title, meaning in _STATES
    ),
)
WORK_COLUMNS = (
    DEVICE_COLUMN,
    name_column("model", "model", "As its driver names it; or vendor, cores and memory."),
    number_column("kernels", "kernels", "count", "Kernels in the window."),
    number_column("copies", "copies", "count", "Copies in the window."),
    number_column("memsets", "memsets", "count", "Memsets in the window.", is_detail=True),
    number_column("bytes_in", "copied in", "bytes", "Copied from the host."),
    number_column("bytes_out", "copied out", "bytes", "Copied to the host."),
    number_column("unlinked", "unlinked", "count", "Of the events, launched by no recorded step."),
    text_column("vendor", "vendor", "As the tracer calls it.", is_detail=True),
    text_column("compute_capability", "capability", "Its compute capability.", is_detail=True),
    number_column("cores", "cores", "count", "Multiprocessors, or compute units.", is_detail=True),
    number_column("memory_bytes", "memory", "bytes", "Size of its memory.", is_detail=True),
    number_column("memory_bytes_per_s", "bandwidth", "bytes/s", "Of its memory.", is_detail=True),
    number_column("clock_hz", "clock", "Hz", "Its highest clock.", is_detail=True),
    number_column(
        "overhead_ns", "tracer", "ns", "Time in the tracer's own records.", is_detail=True
    ),
)
AGREEMENT_COLUMNS = (
    DEVICE_COLUMN,
    text_column("source", "source", "nvml, dcgm or agent."),
    text_column("outcome", "outcome", "How trace and samples go together."),
    text_column("reason", "reason", "Why they do."),
    number_column("traced", "trace", "ratio", "Busy by the trace, over the time both cover."),
    number_column("sampled", "samples", "ratio", "Busy by the samples."),
    number_column("tolerance", "tolerance", "ratio", "Difference within which the two agree."),
    number_column("overlap_ns", "overlap", "ns", "Time that both cover."),
    number_column("resolution_ns", "resolution", "ns", "Time that one sample averages over."),
    number_column("clock_error_ns", "clocks", "ns", "Bound on the difference of the clocks."),
)
_OF_REQUESTS = frozenset({"starved", "no_demand", "unlinked"})
PROCESS_COLUMNS = (
    DEVICE_COLUMN,
    text_column("source", "source", "nvml, dcgm or agent."),
    number_column("pid", "pid", "setting", "Its process id on that host."),
    name_column("name", "name", "Its name."),
    number_column("share", "utilization", "ratio", "Its sampled utilization."),
    number_column("memory_bytes", "memory", "bytes", "Its memory on the GPU."),
)


@topic(order=500)
def device_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Nothing without GPUs, in the trace or in the samples."""
    analysis = inputs.analysis
    agreements = analysis.agreements
    if not analysis.devices and not agreements:
        return
    tables: list[Table] = []
    if analysis.devices:
        tables += [_share_table(analysis), _work_table(analysis)]
    if agreements:
        tables += [_agreement_table(agreements), *_process_tables(agreements)]
    tables.append(_tracer_table(analysis))
    yield Section(
        id="devices",
        title=(
            f"GPUs, shares of {traced_text(analysis)}"
            if analysis.devices
            else "GPUs, by their samples"
        ),
        notes=tuple(_device_notes(inputs)),
        tables=tuple(tables),
    )


def _device_notes(inputs: ReportInputs) -> Iterator[Note]:
    analysis = inputs.analysis
    reasons = {d.busy_ns.reason for d in analysis.devices if isinstance(d.busy_ns, Unavailable)}
    if reasons and _is_silent(analysis):
        yield Note(f"n/a: {'; '.join(sorted(reasons))}")
    if analysis.device_loss.dropped:
        yield note(
            "{dropped} device events were lost: busy times are lower bounds.",
            label="tracer",
            dropped=(analysis.device_loss.dropped, "count"),
        )
    given = frozenset(caveat.remedy for caveat in inputs.caveats)
    yield from _agreement_notes(analysis.agreements, given)


def _is_silent(analysis: Analysis) -> bool:
    return all(isinstance(device.busy_ns, Unavailable) for device in analysis.devices)


def _share_table(analysis: Analysis) -> Table:
    rows = [Row(_share_cells(device, analysis.agreements)) for device in analysis.devices]
    has_requests = not analysis.program.is_foreign
    columns = SHARE_COLUMNS if has_requests else _without_requests(SHARE_COLUMNS)
    notes = (Note(define_idle(is_device=True, has_requests=has_requests), style="item"),)
    return make_table("devices", "", columns, rows, notes, is_detail=_is_silent(analysis))


def _share_cells(
    device: DeviceSummary, agreements: tuple[Agreement, ...]
) -> tuple[Cell | None, ...]:
    window_ns = device.window.duration_ns
    times = (
        device.busy_ns,
        device.kernel_ns,
        device.copy_ns,
        device.memset_ns,
        device.idle_ns,
        device.starved_ns,
        device.no_demand_ns,
    )
    return (
        device.name,
        *(share(time_ns, window_ns) for time_ns in times),
        _sampled(device.name, agreements),
        window_ns,
        *times,
    )


def _sampled(name: str, agreements: tuple[Agreement, ...]) -> Cell | None:
    """By the first source with a value; all of them are in the table of agreements."""
    ratios = [item.sampled_ratio for item in agreements if item.device == name]
    known = [ratio for ratio in ratios if not isinstance(ratio, Unavailable)]
    return next(iter([*known, *ratios]), None)


def _work_table(analysis: Analysis) -> Table:
    rows = [
        Row(
            (
                device.name,
                device.model,
                device.kernels,
                device.copies,
                device.memsets,
                device.bytes_in,
                device.bytes_out,
                device.unlinked,
                device.hardware.vendor,
                device.hardware.compute_capability,
                device.hardware.cores,
                device.hardware.memory_bytes,
                device.hardware.memory_bytes_per_s,
                device.hardware.clock_hz,
                device.overhead_ns,
            )
        )
        for device in analysis.devices
    ]
    is_foreign = analysis.program.is_foreign
    columns = _without_requests(WORK_COLUMNS) if is_foreign else WORK_COLUMNS
    return make_table("device_work", "", columns, rows)


def _without_requests(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The same, those about requests and their steps as details."""
    return tuple(
        replace(column, is_detail=True) if column.key in _OF_REQUESTS else column
        for column in columns
    )


def _agreement_notes(agreements: tuple[Agreement, ...], given: frozenset[str]) -> Iterator[Note]:
    """Each outcome in a sentence; of many devices, those that agree share one for each source.

    Advice for several devices is given once, after them.

    Args:
        agreements: All.
        given: Codes of remedies that the report has advised already.
    """
    agreeing: dict[str, list[str]] = {}
    if len(agreements) > OWN_TABLES_MAX:
        for item in agreements:
            if item.kind is AgreementKind.AGREE:
                agreeing.setdefault(item.source, []).append(printable(item.device, NAME_MAX_CHARS))
    for source, devices in agreeing.items():
        yield Note(describe_agreeing(source, devices), label="samples")
    rest = [item for item in agreements if not (agreeing and item.kind is AgreementKind.AGREE)]
    count = Counter(map(_remedy, rest))
    for item in rest:
        is_own = count[_remedy(item)] == 1 and item.remedy not in given
        advice = advise_agreement(item) if is_own else ""
        parts = (describe_agreement(item), advice, f"[{item.kind.value}]")
        yield Note(" ".join(filter(None, parts)), label="samples")
    shared = {_remedy(item): item for item in rest if count[_remedy(item)] > 1}
    for item in shared.values():
        if item.remedy not in given and (advice := advise_agreement(item)):
            yield Note(advice, label="samples")


def _remedy(item: Agreement) -> tuple[str, str]:
    """Agreements with equal codes have the same advice."""
    return item.remedy, item.cupti_access.value


def _agreement_table(agreements: tuple[Agreement, ...]) -> Table:
    rows = [
        Row(
            (
                item.device,
                item.source,
                item.kind.value,
                item.reason.value,
                item.traced_ratio,
                item.sampled_ratio,
                item.tolerance_ratio,
                item.overlap_ns,
                item.resolution_ns,
                item.clock_error_ns,
            )
        )
        for item in agreements
    ]
    return make_table("agreements", "Trace and samples", AGREEMENT_COLUMNS, rows, is_detail=True)


def _process_tables(agreements: tuple[Agreement, ...]) -> Iterator[Table]:
    rows = [
        Row((item.device, item.source, other.pid, other.name, other.share, other.memory_bytes))
        for item in agreements
        for other in item.others
    ]
    if rows:
        title = "Other processes on the GPUs"
        yield make_table("gpu_processes", title, PROCESS_COLUMNS, rows, is_detail=True)


def _tracer_table(analysis: Analysis) -> Table:
    """How far the device tracer can be trusted."""
    clock: DeviceClock | Unavailable = analysis.device_clock
    loss = analysis.device_loss
    linked, early, error_ns = (
        (clock, clock, clock)
        if isinstance(clock, Unavailable)
        else (clock.linked, clock.early, clock.error_ns)
    )
    rows = [
        value_row("device events lost", "dropped", loss.dropped, "count"),
        value_row("window in the tracer's own records", "overhead", loss.overhead_ratio, "ratio"),
        value_row("device events with a recorded launch", "linked", linked, "count"),
        value_row("of these, seemingly before their launch", "early", early, "count"),
        value_row("least error of the device's clock", "clock_error_ns", error_ns, "ns"),
        *(value_row("reason of a loss", "reason", reason, "") for reason in loss.reasons),
        *(value_row("error of the tracer", "error", error, "") for error in loss.errors),
    ]
    return make_table("device_tracer", "Device tracer", VALUE_COLUMNS, rows, is_detail=True)
