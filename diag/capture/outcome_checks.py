"""What a finished capture is worth: its caveats, and whether it counts as failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.capture.clocks import clock_bounds
from diag.capture.plan import SECOND
from diag.capture.recorded_traffic import RecordedTraffic, find_recorded_traffic
from diag.errors import EmptyCaptureError, RequiredSourceError
from diag.formats.trace.event_names import GPU_PLANE_PREFIX
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat, recorded_caveat

if TYPE_CHECKING:
    from pathlib import Path

    from diag.capture.plan import CapturePlan
    from diag.capture.recording_result import RecordingResult
    from diag.model.events import Space

_SOURCE_NAMES = {
    "host": "the server's CPU and memory",
    "gpu": "GPU samples",
    "dcgm": "the DCGM exporter's samples",
    "metrics": "the server's metrics",
    "server": "model status",
}


def caveats_of(result: RecordingResult, plan: CapturePlan) -> tuple[Caveat, ...]:
    """What the capture itself knows to limit the meaning of its numbers."""
    caveats = [
        recorded_caveat(f"no-{source}", f"Without {_SOURCE_NAMES[source]}: {reason}.")
        for source, reason in sorted(result.side_sources.missing().items())
        if not (source == "metrics" and plan.metrics == "off")
    ]
    if result.side_sources.agent is not None:
        caveats += result.side_sources.agent.caveats()
    caveats += _cuts(result)
    if result.interrupted:
        text = "The recording was ended early, by Ctrl-C or a signal."
        caveats.append(recorded_caveat("interrupted", text))
    if result.side_sources.models_changed:
        text = "A model's versions or their states changed during the recording."
        caveats.append(recorded_caveat("models-changed", text))
    bounds = clock_bounds(result.recording, result.space)
    if isinstance(bounds, Unavailable):
        text = f"The server's clock cannot be related to this machine's: {bounds.reason}."
        caveats.append(recorded_caveat("clock-unknown", text))
    size_bytes = len(result.recording.xspace or b"")
    if size_bytes > plan.max_bytes:
        text = f"The trace has {size_bytes:,} bytes, more than the {plan.max_bytes:,} planned."
        caveats.append(recorded_caveat("trace-larger-than-planned", text))
    return tuple(caveats)


def _cuts(result: RecordingResult) -> list[Caveat]:
    """Samples that end before the window does; those of an agent that broke off are known."""
    texts = []
    for source, series in sorted(result.side_sources.series.items()):
        if isinstance(series, Unavailable):
            continue
        is_agents = series.taken_by != "diag" and source != "dcgm"
        if "samples" in series.missing and not is_agents:
            texts.append(f"{source} samples: {series.missing['samples']}.")
        texts += [
            f"GPU {index} ({device.name}): {series.missing[f'{index}:samples']}."
            for index, device in enumerate(series.devices)
            if f"{index}:samples" in series.missing
        ]
    return (
        [recorded_caveat("samples-cut", f"Samples end early. {' '.join(texts)}")] if texts else []
    )


def check_required(missing: dict[str, str], plan: CapturePlan, bundle: Path | None) -> None:
    """Refuse if a source that was required is missing.

    Args:
        missing: Reason by source.
        plan: Names what is required.
        bundle: What was written all the same; None if nothing was recorded yet.

    Raises:
        RequiredSourceError: One is.
    """
    absent = sorted(plan.require & missing.keys())
    if not absent:
        return
    kept = f"the rest is in {bundle}" if bundle else "so the server was not profiled"
    raise RequiredSourceError(
        f"--require {','.join(absent)}: not available, {kept}",
        cause="; ".join(f"{source}: {missing[source]}" for source in absent),
        hint=f"diag analyze {bundle}" if bundle else "remedy the cause, or leave --require out",
    )


def find_untraced(space: Space) -> dict[str, str]:
    """``device-trace`` and why, if the trace holds no event of a GPU.

    A tracer that is refused fails no recording: the trace comes without its GPUs.
    """
    planes = [plane for plane in space.planes if plane.name.startswith(GPU_PLANE_PREFIX)]
    if any(len(plane.events) for plane in planes):
        return {}
    reason = "no GPU plane of the trace holds an event" if planes else "the trace has no GPU plane"
    said = f" (the server's tracer said: {space.errors[0]})" if space.errors else ""
    return {"device-trace": f"{reason}{said}"}


def check_content(result: RecordingResult, plan: CapturePlan, bundle: Path) -> None:
    """Refuse a window without a whole request.

    Raises:
        EmptyCaptureError: With the likely reason, and the bundle that was written all the same.
    """
    traffic = find_recorded_traffic(result.space, plan.host_tracer_level)
    if traffic is RecordedTraffic.REQUESTS:
        return
    window_s = f"{plan.duration_ns / SECOND:g} s"
    kept = f"what was recorded is in {bundle}"
    if traffic is RecordedTraffic.PARTS:
        longer_s = min(10.0, 5 * plan.duration_ns / SECOND)
        raise EmptyCaptureError(
            f"no request began and ended within the {window_s} recorded; {kept}",
            cause="parts of requests were seen, but only whole ones are recorded: they take longer "
            "than the window",
            hint=f"diag capture --server {plan.server} --duration {longer_s:g}s",
        )
    if traffic is RecordedTraffic.HIDDEN:
        raise EmptyCaptureError(
            f"requests are not recorded at tracer level 1 unless they are batched; {kept}",
            cause=_hidden_text(result.side_sources.requests_counted(), window_s),
            hint=f"diag capture --server {plan.server} --host-tracer-level 2",
        )
    raise EmptyCaptureError(
        f"the {window_s} recorded hold no request; {kept}",
        cause="the server had nothing to do in that time",
        hint=f"diag capture --server {plan.server} --wait-for-traffic",
    )


def _hidden_text(counted: int | Unavailable, window_s: str) -> str:
    at_work = f"the server was at work in the {window_s} recorded"
    if isinstance(counted, Unavailable):
        return f"{at_work}, on an unknown number (no count by its metrics: {counted.reason})"
    return f"{at_work}; its own request_count rose by {counted} from just before to just after"
