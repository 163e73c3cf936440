"""Makes a bundle of what was recorded of a program."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING

from diag.capture.plan import MS
from diag.errors import BundleCorruptError
from diag.formats.bundle.manifest import ClockRecord, Manifest, SourceRecord, WindowRecord
from diag.formats.bundle.stacks import decode_stacks
from diag.formats.text.samples import writable
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.program.plan import ProgramSamples, RunPlan
    from diag.capture.program.recorded_process import ProgramRecording, RecordedProcess
    from diag.formats.bundle.writer import BundleWriter

_TOOLS = ("psutil", "nvidia-ml-py")
_NO_SERVER = "a Python program was recorded, not a server"


def write_program(
    writer: BundleWriter,
    name: str,
    process: RecordedProcess,
    recording: ProgramRecording,
    samples: ProgramSamples,
    plan: RunPlan,
) -> None:
    """Check what the program wrote, and write the bundle.

    The bundle names the program and nothing of its arguments and environment.

    Raises:
        XSpaceDecodeError: The trace is corrupt.
        OutputError: The bundle cannot be written.
    """
    space = decode_space(recording.xspace)
    writer.add_trace(name, recording.xspace)
    sources = {"trace": SourceRecord("recorded", f"{len(recording.xspace):,} bytes")}
    clocks = []
    for source, series in sorted(samples.series.items()):
        usable = series if isinstance(series, Unavailable) else writable(series)
        if isinstance(usable, Unavailable):
            sources[source] = SourceRecord("unavailable", usable.reason)
            continue
        writer.add_samples(usable)
        sources[source] = SourceRecord("recorded")
        # The program runs on this machine: one clock.
        clocks.append(ClockRecord(source, 0, (samples.reading_ns[source] + 1) // 2))
    try:
        decode_stacks(recording.stacks, space.origin_unix_ns, "the program's samples")
        writer.add_stacks(recording.stacks)
        sources["stacks"] = SourceRecord("recorded")
    except BundleCorruptError as exc:
        sources["stacks"] = SourceRecord("unavailable", f"{exc.message} ({exc.cause})")
    for source in ("metrics", "server"):
        sources[source] = SourceRecord("unavailable", _NO_SERVER)
    writer.finish(
        Manifest(
            created=datetime.fromtimestamp(recording.sent_unix_ns // 10**9, timezone.utc),
            diag_version=version("tfserving-diag"),
            tools={"python": platform.python_version(), process.library: process.version}
            | {each: version(each) for each in _TOOLS},
            target={
                "server": name,
                "address": f"process {process.pid}",
                "tls": False,
                "trace": "in-process",
                "hostnames": list(space.hostnames),
            },
            plan={
                "duration_ms": plan.duration_ns // MS,
                "host_tracer_level": plan.level,
                "device_trace": plan.device_trace,
                "warmup": plan.warmup_ns > 0,
                "max_bytes": plan.max_bytes,
            },
            window=WindowRecord(recording.sent_unix_ns, recording.received_unix_ns),
            clocks=tuple(clocks),
            sources=sources,
        )
    )
