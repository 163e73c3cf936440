"""A capture from beginning to end: look first, record once, write everything down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diag.capture.disk_space import check_disk_space
from diag.capture.interrupts import Interrupts
from diag.capture.outcome_checks import caveats_of, check_content, check_required, find_untraced
from diag.capture.plan import SECOND
from diag.capture.progress import NoProgress, Progress
from diag.capture.recording_result import RecordingResult, write_result
from diag.capture.server.connection import Connection
from diag.capture.server.target import find_server
from diag.capture.side_sources import SideSources
from diag.capture.tracers.probe import probe_profiler
from diag.capture.tracers.recorder import Recorder
from diag.capture.traffic_wait import wait_for_traffic
from diag.capture.warm_up import check_size, warm_up
from diag.formats.bundle.writer import BundleWriter
from diag.formats.trace.xspace import decode_space

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.capture.plan import CapturePlan
    from diag.capture.tracers.profile_call import TraceRecording
    from diag.model.caveat import Caveat

_MB = 1e6


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """A bundle was written.

    Attributes:
        path: The bundle.
        caveats: What limits the meaning of it; they are in its manifest too.
        interrupted: The recording was ended early by Ctrl-C or SIGTERM.
    """

    path: Path
    caveats: tuple[Caveat, ...]
    interrupted: bool


def capture_bundle(
    plan: CapturePlan,
    output: Path,
    *,
    progress: Progress | None = None,
    force: bool = False,
    observer: Callable[[], dict[str, Any]] | None = None,
) -> CaptureOutcome:
    """Record a server once and write a bundle.

    The order is chosen so that the server is not touched before everything that could fail for
    other reasons has been tried. From the recording on, Ctrl-C (or SIGTERM) ends it early and keeps
    it; a second one gives up. However this is left, no profiling session is left on the server.

    Args:
        plan: What to do.
        output: The bundle: a .zip by its suffix, else a folder.
        progress: Told what happens.
        force: Replace an existing bundle.
        observer: Called after the recording; what it returns is stored as its measured cost.

    Raises:
        UsageError: The plan names files or URLs that cannot be.
        CaptureError: The server could not be recorded; no bundle was written.
        EmptyCaptureError: No whole request was recorded; the message names the bundle, which was
            written all the same, unless the wait for traffic ended without any.
        RequiredSourceError: A required source is missing. If that was known beforehand, the server
            was not profiled; else the message names the bundle, which was written.
        XSpaceDecodeError: The server's trace is corrupt; no bundle was written.
        OutputError: The bundle cannot be written; tried before the server is profiled.
        KeyboardInterrupt: Interrupted with nothing to keep, or twice.
    """
    progress = progress or NoProgress()
    with Interrupts() as interrupts, BundleWriter(output, force=force) as writer:
        target = find_server(plan.server, plan.timeout_ns / SECOND)
        with Connection(target, plan, interrupts) as connection:
            progress.say(_announcement(plan, output))
            session = _Session(connection, output, progress, interrupts)
            result = session.run()
            caveats = caveats_of(result, plan)
            cost = observer() if observer else None
            path = write_result(writer, result, connection, caveats, cost)
    if not result.interrupted:
        check_content(result, plan, path)
    check_required(result.side_sources.missing() | find_untraced(result.space), plan, path)
    return CaptureOutcome(path, caveats, result.interrupted)


def _announcement(plan: CapturePlan, output: Path) -> str:
    warm_up_text = ", after a warm-up of 0.2 s" if plan.warmup else ""
    return (
        f"profiling {plan.server} for {plan.duration_ns / SECOND:g} s at host tracer level "
        f"{plan.host_tracer_level}{warm_up_text}, into {output}"
    )


class _Session:
    """The steps of one capture over one connection."""

    def __init__(
        self, connection: Connection, output: Path, progress: Progress, interrupts: Interrupts
    ) -> None:
        self._connection = connection
        self._plan = connection.plan
        self._output = output
        self._progress = progress
        self._interrupts = interrupts
        self._told = False

    def run(self) -> RecordingResult:
        """Probe, wait, warm up, record, decode."""
        delivery = probe_profiler(self._connection)
        recorder = Recorder(self._connection, delivery)
        with SideSources(self._connection) as side_sources:
            check_required(side_sources.missing(), self._plan, None)
            if self._plan.wait_for_traffic:
                wait_for_traffic(self._connection, recorder, side_sources.metrics, self._progress)
            check_disk_space(self._output, self._warm_up(recorder))
            side_sources.start()
            recording = self._record(recorder)
            was_cut = self._interrupts.noted
            side_sources.stop()
        self._progress.say(f"received {len(recording.xspace or b'') / _MB:.3g} MB")
        space = decode_space(recording.xspace or b"")
        return RecordingResult(recording, space, side_sources, delivery, was_cut)

    def _warm_up(self, recorder: Recorder) -> int:
        """The expected size in bytes; 0 without a warm-up."""
        if not self._plan.warmup:
            return 0
        expected_bytes = check_size(warm_up(recorder, self._plan), self._plan)
        self._progress.say(f"warmed up; expecting about {expected_bytes / _MB:.2g} MB")
        return expected_bytes

    def _record(self, recorder: Recorder) -> TraceRecording:
        self._interrupts.arm()
        try:
            return recorder.record(
                self._plan.duration_ns,
                self._plan.host_tracer_level,
                stop_asked=self._interrupts.was_noted,
                on_tick=self._tick,
            )
        finally:
            self._progress.advanced()

    def _tick(self, elapsed_ns: int) -> None:
        if self._interrupts.noted and not self._told:
            self._told = True
            self._progress.say("ending early and keeping what was recorded; again to give up")
        self._progress.advance(elapsed_ns, self._plan.duration_ns)
