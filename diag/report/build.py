"""Analysis and Verdict → Report. Sums and shares that are shown are made here, once."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from msgspec.structs import replace

from diag.findings import conclude, find
from diag.model.availability import Unavailable
from diag.report.build_aside import metrics_parts, observer_parts, series_parts
from diag.report.build_batches import queue_part
from diag.report.build_device import (
    agreement_part,
    clock_part,
    cost_part,
    device_part,
    kernel_part,
    loss_part,
)
from diag.report.build_gaps import timeline_parts
from diag.report.build_ledger import model_part, spread
from diag.report.report import (
    SCHEMA_VERSION,
    CaptureFacts,
    CaveatPart,
    EvidencePart,
    OpPart,
    PoolPart,
    Report,
    VerdictPart,
)
from diag.report.values import finite, readable
from diag.report.wording.caveats import advise_caveat, describe_caveat
from diag.version import __version__

if TYPE_CHECKING:
    from diag.analysis.result import (
        Analysis,
    )
    from diag.findings import Verdict
    from diag.model.caveat import Caveat
    from diag.model.finding import Finding


# Caveats that say which question the source cannot answer at all (diag/analysis/device/caveats.py).
LIMIT_CODES = frozenset({"no-device-plane", "gpu-plane-missing", "gpu-planes-empty"})


def build_report(analysis: Analysis, findings: tuple[Finding, ...] | None = None) -> Report:
    """Everything that will be shown of one capture; what is empty stays empty."""
    found = find(analysis) if findings is None else findings
    caveats = tuple(_caveat_part(caveat) for caveat in analysis.caveats)
    return Report(
        schema_version=SCHEMA_VERSION,
        diag_version=__version__,
        limits=tuple(replace(c, advice="") for c in caveats if c.code in LIMIT_CODES),
        verdict=_verdict_part(conclude(analysis, found), found),
        caveats=caveats,
        capture=_capture_facts(analysis),
        devices=tuple(device_part(device) for device in analysis.devices),
        device_loss=loss_part(analysis.device_loss),
        device_clock=clock_part(analysis.device_clock),
        agreements=tuple(agreement_part(item) for item in analysis.agreements),
        models=tuple(model_part(model) for model in analysis.models),
        device_costs=tuple(cost_part(cost) for cost in analysis.device_costs),
        kernels=tuple(kernel_part(kernel) for kernel in analysis.kernels),
        device_ops=tuple(kernel_part(op) for op in analysis.device_ops),
        ops=tuple(
            OpPart(
                op=readable(op.op_type),
                is_preprocess=op.is_preprocess,
                events=op.events,
                total_ns=op.total_ns,
            )
            for op in analysis.ops
        ),
        pools=tuple(PoolPart(readable(p.pool), spread(p.wait)) for p in analysis.pool_waits),
        queues=tuple(queue_part(queue) for queue in analysis.queues),
        timelines=timeline_parts(analysis),
        series=series_parts(analysis),
        metrics=metrics_parts(analysis),
        observer=observer_parts(analysis),
    )


def _caveat_part(caveat: Caveat) -> CaveatPart:
    return CaveatPart(
        code=caveat.code,
        text=readable(describe_caveat(caveat)),
        advice=readable(advise_caveat(caveat)),
    )


def _verdict_part(verdict: Verdict, findings: tuple[Finding, ...]) -> VerdictPart:
    remedies = findings[0].remedies if findings else ()
    return VerdictPart(
        cause=verdict.cause,
        sentence=readable(verdict.sentence),
        knob=readable(" ".join(remedy.action for remedy in remedies)),
        verify="",
        confidence=verdict.confidence.value,
        evidence=tuple(
            EvidencePart(
                label=readable(item.name),
                value=finite(item.value),
                unit=item.unit,
                ref=readable(f"{item.source.table} {item.source.row}".strip()),
            )
            for item in verdict.evidence
            if not isinstance(item.value, str)
        ),
    )


def _capture_facts(analysis: Analysis) -> CaptureFacts:
    capture, counts = analysis.capture, analysis.counts
    origin = capture.origin_unix_ns
    start_unix_ns: str | Unavailable
    start_utc: str | Unavailable
    if isinstance(origin, Unavailable):
        start_unix_ns = start_utc = origin
    else:
        start_unix_ns = str(origin + capture.window.start_ns)
        start_utc = _utc_text(origin + capture.window.start_ns)
    server = capture.server
    models: tuple[str, ...] | Unavailable
    if isinstance(server, Unavailable):
        models = server
    elif isinstance(server.models, Unavailable):
        models = server.models
    else:
        models = tuple(readable(f"{m.name} v{m.version} {m.state}") for m in server.models)
    return CaptureFacts(
        source=readable(capture.name),
        start_utc=start_utc,
        start_unix_ns=start_unix_ns,
        window_ns=capture.window.duration_ns,
        tracer_level=analysis.tracer_level,
        server_models=models,
        events=counts.events,
        requests=counts.requests,
        complete_requests=counts.complete,
        censored_requests=counts.censored,
        refused_requests=counts.refused,
        split_requests=counts.split_requests,
        ambiguous_links=counts.ambiguous_links,
        batches=counts.batches,
        censored_batches=counts.censored_batches,
        rows_without_request=counts.batch_rows_missing,
    )


def _utc_text(unix_ns: int) -> str | Unavailable:
    """ISO 8601 to the millisecond, cut; hostile traces may hold times outside the calendar."""
    try:
        moment = datetime.fromtimestamp(unix_ns // 1_000_000_000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return Unavailable("the trace's start time is not a date")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ns // 1_000_000 % 1000:03d}Z"
