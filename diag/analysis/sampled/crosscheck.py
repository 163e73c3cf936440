"""The cross-check: does the trace account for the utilization that was sampled?

Every source is checked by itself, each GPU at the source's own resolution. A sampler averages over
its period, so it confirms or contradicts a window and never explains a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.sampled.clock_alignment import Placed, devices_of, place
from diag.analysis.sampled.comparison import Comparison, compare, ends_early
from diag.analysis.sampled.dcgm import dcgm_readings
from diag.analysis.sampled.messages import describe_checked, describe_unchecked, no_overlap_reason
from diag.analysis.sampled.nvml import nvml_readings
from diag.analysis.sampled.pairing import pair, pair_by_uuid
from diag.analysis.sampled.processes import NOBODY, Occupants, occupants, share_of
from diag.analysis.sampled.readings import Readings
from diag.analysis.sampled.untraced import check_untraced
from diag.analysis.thresholds import AGREE_MAX_RATIO, OTHERS_EXPLAIN_RATIO
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import Agreement, AgreementKind, DeviceClock, DeviceLoss, OtherProcess
from diag.model.samples import SampleSeries


def cross_check(
    capture: Capture, device: DeviceWork, clock: DeviceClock | Unavailable, loss: DeviceLoss
) -> tuple[Agreement, ...]:
    """One entry a device and source; none where nothing was sampled.

    Args:
        capture: Its samples and clocks.
        device: What the trace holds of the GPUs.
        clock: How well their clock was matched to the host's.
        loss: What the tracer said it lost.
    """
    found: list[Agreement] = []
    for source, series in sampled_sources(capture):
        if device.devices:
            check = _Check(capture, source, series, clock, loss)
            found += check.agreements(device.devices)
        else:
            told = any(each.kind is AgreementKind.PLANE_MISSING for each in found)
            found += check_untraced(capture, source, series, loss, with_fixes=not told)
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
        """One entry a GPU plane."""
        pairing = self._pairing(devices)
        placed = place(self.capture, self.series, self.clock)
        if isinstance(pairing, Unavailable):
            return [self._unchecked(each, pairing.reason, placed) for each in devices]
        return [self._checked(each, pairing[each.name], placed) for each in devices]

    def _pairing(self, devices: tuple[Device, ...]) -> dict[str, int] | Unavailable:
        """Index in the series by plane; NVML may have seen the server's process for an exporter."""
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
        self, device: Device, reason: str, placed: Placed | Unavailable, others: Occupants = NOBODY
    ) -> Agreement:
        return Agreement(
            device=device.name,
            source=self.source,
            kind=AgreementKind.TOO_COARSE,
            traced_ratio=Unavailable(reason),
            sampled_ratio=Unavailable(reason),
            tolerance_ratio=Unavailable(reason),
            overlap_ns=0,
            resolution_ns=Unavailable(reason),
            clock_error_ns=placed if isinstance(placed, Unavailable) else placed.error_ns,
            others=others.rest if others.knows_server else (),
            text=describe_unchecked(self.source, device.name, reason),
        )

    def _checked(self, device: Device, index: int, placed: Placed | Unavailable) -> Agreement:
        seen = self._occupants(index)
        if isinstance(placed, Unavailable):
            return self._unchecked(device, placed.reason, placed, seen)
        read = dcgm_readings if self.source == "dcgm" else nvml_readings
        readings = read(placed, index)
        inside = readings.within(self.capture.window)
        if not len(inside):
            reason = no_overlap_reason(readings, self.capture.window)
            unchecked = self._unchecked(device, reason, placed, seen)
            return replace(unchecked, resolution_ns=readings.resolution_ns)
        result = compare(inside, device.kernels, device.memsets, self.capture.window)
        kind, blamed = self._judge(device, inside, result, seen)
        return Agreement(
            device=device.name,
            source=self.source,
            kind=kind,
            traced_ratio=result.traced,
            sampled_ratio=result.sampled,
            tolerance_ratio=result.tolerance,
            overlap_ns=result.overlap_ns,
            resolution_ns=inside.resolution_ns,
            clock_error_ns=placed.error_ns,
            others=seen.rest if seen.knows_server else blamed,
            text=describe_checked(
                kind, self.source, device.name, inside, result, seen, blamed, self.loss
            ),
        )

    def _occupants(self, index: int) -> Occupants:
        """Those that NVML saw; an exporter knows none, NVML may of the same GPU."""
        if self.source != "dcgm":
            return occupants(self.series, index)
        nvml, own = self.capture.gpu_samples, devices_of(self.series)[index].uuid
        if isinstance(nvml, SampleSeries) and own:
            for i, device in enumerate(nvml.devices):
                if device.uuid == own:
                    return occupants(nvml, i)
        return NOBODY

    def _judge(
        self, device: Device, readings: Readings, result: Comparison, seen: Occupants
    ) -> tuple[AgreementKind, tuple[OtherProcess, ...]]:
        """The outcome, and whom the sampled excess is put down to."""
        if result.excess > AGREE_MAX_RATIO:
            blamed = _to_blame(seen, result, self.loss)
            if sum(map(share_of, blamed)) >= OTHERS_EXPLAIN_RATIO * result.excess:
                return AgreementKind.OTHER_PROCESS, blamed
            early = ends_early(
                readings, device.kernels, device.memsets, device.end_ns, self.capture.window
            )
            if self.loss.dropped or early:
                return AgreementKind.TRACE_TRUNCATED, ()
            return AgreementKind.DISAGREE, ()
        if result.deficit > AGREE_MAX_RATIO:
            return AgreementKind.DISAGREE, ()
        return AgreementKind.TOO_COARSE if result.says_nothing else AgreementKind.AGREE, ()


def _to_blame(seen: Occupants, result: Comparison, loss: DeviceLoss) -> tuple[OtherProcess, ...]:
    """Processes at work that are surely not the server.

    Where its own is not known, one that was sampled far busier than a whole trace is not it only if
    another was at work too that the trace can be of.
    """
    if seen.knows_server:
        return seen.at_work
    if loss.dropped:
        return ()
    busier = [each for each in seen.at_work if share_of(each) > result.traced + result.tolerance]
    return tuple(busier) if len(busier) < len(seen.at_work) else ()
