"""What limits the meaning of all that is said of GPUs, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.cupti_access import fix_for, numbered_fixes
from diag.analysis.device.loss import is_counted
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.thresholds import MIN_OVERHEAD_RATIO, MIN_UNLINKED_RATIO
from diag.model.availability import Caveat, Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock, DeviceLoss, DeviceSummary
from diag.model.samples import SampledDevice, SampleSeries

# Dropped events in the tracer's own words (diag/formats/trace/capture.py).
_UNCOUNTED = "dropped-events"


def find_device_caveats(
    capture: Capture,
    device: DeviceWork,
    summaries: tuple[DeviceSummary, ...],
    clock: DeviceClock | Unavailable,
    loss: DeviceLoss,
    seen: str = "",
) -> Iterator[Caveat]:
    """All that apply, what is missing altogether first.

    Args:
        capture: Its samples.
        device: What the trace holds of the GPUs.
        summaries: The same as totals.
        clock: How well their clock was matched to the host's.
        loss: What the tracer said it lost.
        seen: What samples saw of their utilization, as half a sentence.
    """
    yield from _about_planes(capture, device, loss, seen)
    if loss.dropped:
        yield Caveat(
            "device-events-dropped",
            f"The GPU tracer lost {loss.dropped:,} events ({'; '.join(loss.reasons)}): device time "
            f"is a lower bound{_after(device)}. Capture a shorter window, or under less load.",
        )
    if isinstance(loss.overhead_ratio, float) and loss.overhead_ratio >= MIN_OVERHEAD_RATIO:
        yield Caveat(
            "profiler-overhead",
            f"The GPU tracer's own work took {loss.overhead_ratio:.0%} of the window: times and "
            "gaps are longer than without it. Capture again: the first capture of a server pays "
            "for starting CUPTI.",
        )
    yield from _about_links(summaries, clock)


def without_duplicates(capture: Capture) -> tuple[Caveat, ...]:
    """The capture's own caveats, without what ``device-events-dropped`` says with numbers."""
    if not is_counted(capture):
        return capture.caveats
    return tuple(caveat for caveat in capture.caveats if caveat.code != _UNCOUNTED)


def _about_planes(
    capture: Capture, device: DeviceWork, loss: DeviceLoss, seen: str
) -> Iterator[Caveat]:
    if device.devices:
        return
    if device.silent:
        count = len(device.silent)
        yield Caveat(
            "gpu-planes-empty",
            f"The trace has {count} GPU plane{'s' * (count > 1)} without any event: the GPU was "
            "not used, or its tracer was refused; what it did is "
            f"{_known(seen) if seen else 'not known'}. {_advice(loss)}",
        )
        return
    sampled = (capture.gpu_samples, capture.dcgm_samples)
    gpus = [_gpus(series) for series in sampled if isinstance(series, SampleSeries)]
    count = max(map(len, gpus), default=0)
    if count or seen:
        is_mig = any(gpu.is_mig for each in gpus for gpu in each)
        some = f"{count} GPU{'s' * (count > 1)}" if count else "GPUs"
        yield Caveat(
            "gpu-plane-missing",
            f"{some} could be sampled, but the trace has no GPU plane: "
            f"idle time is that of model execution on the CPU; what a GPU did is "
            f"{_known(seen, is_mig=is_mig)}. {_advice(loss)}",
        )
        return
    told = f" {_advice(loss)}" if loss.errors else ""
    yield Caveat(
        "no-device-plane",
        "The trace has no GPU plane: idle time is that of model execution on the CPU; what a "
        f"GPU did is not known.{told}",
    )


def _gpus(series: SampleSeries) -> list[SampledDevice]:
    """Whole ones; of a series that names slices alone, those."""
    whole = [device for device in series.devices if not device.is_slice]
    return whole or list(series.devices)


def _known(seen: str, *, is_mig: bool = False) -> str:
    if seen:
        return f"known from samples alone: {seen}"
    why = "in MIG mode NVML gives no utilization" if is_mig else "no utilization was sampled"
    return f"not known, for {why}"


def _advice(loss: DeviceLoss) -> str:
    return fix_for(loss.errors) or (
        "If CUPTI was refused (CUPTI_ERROR_INSUFFICIENT_PRIVILEGES in the server's log) or is "
        f"taken: {numbered_fixes()}."
    )


def _after(device: DeviceWork) -> str:
    ends = [each.end_ns for each in device.devices if each.end_ns >= 0]
    return f", and nothing is known after {max(ends) / 1e9:.2f} s" if ends else ""


def _about_links(
    summaries: tuple[DeviceSummary, ...], clock: DeviceClock | Unavailable
) -> Iterator[Caveat]:
    if isinstance(clock, DeviceClock) and clock.early:
        yield Caveat(
            "device-clock-error",
            f"{clock.early:,} of {clock.linked:,} device events seem to begin before the host "
            f"launched them, by up to {clock.error_ns / 1e3:.1f} µs: the GPU's clock is off by at "
            "least that, and nothing finer can be said of host and GPU together. Times are shown "
            "as recorded.",
        )
    total = sum(each.kernels + each.copies + each.memsets for each in summaries)
    unlinked = sum(each.unlinked for each in summaries)
    if total and unlinked / total >= MIN_UNLINKED_RATIO:
        yield Caveat(
            "device-events-unlinked",
            f"{unlinked:,} of {total:,} device events ({unlinked / total:.0%}) belong to no "
            "recorded run: they keep their GPU busy, but no request's stages hold them. Runs that "
            "an edge of the window cut, work outside any run, or tracer level 1 do that; capture "
            "for longer, at --host-tracer-level 2.",
        )
