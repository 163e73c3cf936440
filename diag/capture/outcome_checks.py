"""Checks of a finished capture: its caveats, and whether it counts as failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.capture.clocks import clock_bounds
from diag.capture.plan import DURATION_MAX_NS, SECOND
from diag.capture.recorded_traffic import RecordedTraffic, find_recorded_traffic
from diag.errors import EmptyCaptureError, RequiredSourceError
from diag.formats.bundle.manifest import CaveatRecord
from diag.formats.trace.event_names import GPU_PLANE_PREFIX
from diag.formats.trace.program import find_program
from diag.model.availability import Unavailable
from diag.model.program import PROGRAM_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from diag.capture.plan import CapturePlan
    from diag.capture.recording_result import RecordingResult
    from diag.model.events import Space
    from diag.model.program import Program

_SOURCE_NAMES = {
    "host": "host samples",
    "gpu": "GPU samples",
    "dcgm": "DCGM exporter samples",
    "metrics": "server metrics",
    "server": "model status",
}


def caveats_of(result: RecordingResult, plan: CapturePlan) -> tuple[CaveatRecord, ...]:
    """What the capture itself knows to limit the meaning of its numbers, for the manifest."""
    expected = set(_SOURCE_NAMES)
    if _program(result).may_loop:
        expected -= {"metrics", "server"}  # which only a server has
    elif plan.metrics == "off":
        expected.discard("metrics")
    caveats = [
        CaveatRecord(f"no-{source}", f"No {_SOURCE_NAMES[source]}: {reason}.")
        for source, reason in sorted(result.side_sources.missing().items())
        if source in expected
    ]
    if result.side_sources.agent is not None:
        caveats += result.side_sources.agent.caveats()
    caveats += _shortened_samples(result)
    if result.interrupted:
        text = "The recording was ended early, by Ctrl-C or a signal."
        caveats.append(CaveatRecord("interrupted", text))
    changes = result.side_sources.model_changes
    if changes:
        text = f"A model version was loaded or unloaded during the recording: {changes}."
        caveats.append(CaveatRecord("models-changed", text))
    refused = result.side_sources.refused_calls
    if refused:
        calls = "1 call" if refused == 1 else f"{refused} calls"
        text = (
            f"The server refused {calls} of this capture because all its gRPC threads were in use; "
            "requests of clients are refused likewise, and a capture itself takes one thread."
        )
        caveats.append(CaveatRecord("grpc-threads-exhausted", text))
    bounds = clock_bounds(result.recording, result.space)
    if isinstance(bounds, Unavailable):
        text = (
            f"The offset between the server's clock and this machine's is unknown: {bounds.reason}."
        )
        caveats.append(CaveatRecord("clock-unknown", text))
    size_bytes = len(result.recording.xspace)
    if size_bytes > plan.max_bytes:
        text = f"The trace has {size_bytes:,} bytes, more than the limit of {plan.max_bytes:,}."
        caveats.append(CaveatRecord("trace-larger-than-planned", text))
    return tuple(caveats)


def _shortened_samples(result: RecordingResult) -> list[CaveatRecord]:
    """Sources whose samples end before the window; an agent's loss has a caveat of its own."""
    texts = []
    for source, series in sorted(result.side_sources.series.items()):
        if isinstance(series, Unavailable):
            continue
        by_agent = series.taken_by != "diag" and source != "dcgm"
        if "samples" in series.missing and not by_agent:
            texts.append(f"{source} samples: {series.missing['samples']}.")
        texts += [
            f"GPU {index} ({device.name}): {series.missing[f'{index}:samples']}."
            for index, device in enumerate(series.devices)
            if f"{index}:samples" in series.missing
        ]
    if not texts:
        return []
    return [CaveatRecord("samples-cut", f"Samples end early. {' '.join(texts)}")]


def check_required(missing: Mapping[str, str], plan: CapturePlan, bundle: Path | None) -> None:
    """Fail if a required source is missing.

    Args:
        missing: Reason by missing source.
        plan: Names the required sources.
        bundle: The bundle that was written, or the name of the file object that got it; None if
            nothing has been recorded yet.

    Raises:
        RequiredSourceError: A required source is missing.
    """
    absent = sorted(plan.require & missing.keys())
    if not absent:
        return
    kept = f"all other parts are in {bundle}" if bundle else "so the server was not profiled"
    raise RequiredSourceError(
        f"required by `require` but not available: {', '.join(absent)}; {kept}",
        cause="; ".join(f"{source}: {missing[source]}" for source in absent),
        hint="fix the cause, or require fewer sources",
        parameter="require",
        bundle=bundle,
    )


def find_untraced(space: Space) -> dict[str, str]:
    """``device-trace`` and a reason if the trace holds no GPU event, else nothing.

    A server whose GPU tracer fails still records: its trace then lacks the GPUs.
    """
    planes = [plane for plane in space.planes if plane.name.startswith(GPU_PLANE_PREFIX)]
    if any(len(plane.events) for plane in planes):
        return {}
    reason = "no GPU plane of the trace holds an event" if planes else "the trace has no GPU plane"
    error = f" (error of the server's tracer: {space.errors[0]})" if space.errors else ""
    return {"device-trace": f"{reason}{error}"}


def check_content(result: RecordingResult, plan: CapturePlan, bundle: Path) -> None:
    """Fail if the window holds neither a whole request nor a Python program's calls of a model.

    Args:
        result: What was recorded.
        plan: The plan it was recorded by.
        bundle: The bundle that was written, or the name of the file object that got it.

    Raises:
        EmptyCaptureError: With the likely reason and the bundle's path. Not if the server's metrics
            count requests of which the trace shows none.
    """
    program = _program(result)
    traffic = find_recorded_traffic(result.space, plan.host_tracer_level, program)
    if traffic in (RecordedTraffic.REQUESTS, RecordedTraffic.LOOP):
        return
    window_s = f"{plan.duration_ns / SECOND:g} s"
    kept = f"the recording is in {bundle}"
    if traffic is RecordedTraffic.FOREIGN:
        raise EmptyCaptureError(
            f"no request in the {window_s} recorded; {kept}",
            cause=f"the process is no model server but {PROGRAM_NAMES[program.kind]}",
            hint="give the address of the serving replica",
            bundle=bundle,
        )
    if traffic is RecordedTraffic.PARTS:
        longer_ns = min(DURATION_MAX_NS, 5 * plan.duration_ns)
        raise EmptyCaptureError(
            f"no request began and ended within the {window_s} recorded; {kept}",
            cause="requests take longer than the recording: it holds only parts of requests",
            hint=f"record longer than the slowest request, for example {longer_ns / SECOND:g} s",
            retry={"duration_ns": longer_ns},
            bundle=bundle,
        )
    if traffic is RecordedTraffic.HIDDEN:
        raise EmptyCaptureError(
            f"host tracer level 1 does not record requests without batching; {kept}",
            cause=_hidden_text(result.side_sources.requests_counted(), window_s),
            hint="record with `host_tracer_level` 2",
            retry={"host_tracer_level": 2},
            bundle=bundle,
        )
    counted = result.side_sources.requests_counted()
    if isinstance(counted, int) and counted > 0:
        return  # they left no event, as failed requests may: the report says what was counted
    if plan.wait_for_traffic:
        longer_ns = min(DURATION_MAX_NS, 5 * plan.duration_ns)
        raise EmptyCaptureError(
            f"no request in the {window_s} recorded; {kept}",
            cause="a request came before the recording, and none during it",
            hint="requests are rare: record longer",
            retry={"duration_ns": longer_ns},
            bundle=bundle,
        )
    raise EmptyCaptureError(
        f"no request in the {window_s} recorded; {kept}",
        cause="the server was idle during the recording",
        hint="wait for requests before recording (`wait_for_traffic`)",
        retry={"wait_for_traffic": True},
        bundle=bundle,
    )


def _program(result: RecordingResult) -> Program:
    return find_program(result.space.planes, is_server=result.side_sources.is_model_server)


def _hidden_text(counted: int | Unavailable, window_s: str) -> str:
    busy = f"the server worked during the {window_s} recorded"
    if isinstance(counted, Unavailable):
        return f"{busy}, on an unknown number of requests (request_count: {counted.reason})"
    return f"{busy}; its request_count rose by {counted} from just before to just after"
