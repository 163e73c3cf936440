"""The first line of a report whose trace holds nothing of a GPU: what it cannot know."""

from __future__ import annotations

from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.sampled.crosscheck import sampled_sources
from diag.analysis.sampled.placing import devices_of
from diag.analysis.sampled.processes import devices_of_server
from diag.analysis.sampled.untraced import sampled_share
from diag.analysis.sampled.words import source_name
from diag.model.availability import Caveat
from diag.model.capture import Capture
from diag.model.samples import SampleSeries

CODE = "no-device-plane"
_DEVICES_MAX = 4


def absent_device_caveat(capture: Capture, device: DeviceWork) -> Caveat | None:
    """The caveat ``no-device-plane``, or None if the trace holds device events.

    Args:
        capture: Its samples say what is known all the same.
        device: What the trace holds of the GPUs.
    """
    if device.devices:
        return None
    if device.silent:
        planes = len(device.silent)
        what = (
            f"The trace's {planes} GPU planes are empty"
            if planes > 1
            else "The trace's GPU plane is empty"
        )
        doubt = ", which a refused tracer and an unused GPU both leave behind"
    else:
        what, doubt = "The trace has no GPU plane", ""
    seen = _seen(capture)
    known = f"what a GPU did is only known from samples: {seen}." if seen else _nothing(capture)
    return Caveat(CODE, f"{what}{doubt}: idle time is that of model execution on the CPU; {known}")


def _seen(capture: Capture) -> str:
    """``NVML saw NVIDIA L4 (GPU 0) 63 % busy over the window``, and so on, or ""."""
    parts = []
    for source, series in sampled_sources(capture):
        devices = devices_of(series)
        served = devices_of_server(series)
        shares = [
            (f"{devices[index].name} (GPU {index})", share)
            for index in range(len(devices))
            if (not served or index in served)
            and (share := sampled_share(source, series, index)) is not None
        ]
        if shares:
            text = ", ".join(f"{name} {share:.0%} busy" for name, share in shares[:_DEVICES_MAX])
            more = len(shares) - _DEVICES_MAX
            parts.append(
                f"{source_name(source)} saw {text}{f' and {more} more' if more > 0 else ''}"
            )
    return f"{'; '.join(parts)} over the window" if parts else ""


def _nothing(capture: Capture) -> str:
    """What to say without samples; why there are none, if that is told."""
    samples = capture.gpu_samples
    if isinstance(samples, SampleSeries):
        return "what a GPU did is not known, nor did its samples give a utilization."
    if samples.reason.startswith("no NVIDIA driver"):
        return "what a GPU did is not known, and this machine has no NVIDIA driver."
    return "what a GPU did is not known."
