"""The cross-check: does the trace account for the utilization that was sampled?

Each source is checked by itself, each GPU at the source's own resolution. A sampler averages over
its period, so it confirms or contradicts a window and never explains a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.samples.clock_alignment import AlignedSeries, align, devices_of
from diag.analysis.samples.comparison import Comparison, compare
from diag.analysis.samples.dcgm import dcgm_readings
from diag.analysis.samples.nvml import nvml_readings
from diag.analysis.samples.outcome import judge
from diag.analysis.samples.pairing import pair, pair_by_uuid
from diag.analysis.samples.processes import NO_PROCESSES, DeviceProcesses, processes_on
from diag.analysis.samples.readings import Readings
from diag.analysis.samples.untraced import check_untraced
from diag.model.agreement import Agreement, AgreementKind, AgreementReason
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock, DeviceLoss
from diag.model.samples import SampleSeries


def cross_check(
    capture: Capture, device: DeviceWork, clock: DeviceClock | Unavailable, loss: DeviceLoss
) -> tuple[Agreement, ...]:
    """One entry for each device and source; none where nothing was sampled.

    Args:
        capture: Its samples and clocks.
        device: Device work in the trace.
        clock: How well the devices' clock was matched to the host's.
        loss: What the tracer reported as lost.
    """
    found: list[Agreement] = []
    for source, series in sampled_sources(capture):
        if device.devices:
            check = _Check(capture, source, series, clock, loss)
            found += check.agreements(device.devices)
        else:
            found += check_untraced(capture, source, series, loss)
    return tuple(found)


def sampled_sources(capture: Capture) -> Iterator[tuple[str, SampleSeries]]:
    """The sources that sampled GPUs: ``nvml`` or ``agent``, and ``dcgm``."""
    if isinstance(capture.gpu_samples, SampleSeries):
        series = capture.gpu_samples
        yield "nvml" if series.taken_by == "diag" else "agent", series
    if isinstance(capture.dcgm_samples, SampleSeries):
        yield "dcgm", capture.dcgm_samples


@dataclass(frozen=True, slots=True)
class _Check:
    """One source against a trace that holds device work."""

    capture: Capture
    source: str
    series: SampleSeries
    clock: DeviceClock | Unavailable
    loss: DeviceLoss

    def agreements(self, devices: tuple[Device, ...]) -> list[Agreement]:
        """One entry for each GPU plane."""
        pairing = self._pairing(devices)
        aligned = align(self.capture, self.series, self.clock)
        if isinstance(pairing, Unavailable):
            reason = AgreementReason.NOT_PAIRED
            return [self._unchecked(each, reason, pairing, aligned) for each in devices]
        return [self._checked(each, pairing[each.name], aligned) for each in devices]

    def _pairing(self, devices: tuple[Device, ...]) -> dict[str, int] | Unavailable:
        """Index in the series by plane; an exporter's GPUs may be known by NVML's."""
        planes = tuple(each.plane for each in devices)
        nvml = self.capture.gpu_samples
        if self.source == "dcgm" and isinstance(nvml, SampleSeries):
            known = pair(planes, nvml)
            if isinstance(known, dict):
                known = pair_by_uuid(known, nvml, self.series)
            if isinstance(known, dict):
                return known
        return pair(planes, self.series)

    def _unchecked(
        self,
        device: Device,
        reason: AgreementReason,
        why: Unavailable,
        aligned: AlignedSeries | Unavailable,
        others: DeviceProcesses = NO_PROCESSES,
    ) -> Agreement:
        """Nothing could be compared; ``why`` says it in each ratio's place."""
        return Agreement(
            device=device.name,
            source=self.source,
            kind=AgreementKind.TOO_COARSE,
            reason=reason,
            traced_ratio=why,
            sampled_ratio=why,
            tolerance_ratio=why,
            doubt_ratio=why,
            overlap_ns=0,
            resolution_ns=why,
            averaging=why,
            clock_error_ns=aligned if isinstance(aligned, Unavailable) else aligned.error_ns,
            others=others.rest if others.knows_server else (),
            remedy="capture-longer" if reason is AgreementReason.NO_SAMPLE_IN_WINDOW else "",
        )

    def _checked(
        self, device: Device, index: int, aligned: AlignedSeries | Unavailable
    ) -> Agreement:
        on_device = self._occupants(index)
        if isinstance(aligned, Unavailable):
            reason = AgreementReason.CLOCK_NOT_RELATED
            return self._unchecked(device, reason, aligned, aligned, on_device)
        read = dcgm_readings if self.source == "dcgm" else nvml_readings
        readings = read(aligned, index)
        inside = readings.within(self.capture.window)
        if len(inside):
            result = compare(inside, device.kernels, device.memsets, self.capture.window)
            return self._compared(device, inside, result, on_device, aligned)
        reason, why = _no_overlap_reason(readings)
        return replace(
            self._unchecked(device, reason, why, aligned, on_device),
            resolution_ns=readings.resolution_ns,
            averaging=readings.averaging,
        )

    def _compared(
        self,
        device: Device,
        readings: Readings,
        result: Comparison,
        on_device: DeviceProcesses,
        aligned: AlignedSeries,
    ) -> Agreement:
        outcome = judge(device, readings, result, on_device, self.loss, self.capture.window)
        is_blame = outcome.kind is AgreementKind.OTHER_PROCESS
        blamed = outcome.involved if is_blame else ()
        return Agreement(
            device=device.name,
            source=self.source,
            kind=outcome.kind,
            reason=outcome.reason,
            traced_ratio=result.traced,
            sampled_ratio=result.sampled,
            tolerance_ratio=result.tolerance,
            doubt_ratio=result.width,
            overlap_ns=result.overlap_ns,
            resolution_ns=readings.resolution_ns,
            averaging=readings.averaging,
            clock_error_ns=aligned.error_ns,
            others=on_device.rest if on_device.knows_server else blamed,
            involved=outcome.involved,
            dropped_events=self.loss.dropped,
            remedy=outcome.remedy,
        )

    def _occupants(self, index: int) -> DeviceProcesses:
        """The processes that NVML saw; an exporter lists none, but NVML may for the same GPU."""
        if self.source != "dcgm":
            return processes_on(self.series, index)
        nvml, own = self.capture.gpu_samples, devices_of(self.series)[index].uuid
        if isinstance(nvml, SampleSeries) and own:
            for i, device in enumerate(nvml.devices):
                if device.uuid == own:
                    return processes_on(nvml, i)
        return NO_PROCESSES


def _no_overlap_reason(readings: Readings) -> tuple[AgreementReason, Unavailable]:
    """Why no reading lies in the window."""
    if isinstance(readings.averaging, Unavailable):
        return AgreementReason.NOT_SAMPLED, readings.averaging
    return AgreementReason.NO_SAMPLE_IN_WINDOW, Unavailable("no sample lies within the window")
