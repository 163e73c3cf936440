"""Sentences about GPUs: missing planes, lost events, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.quantity import duration, number
from diag.report.wording.names import and_more, counted, sampled_time, sentence, source_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.wording.facts import Facts

_DEVICES_MAX = 4
_NO_PLANE = "the trace has no GPU plane, so idle time is that of model execution on the CPU."


def _gpu_planes_empty(facts: Facts) -> str:
    planes = counted(facts.count("planes_count"), "GPU plane")
    return (
        f"The trace has {planes} without any event: the GPU was not used, or could not be traced. "
        f"{_utilization(facts, 'is not known')}"
    )


def _gpu_plane_missing(facts: Facts) -> str:
    gpus = "GPUs were"
    if facts.has("gpus_count"):
        count = facts.count("gpus_count")
        gpus = f"{counted(count, 'GPU')} {'was' if count == 1 else 'were'}"
    reason = "no utilization was sampled"
    if facts.flag("is_mig"):
        reason = "NVML gives no utilization in MIG mode"
    unknown = f"is not known, because {reason}"
    return f"{gpus} sampled, but {_NO_PLANE} {_utilization(facts, unknown)}"


def _utilization(facts: Facts, unknown: str) -> str:
    """What the samples say, by source; ``unknown`` completes the sentence if they say nothing."""
    by_source: dict[str, list[str]] = {}
    for source, device, ratio in zip(
        facts.texts("sampled_sources"),
        facts.texts("sampled_devices"),
        facts.values("busy_ratios"),
        strict=True,
    ):
        by_source.setdefault(source, []).append(f"{device} {ratio:.0%}")
    if not by_source:
        return f"What a GPU did {unknown}."
    time = sampled_time(is_of_window=facts.flag("is_of_window"))
    parts = (
        f"by {source_name(source)}: {and_more(devices, _DEVICES_MAX)}"
        for source, devices in by_source.items()
    )
    return f"Sampled utilization {time}, {'; '.join(parts)}."


def _dcgm_engine_stuck(facts: Facts) -> str:
    devices = and_more(list(facts.texts("sampled_devices")), _DEVICES_MAX)
    return (
        f"Two values of the DCGM exporter contradict each other on {devices}: GR_ENGINE_ACTIVE is "
        "0 all the time, although GPU_UTIL shows work. DCGM's profiling module has stopped, so "
        "that GPU_UTIL is used, and other profiling values of this GPU are not to be trusted."
    )


def _no_device_plane(_: Facts) -> str:
    return f"{sentence(_NO_PLANE)} What a GPU did is not known."


def _device_events_dropped(facts: Facts) -> str:
    reasons = "; ".join(facts.texts("reasons"))
    end = ""
    if facts.has("known_until_ns"):
        end = f", and nothing is known after {duration(facts.value('known_until_ns'))}"
    return (
        f"The GPU tracer lost {counted(facts.count('dropped_count'), 'event')} ({reasons}): device "
        f"time is a lower bound{end}."
    )


def _profiler_overhead(facts: Facts) -> str:
    return (
        f"The GPU tracer itself took {facts.value('overhead_ratio'):.0%} of the window: times and "
        "gaps are longer than without it."
    )


def _device_not_analysed(facts: Facts) -> str:
    planes, models = facts.texts("planes"), facts.texts("models")
    count = facts.count("planes_count")
    names = ", ".join(planes) + (f" and {count - len(planes)} more" if count > len(planes) else "")
    of = f" ({', '.join(models)})" if models else ""
    return (
        f"The trace has {counted(count, 'plane')} of devices that are no GPUs: {names}{of}, with "
        f"{counted(facts.count('events_count'), 'event')}. diag does not analyse them: how busy "
        "they were is not known."
    )


def _gpu_traced_late(facts: Facts) -> str:
    untraced, window = facts.value("untraced_ns"), facts.value("window_ns")
    return (
        f"GPUs were traced in the last {duration(facts.value('traced_ns'))} of the window only: "
        f"what they did in the first {duration(untraced)} ({untraced / window:.0%}) is not known. "
        "Shares of GPU time are of the traced part."
    )


def _device_clock_error(facts: Facts) -> str:
    return (
        f"{number(facts.count('early_count'))} of "
        f"{counted(facts.count('linked_count'), 'device event')} seem to begin before the host "
        f"launched them, by up to {duration(facts.value('error_ns'))}: the GPU's clock is off by "
        "at least that, and causes of shorter gaps are not certain. Times are shown as recorded."
    )


def _device_events_unlinked(facts: Facts) -> str:
    unlinked, events = facts.count("unlinked_count"), facts.count("events_count")
    return (
        f"{number(unlinked)} of {counted(events, 'device event')} ({unlinked / events:.0%}) belong "
        "to no recorded run: they count as busy time of their GPU, but in no stage of a request."
    )


DEVICE_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "gpu-planes-empty": _gpu_planes_empty,
    "gpu-plane-missing": _gpu_plane_missing,
    "no-device-plane": _no_device_plane,
    "dcgm-engine-stuck": _dcgm_engine_stuck,
    "device-events-dropped": _device_events_dropped,
    "profiler-overhead": _profiler_overhead,
    "device-not-analysed": _device_not_analysed,
    "gpu-traced-late": _gpu_traced_late,
    "device-clock-error": _device_clock_error,
    "device-events-unlinked": _device_events_unlinked,
}
