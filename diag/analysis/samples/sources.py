"""Each source of samples summarized over the window: host, NVML and DCGM."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.samples.devices import DeviceSamples, summarize_sampled_devices
from diag.analysis.samples.fields import FieldSummary, summarize_fields
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.samples import SamplerCost, SampleSeries


@dataclass(frozen=True, slots=True)
class MissingField:
    """A field that the source could not sample.

    Attributes:
        field: Its name.
        device: Index of the device without it; -1 for all of them, and for host samples.
        reason: As the sampler recorded it.
    """

    field: str
    device: int
    reason: str


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One source of samples over the window.

    Attributes:
        source: ``host``, ``gpu`` (NVML), ``dcgm`` or ``probe``.
        samples: Number of samples; 0 where the source is unavailable.
        period_ns: Intended distance of two samples; Unavailable without samples, as are the
            attributes below.
        taken_by: ``diag`` on the machine of the capture, or the address of an agent or exporter.
        cost: Of the sampling itself.
        fields: In the order of the series' units, over all devices together.
        missing: Fields that could not be sampled.
    """

    source: str
    samples: int
    period_ns: int | Unavailable
    taken_by: str | Unavailable
    cost: SamplerCost | Unavailable
    fields: tuple[FieldSummary, ...] | Unavailable
    missing: tuple[MissingField, ...]


def summarize_sources(
    capture: Capture,
) -> tuple[tuple[SourceSummary, ...], tuple[DeviceSamples, ...]]:
    """Summarize each source, and each device that a source sampled.

    An unavailable source keeps its reason. DCGM and the probe are listed only where a
    capture asked for them, or where they have samples.
    """
    series = [("host", capture.host_samples), ("gpu", capture.gpu_samples)]
    if isinstance(capture.dcgm_samples, SampleSeries) or _was_requested(capture, "dcgm"):
        series.append(("dcgm", capture.dcgm_samples))
    if isinstance(capture.probe_samples, SampleSeries) or _was_requested(capture, "probe"):
        series.append(("probe", capture.probe_samples))
    sampled = [each for _, each in series if isinstance(each, SampleSeries)]
    return (
        tuple(_summarize_source(source, each) for source, each in series),
        tuple(device for each in sampled for device in summarize_sampled_devices(each)),
    )


def _was_requested(capture: Capture, source: str) -> bool:
    """Whether the bundle's manifest has an entry for the source (docs/bundle-format.md)."""
    if isinstance(capture.manifest, Unavailable):
        return False
    sources = capture.manifest.get("sources")
    return isinstance(sources, dict) and source in sources


def _summarize_source(source: str, series: SampleSeries | Unavailable) -> SourceSummary:
    if isinstance(series, Unavailable):
        return SourceSummary(source, 0, series, series, series, series, ())
    return SourceSummary(
        source=source,
        samples=len(series.samples),
        period_ns=series.period_ns,
        taken_by=series.taken_by,
        cost=series.cost,
        fields=summarize_fields(series),
        missing=tuple(_missing_field(key, why) for key, why in series.missing.items()),
    )


def _missing_field(key: str, reason: str) -> MissingField:
    """``key`` is a field, or ``<device>:<field>``."""
    device, colon, field = key.partition(":")
    if colon and device.isdecimal():
        return MissingField(field, int(device), reason)
    return MissingField(key, -1, reason)
