"""One capture from beginning to end: check, record once, write the bundle."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from diag.capture.disk_space import check_disk_space, size_text
from diag.capture.interrupts import Interrupts
from diag.capture.outcome_checks import caveats_of, check_content, check_required, find_untraced
from diag.capture.plan import SECOND, CapturePlan
from diag.capture.progress import as_progress
from diag.capture.recording_result import RecordingResult, write_result
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.target import find_server
from diag.capture.side_sources import SideSources
from diag.capture.size_forecast import WARM_UP_NS, check_size, warm_up
from diag.capture.tracers.selection import find_trace_source
from diag.capture.traffic_wait import wait_for_traffic
from diag.errors import UsageError
from diag.formats.bundle.writer import BundleWriter
from diag.formats.trace.xspace import decode_space

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from diag.capture.plan_options import PlanOptions
    from diag.capture.progress import Progress
    from diag.capture.tracers.trace_source import TraceRecording, TraceSource
    from diag.formats.bundle.manifest import CaveatRecord


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """The result of a successful capture.

    Attributes:
        path: The bundle, for ``diag.open_bundle``; the name of the file object if it went there.
        caveats: Code and text of what limits the meaning of the bundle's numbers; the bundle's
            manifest holds them too.
        interrupted: Whether Ctrl-C or SIGTERM ended the recording early.
    """

    path: Path
    caveats: tuple[CaveatRecord, ...]
    interrupted: bool


def capture_bundle(
    server: str | CapturePlan,
    output: str | os.PathLike[str] | IO[bytes] | None = None,
    *,
    progress: Progress | Callable[[str], object] | None = None,
    force: bool = False,
    observer: Callable[[], dict[str, Any]] | None = None,
    **options: Unpack[PlanOptions],
) -> CaptureOutcome:
    """Record a running TensorFlow Serving once and write a bundle.

    Makes one profiling session on the server, and samples host, GPUs and the server's metrics over
    the same window. Everything that can fail for another reason is checked before the server is
    profiled. No profiling session is left on the server, whether this returns or raises.

    In the main thread, Ctrl-C (or SIGTERM) ends the recording early and keeps what was recorded; a
    second one discards it.

    Args:
        server: gRPC address of the server (``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``), or a
            CapturePlan.
        output: Path of the bundle: a zip file if it ends in ``.zip``, else a folder. None writes
            the folder ``diag-<UTC time>`` in the current directory. A binary file object gets a
            zip and is not closed.
        progress: A Progress, or a function that takes one line of text, such as ``print``.
        force: Whether to replace an existing bundle.
        observer: Called after the recording; its result is stored as the measured cost of the
            capture.
        options: Fields of CapturePlan, for example ``duration_ns=5_000_000_000`` (default 2 s) or
            ``host_tracer_level=3``. Only together with an address.

    Returns:
        The bundle's path, the caveats, and whether the recording was ended early.

    Raises:
        UsageError: A value is invalid (``parameter`` names it), ``options`` came with a
            CapturePlan, or a file that the plan names cannot be used.
        CaptureError: The server could not be recorded; no bundle was written.
        EmptyCaptureError: No whole request was recorded. The bundle was written and is in the
            error's ``bundle``, except when the wait for traffic ended without a request.
        RequiredSourceError: A required source is missing. If that was known before the recording,
            the server was not profiled; else the bundle was written and is in ``bundle``.
        XSpaceDecodeError: The server's trace is corrupt; no bundle was written.
        OutputError: The bundle cannot be written; checked before the server is profiled.
        KeyboardInterrupt: Interrupted before the recording, or twice.
    """
    plan = _plan(server, options)
    wanted = default_output() if output is None else output
    destination = Path(wanted) if isinstance(wanted, (str, os.PathLike)) else wanted
    with Interrupts() as interrupts, BundleWriter(destination, force=force) as writer:
        target = find_server(plan.server, plan.timeout_ns / SECOND)
        with Connection(target, ConnectionOptions.of(plan), interrupts) as connection:
            session = _Session(connection, plan, writer, as_progress(progress))
            result = session.run()
            caveats = caveats_of(result, plan)
            cost = observer() if observer else None
            path = write_result(writer, result, plan, caveats, cost)
    if not result.interrupted:
        check_content(result, plan, path)
    check_required(result.side_sources.missing() | find_untraced(result.space), plan, path)
    return CaptureOutcome(path, caveats, result.interrupted)


def default_output() -> str:
    """``diag-20261123T101500Z``: a name with the UTC time, so that names sort by time."""
    return time.strftime("diag-%Y%m%dT%H%M%SZ", time.gmtime())


def _plan(server: str | CapturePlan, options: PlanOptions) -> CapturePlan:
    if isinstance(server, str):
        return CapturePlan(server=server, **options)
    if options:
        name = min(options)
        raise UsageError(
            f"`{name}` was given together with a CapturePlan",
            hint="set it in the plan: dataclasses.replace(plan, ...)",
            parameter=name,
        )
    return server


class _Session:
    """The steps of one capture over one connection."""

    def __init__(
        self, connection: Connection, plan: CapturePlan, writer: BundleWriter, progress: Progress
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._writer = writer
        self._progress = progress
        self._interrupts = connection.interrupts
        self._has_said_stopping = False

    def run(self) -> RecordingResult:
        """Find the sources, wait for traffic, warm up, record, decode."""
        source = find_trace_source(self._connection, self._plan)
        with SideSources(self._connection, self._plan) as side_sources:
            check_required(side_sources.missing(), self._plan, None)
            if self._plan.wait_for_traffic:
                wait_for_traffic(self._plan, source, side_sources.metrics, self._progress)
            expected_bytes = self._warm_up(source)
            if self._writer.is_on_disk:
                check_disk_space(self._writer.path, expected_bytes)
            self._progress.say(
                f"profiling {self._plan.server} for {self._plan.duration_ns / SECOND:g} s at host "
                f"tracer level {self._plan.host_tracer_level}, into {self._writer.path}"
            )
            side_sources.start()
            recording = self._record(source)
            interrupted = self._interrupts.noted
            side_sources.stop()
        self._progress.say(f"received {size_text(len(recording.xspace))}")
        space = decode_space(recording.xspace)
        target = self._connection.target
        return RecordingResult(target, recording, space, side_sources, source.name, interrupted)

    def _warm_up(self, source: TraceSource) -> int:
        """The expected size of the trace in bytes; 0 without a warm-up."""
        if not self._plan.warmup:
            return 0
        duration_ns = min(WARM_UP_NS, self._plan.duration_ns)
        self._progress.say(f"warming up for {duration_ns / SECOND:g} s")
        forecast = warm_up(source, self._plan)
        check_size(forecast, self._plan)
        self._progress.say(forecast.describe(self._plan.duration_ns))
        return forecast.bytes_for(self._plan.duration_ns)

    def _record(self, source: TraceSource) -> TraceRecording:
        self._interrupts.arm()
        try:
            return source.record(
                self._plan.duration_ns,
                self._plan.host_tracer_level,
                stop_requested=self._interrupts.was_noted,
                on_tick=self._tick,
            )
        finally:
            self._progress.advanced()

    def _tick(self, elapsed_ns: int) -> None:
        if self._interrupts.noted and not self._has_said_stopping:
            self._has_said_stopping = True
            self._progress.say(
                "stopping early and keeping the recording; interrupt again to discard"
            )
        self._progress.advance(elapsed_ns, self._plan.duration_ns)
