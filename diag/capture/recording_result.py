"""RecordingResult: everything that one capture recorded, and how it becomes a bundle."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from diag.capture.clocks import clock_bounds, clock_record
from diag.capture.samplers.stacks import checked_stacks
from diag.capture.server.http_page import Page
from diag.capture.server.local_server import shares_clock
from diag.formats.bundle.manifest import (
    ClockRecord,
    Manifest,
    SourceRecord,
    WindowRecord,
    is_writable,
)
from diag.formats.bundle.server import server_document
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from diag.capture.plan import CapturePlan
    from diag.capture.server.target import Target
    from diag.capture.side_sources import SideSources
    from diag.capture.tracers.trace_source import TraceRecording
    from diag.formats.bundle.manifest import CaveatRecord
    from diag.formats.bundle.writer import BundleWriter
    from diag.model.events import Space

_TOOLS = ("grpcio", "protobuf", "psutil", "nvidia-ml-py")
_PAGES: tuple[Literal["before", "after"], ...] = ("before", "after")


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """What a capture recorded.

    Attributes:
        target: The server's address.
        recording: The trace and when it was requested and received.
        space: The trace, decoded.
        side_sources: What was recorded in addition to the trace.
        trace_source: Name of the trace source: ``inline`` or ``own-disk``.
        interrupted: Whether the recording was ended early.
    """

    target: Target
    recording: TraceRecording
    space: Space
    side_sources: SideSources
    trace_source: str
    interrupted: bool


def write_result(
    writer: BundleWriter,
    result: RecordingResult,
    plan: CapturePlan,
    caveats: Sequence[CaveatRecord],
    observer: dict[str, Any] | None,
) -> Path:
    """Write the bundle and return its path.

    Args:
        writer: Writes the bundle's parts.
        result: What was recorded.
        plan: The plan of the capture.
        caveats: For the manifest.
        observer: Measured cost of the capture for the manifest, if it was measured.

    Raises:
        OutputError: The bundle cannot be written.
    """
    side_sources = result.side_sources
    clocks = _clocks(result)
    for clock in clocks:
        if not is_writable(clock) and clock.source in side_sources.series:
            reason = "the offset between its clock and the server's is out of range"
            side_sources.series[clock.source] = Unavailable(reason)
    writer.add_trace(result.target.given, result.recording.xspace)
    for series in side_sources.series.values():
        if isinstance(series, SampleSeries):
            writer.add_samples(series)
    for which in _PAGES:
        page = side_sources.pages[which]
        if isinstance(page, Page):
            writer.add_metrics(which, page.body)
    if side_sources.stacks is not None:
        side_sources.stacks = checked_stacks(side_sources.stacks, result.space)
        if isinstance(side_sources.stacks, bytes):
            writer.add_stacks(side_sources.stacks)
    writer.add_server(server_document(side_sources.server))
    related = tuple(clock for clock in clocks if is_writable(clock))
    return writer.finish(_manifest(result, plan, related, caveats, observer))


def _manifest(
    result: RecordingResult,
    plan: CapturePlan,
    clocks: tuple[ClockRecord, ...],
    caveats: Sequence[CaveatRecord],
    observer: dict[str, Any] | None,
) -> Manifest:
    recording, target = result.recording, result.target
    return Manifest(
        created=datetime.fromtimestamp(recording.sent_unix_ns // 10**9, timezone.utc),
        diag_version=version("tfserving-diag"),
        tools={"python": platform.python_version()} | {name: version(name) for name in _TOOLS},
        target={
            "server": target.given,
            "address": target.grpc_target,
            "tls": plan.tls is not None,
            "trace": result.trace_source,
            "hostnames": list(result.space.hostnames),
        },
        plan=plan.as_record(),
        window=WindowRecord(recording.sent_unix_ns, recording.received_unix_ns),
        clocks=clocks,
        sources=_sources(result),
        caveats=tuple(caveats),
        observer=observer,
    )


def _clocks(result: RecordingResult) -> tuple[ClockRecord, ...]:
    """Offset and uncertainty of each source's clock; empty if the server's clock is unknown."""
    bounds = clock_bounds(result.recording, result.space)
    if isinstance(bounds, Unavailable):
        return ()
    side_sources, hostnames = result.side_sources, result.space.hostnames
    link = side_sources.agent.link if side_sources.agent else None
    by_agent = side_sources.agent.reading_ns() if side_sources.agent else {}
    same_clock = shares_clock(side_sources.local, hostnames)
    records = []
    for source, reading_ns in sorted(side_sources.reading_ns().items()):
        allowed, same = bounds, same_clock
        if link is not None and source in by_agent:
            allowed = link.server_bounds(bounds)
            same = link.shares_clock(side_sources.local, hostnames)
        records.append(clock_record(source, allowed, reading_ns, same_clock=same))
    return tuple(records)


def _sources(result: RecordingResult) -> dict[str, SourceRecord]:
    side_sources = result.side_sources
    missing = side_sources.missing()
    stacks = () if side_sources.stacks is None else ("stacks",)
    if isinstance(side_sources.stacks, Unavailable):
        missing["stacks"] = side_sources.stacks.reason
    records = {
        source: SourceRecord("unavailable", missing[source])
        if source in missing
        else SourceRecord("recorded", side_sources.details.get(source, ""))
        for source in (*side_sources.series, "metrics", "server", *stacks)
    }
    size_bytes = len(result.recording.xspace)
    return {"trace": SourceRecord("recorded", f"{size_bytes:,} bytes")} | records
