"""What limits the meaning of the numbers about GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.device.hardware import model_name
from diag.analysis.device.loss import is_counted
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.samples.clock_alignment import devices_of, name_of
from diag.analysis.samples.dcgm import is_engine_stuck
from diag.analysis.samples.untraced import gpus_requested
from diag.analysis.thresholds import MIN_OVERHEAD_RATIO, MIN_UNLINKED_RATIO
from diag.formats.trace import event_names as ev
from diag.model.agreement import SampledUtilization
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat, Fact, Limit
from diag.model.device import DeviceClock, DeviceLoss, DeviceSummary
from diag.model.samples import SampledDevice, SampleSeries
from diag.model.window import Window

# Dropped events as the tracer's own message (diag/formats/trace/capture.py).
_PLANES_MAX = 4
_UNCOUNTED = "dropped-events"


def find_device_caveats(
    capture: Capture,
    device: DeviceWork,
    summaries: tuple[DeviceSummary, ...],
    clock: DeviceClock | Unavailable,
    loss: DeviceLoss,
    utilization: tuple[SampledUtilization, ...] = (),
) -> Iterator[Caveat]:
    """All caveats that apply; those about missing GPUs first.

    Args:
        capture: Its samples.
        device: Device work in the trace.
        summaries: The same as totals.
        clock: How well the devices' clock was matched to the host's.
        loss: What the tracer reported as lost.
        utilization: As sampled.
    """
    yield from _about_other_devices(capture)
    if not device.devices:
        yield _about_planes(capture, device, loss, utilization)
    if loss.dropped:
        ends = [each.end_ns for each in device.devices if each.end_ns >= 0]
        yield Caveat(
            "device-events-dropped",
            (Limit.DEVICES, Limit.IDLE),
            (
                ("dropped_count", loss.dropped),
                ("reasons", loss.reasons),
                ("known_until_ns", max(ends) if ends else Unavailable("no event was kept")),
            ),
            "capture-shorter",
        )
    if isinstance(loss.overhead_ratio, float) and loss.overhead_ratio >= MIN_OVERHEAD_RATIO:
        facts = (("overhead_ratio", loss.overhead_ratio),)
        limits = (Limit.STAGES, Limit.IDLE, Limit.DEVICES)
        yield Caveat("profiler-overhead", limits, facts, "capture-again-warm")
    yield from _about_links(summaries, clock)
    yield from _about_engines(capture)


def _about_engines(capture: Capture) -> Iterator[Caveat]:
    """GPUs of which the exporter's own values contradict each other."""
    series = capture.dcgm_samples
    if not isinstance(series, SampleSeries):
        return
    stuck = [i for i in range(len(devices_of(series))) if is_engine_stuck(series, i)]
    if stuck:
        facts: tuple[tuple[str, Fact], ...] = (
            ("sampled_devices", tuple(name_of(series, index) for index in stuck)),
        )
        yield Caveat("dcgm-engine-stuck", (Limit.SAMPLES, Limit.DEVICES), facts, "restart-dcgm")


def _about_other_devices(capture: Capture) -> Iterator[Caveat]:
    """One where the trace has planes of devices that are no GPUs, such as TPUs."""
    others = [
        plane
        for plane in capture.planes
        if plane.name.startswith(ev.DEVICE_PLANE_PREFIX)
        and not plane.name.startswith(ev.GPU_PLANE_PREFIX)
    ]
    if not others:
        return
    told = (model_name(plane) for plane in others)
    models = dict.fromkeys(name for name in told if not isinstance(name, Unavailable))
    facts: tuple[tuple[str, Fact], ...] = (
        ("planes_count", len(others)),
        ("planes", tuple(plane.name for plane in others[:_PLANES_MAX])),
        ("models", tuple(models)[:_PLANES_MAX]),
        ("events_count", sum(len(plane.events) for plane in others)),
    )
    yield Caveat("device-not-analysed", (Limit.DEVICES, Limit.IDLE), facts)


def find_late_start(window: Window, traced: Window) -> Iterator[Caveat]:
    """One where GPUs were traced in a part of the window only."""
    if traced == window:
        return
    yield Caveat(
        "gpu-traced-late",
        (Limit.DEVICES, Limit.IDLE),
        (
            ("untraced_ns", traced.start_ns - window.start_ns),
            ("traced_ns", traced.duration_ns),
            ("window_ns", window.duration_ns),
        ),
        "capture-again-warm",
    )


def without_duplicates(capture: Capture) -> tuple[Caveat, ...]:
    """The capture's own caveats without ``dropped-events``, where the analysis counts them."""
    if not is_counted(capture):
        return capture.caveats
    return tuple(caveat for caveat in capture.caveats if caveat.code != _UNCOUNTED)


def _about_planes(
    capture: Capture,
    device: DeviceWork,
    loss: DeviceLoss,
    utilization: tuple[SampledUtilization, ...],
) -> Caveat:
    """No GPU plane holds an event: what is known of GPUs all the same."""
    access: tuple[str, Fact] = ("cupti_access", loss.access.value)
    busy: tuple[tuple[str, Fact], ...] = (
        ("sampled_sources", tuple(each.source for each in utilization)),
        ("sampled_devices", tuple(each.device for each in utilization)),
        ("busy_ratios", tuple(each.busy_ratio for each in utilization)),
        ("is_of_window", all(each.is_of_window for each in utilization)),
    )
    limits = (Limit.DEVICES, Limit.IDLE)
    remedy = "allow-gpu-tracing" if gpus_requested(capture) else "trace-gpus"
    if device.silent:
        facts: tuple[tuple[str, Fact], ...] = (("planes_count", len(device.silent)), *busy, access)
        return Caveat("gpu-planes-empty", limits, facts, remedy)
    by_source = _sampled_gpus(capture)
    count = max(map(len, by_source), default=0)
    if count or utilization:
        facts = (
            ("gpus_count", count or Unavailable("the samples name no GPU")),
            ("is_mig", any(gpu.is_mig for gpus in by_source for gpu in gpus)),
            *busy,
            access,
        )
        return Caveat("gpu-plane-missing", limits, facts, remedy)
    # A server without a GPU has no plane either: only an error or its threads show that one
    # was expected.
    is_expected = bool(loss.errors or loss.gpu_threads)
    return Caveat("no-device-plane", limits, (access,), remedy if is_expected else "")


def _sampled_gpus(capture: Capture) -> list[list[SampledDevice]]:
    """GPUs by source: whole ones, or the MIG slices of a source that lists only those."""
    return [
        [device for device in series.devices if not device.is_slice] or list(series.devices)
        for series in (capture.gpu_samples, capture.dcgm_samples)
        if isinstance(series, SampleSeries)
    ]


def _about_links(
    summaries: tuple[DeviceSummary, ...], clock: DeviceClock | Unavailable
) -> Iterator[Caveat]:
    if isinstance(clock, DeviceClock) and clock.early:
        yield Caveat(
            "device-clock-error",
            (Limit.CLOCKS, Limit.IDLE),
            (
                ("early_count", clock.early),
                ("linked_count", clock.linked),
                ("error_ns", clock.error_ns),
            ),
        )
    total = sum(each.kernels + each.copies + each.memsets for each in summaries)
    unlinked = sum(each.unlinked for each in summaries)
    if total and unlinked / total >= MIN_UNLINKED_RATIO:
        facts = (("unlinked_count", unlinked), ("events_count", total))
        limits = (Limit.STAGES, Limit.IDLE)
        yield Caveat("device-events-unlinked", limits, facts, "capture-longer-at-level-2")
