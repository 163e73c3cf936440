"""What was recorded beside the trace, as it is shown: samples, metrics, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diag.analysis.device_samples import summarize_devices
from diag.analysis.metrics import summarize_metrics
from diag.analysis.samples import numbers_in, summarize_samples
from diag.model.availability import Unavailable
from diag.report.aside_parts import (
    ClockLimitPart,
    MetricsPart,
    ObserverPart,
    SampledDevicePart,
    SampleFieldPart,
    SamplerCostPart,
    SeriesPart,
)
from diag.report.values import finite, readable, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.device_samples import DeviceSamples
    from diag.analysis.samples import FieldSummary
    from diag.model.capture import Capture
    from diag.model.samples import SamplerCost, SampleSeries


def series_parts(capture: Capture) -> tuple[SeriesPart, ...]:
    """Host, then GPU; a source without samples says why. DCGM only where it was asked for."""
    parts = (
        _series_part("host", capture.host_samples),
        _series_part("gpu", capture.gpu_samples),
    )
    if isinstance(capture.dcgm_samples, Unavailable) and not _was_asked(capture, "dcgm"):
        return parts
    return (*parts, _series_part("dcgm", capture.dcgm_samples))


def _was_asked(capture: Capture, source: str) -> bool:
    """Whether the bundle's manifest has a word on the source (docs/bundle-format.md)."""
    if isinstance(capture.manifest, Unavailable):
        return False
    sources = capture.manifest.get("sources")
    return isinstance(sources, dict) and source in sources


def _series_part(source: str, series: SampleSeries | Unavailable) -> SeriesPart:
    if isinstance(series, Unavailable):
        return SeriesPart(
            source=source,
            samples=0,
            period_ns=series,
            taken_by=series,
            cost=_cost_part(series),
            fields=series,
            devices=(),
            missing={},
        )
    return SeriesPart(
        source=source,
        samples=len(series.samples),
        period_ns=series.period_ns,
        taken_by=readable(series.taken_by),
        cost=_cost_part(series.cost),
        fields=tuple(_field_part(item) for item in summarize_samples(series)),
        devices=tuple(_device_part(item) for item in summarize_devices(series)),
        missing={readable(key): readable(why) for key, why in series.missing.items()},
    )


def _cost_part(cost: SamplerCost | Unavailable) -> SamplerCostPart:
    if isinstance(cost, Unavailable):
        return SamplerCostPart(readings=cost, cpu_ns=cost, elapsed_ns=cost, cpu_share=cost)
    return SamplerCostPart(
        readings=cost.readings,
        cpu_ns=cost.cpu_ns,
        elapsed_ns=cost.elapsed_ns,
        cpu_share=share(cost.cpu_ns, cost.elapsed_ns),
    )


def _device_part(item: DeviceSamples) -> SampledDevicePart:
    limits = item.clock_limits
    return SampledDevicePart(
        index=item.index,
        name=readable(item.device.name),
        uuid=readable(item.device.uuid),
        is_mig=item.device.is_mig,
        fields=tuple(_field_part(field) for field in item.fields),
        clock_limits=limits
        if isinstance(limits, Unavailable)
        else tuple(ClockLimitPart(reason=limit.reason, share=limit.share) for limit in limits),
    )


def _field_part(item: FieldSummary) -> SampleFieldPart:
    return SampleFieldPart(
        field=readable(item.field),
        unit=readable(item.unit),
        mean=finite(item.mean),
        max=finite(item.max),
        increase=finite(item.increase),
    )


def metrics_parts(capture: Capture) -> tuple[MetricsPart, ...] | Unavailable:
    """One part a model, or why there is none."""
    if isinstance(capture.metrics, Unavailable):
        return capture.metrics
    return tuple(
        MetricsPart(
            model=readable(item.model),
            responses={readable(status): n for status, n in item.responses.items()},
            request_latency_mean_ns=finite(item.request_latency_mean_ns),
            runtime_latency_mean_ns=finite(item.runtime_latency_mean_ns),
            outside_mean_ns=finite(item.outside_mean_ns),
        )
        for item in summarize_metrics(capture.metrics)
    )


def observer_parts(capture: Capture) -> tuple[ObserverPart, ...] | Unavailable:
    """The numbers under ``observer`` in the manifest, in its order."""
    if isinstance(capture.manifest, Unavailable):
        return Unavailable("not measured: the source is no bundle")
    observer = capture.manifest.get("observer")
    if not observer:
        return Unavailable("not measured: the load was not diag's own")
    return tuple(_figures(observer))


# The unit is the last word of a name (docs/bundle-format.md).
_UNITS = {"ns": "ns", "ms": "ms", "us": "µs", "percent": "%", "ratio": "ratio", "share": "ratio"}


def _figures(observer: Any) -> Iterator[ObserverPart]:
    for path, number in numbers_in(observer):
        phase, _, name = path.rpartition(".")
        words = name.split("_")
        unit = _UNITS.get(words[-1], "") if len(words) > 1 else ""
        measure = " ".join(words[:-1] if unit else words)
        yield ObserverPart(
            phase=readable(phase), measure=readable(measure), value=finite(number), unit=unit
        )
