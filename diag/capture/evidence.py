"""Evidence: all that one capture brought home, and how it becomes a bundle."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from diag.capture.clocks import clock_bounds, clock_record
from diag.capture.locality import shares_clock
from diag.capture.scrape import Page
from diag.formats.bundle.manifest import (
    CaveatRecord,
    ClockRecord,
    Manifest,
    SourceRecord,
    WindowRecord,
    is_writable,
)
from diag.formats.bundle.server import server_document
from diag.model.availability import Caveat, Unavailable
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from diag.capture.beside import Beside
    from diag.capture.connection import Connection
    from diag.capture.probe import Ability
    from diag.capture.profiler import Recording
    from diag.formats.bundle.writer import BundleWriter
    from diag.model.events import Space

_TOOLS = ("grpcio", "protobuf", "psutil", "nvidia-ml-py")
_PAGES: tuple[Literal["before", "after"], ...] = ("before", "after")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a capture brought home.

    Attributes:
        recording: The server's answer.
        space: Its trace, decoded.
        beside: What was recorded beside it.
        ability: How the server handed out the trace.
        interrupted: Whether the recording was ended before its time.
    """

    recording: Recording
    space: Space
    beside: Beside
    ability: Ability
    interrupted: bool


def write_evidence(
    writer: BundleWriter,
    evidence: Evidence,
    connection: Connection,
    caveats: Sequence[Caveat],
    observer: dict[str, Any] | None,
) -> Path:
    """Write the bundle.

    Raises:
        OutputError: It cannot be written.
    """
    beside = evidence.beside
    clocks = _clocks(evidence)
    for clock in clocks:
        if not is_writable(clock) and clock.source in beside.series:
            reason = "its clock is further from the server's than can be told"
            beside.series[clock.source] = Unavailable(reason)
    writer.add_trace(connection.target.given, evidence.recording.xspace or b"")
    for series in beside.series.values():
        if isinstance(series, SampleSeries):
            writer.add_samples(series)
    for which in _PAGES:
        page = beside.pages[which]
        if isinstance(page, Page):
            writer.add_metrics(which, page.body)
    writer.add_server(server_document(beside.server))
    related = tuple(clock for clock in clocks if is_writable(clock))
    return writer.finish(_manifest(evidence, connection, related, caveats, observer))


def _manifest(
    evidence: Evidence,
    connection: Connection,
    clocks: tuple[ClockRecord, ...],
    caveats: Sequence[Caveat],
    observer: dict[str, Any] | None,
) -> Manifest:
    recording, target = evidence.recording, connection.target
    return Manifest(
        created=datetime.fromtimestamp(recording.sent_unix_ns // 10**9, timezone.utc),
        diag_version=version("tfserving-diag"),
        tools={"python": platform.python_version()} | {name: version(name) for name in _TOOLS},
        target={
            "server": target.given,
            "address": target.grpc_target,
            "tls": connection.plan.tls is not None,
            "trace": evidence.ability.value,
            "hostnames": list(evidence.space.hostnames),
        },
        plan=connection.plan.as_record(),
        window=WindowRecord(recording.sent_unix_ns, recording.received_unix_ns),
        clocks=clocks,
        sources=_sources(evidence),
        caveats=tuple(CaveatRecord(caveat.code, caveat.text) for caveat in caveats),
        observer=observer,
    )


def _clocks(evidence: Evidence) -> tuple[ClockRecord, ...]:
    bounds = clock_bounds(evidence.recording, evidence.space)
    if isinstance(bounds, Unavailable):
        return ()
    beside, hostnames = evidence.beside, evidence.space.hostnames
    link = beside.agent.link if beside.agent else None
    by_agent = beside.agent.reading_ns() if beside.agent else {}
    same_clock = shares_clock(beside.here, hostnames)
    records = []
    for source, took in sorted(beside.reading_ns().items()):
        allowed, same = bounds, same_clock
        if link is not None and source in by_agent:
            allowed = link.server_bounds(bounds)
            same = link.shares_clock(beside.here, hostnames)
        records.append(clock_record(source, allowed, took, same_clock=same))
    return tuple(records)


def _sources(evidence: Evidence) -> dict[str, SourceRecord]:
    beside = evidence.beside
    missing = beside.missing()
    records = {
        source: SourceRecord("unavailable", missing[source])
        if source in missing
        else SourceRecord("recorded", beside.details.get(source, ""))
        for source in (*beside.series, "metrics", "server")
    }
    size_bytes = len(evidence.recording.xspace or b"")
    return {"trace": SourceRecord("recorded", f"{size_bytes:,} bytes")} | records
