"""What was recorded beside the trace, as it is shown: samples, metrics, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from diag.report.values import finite, readable, readable_or_reason, share

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.analysis.samples.devices import DeviceSamples
    from diag.analysis.samples.fields import FieldSummary
    from diag.analysis.samples.sources import MissingField, SourceSummary
    from diag.model.samples import SamplerCost


def series_parts(analysis: Analysis) -> tuple[SeriesPart, ...]:
    """Host, then GPU, then DCGM; a source without samples says why."""
    return tuple(_series_part(each, analysis.sampled_devices) for each in analysis.samples)


def _series_part(item: SourceSummary, devices: tuple[DeviceSamples, ...]) -> SeriesPart:
    return SeriesPart(
        source=item.source,
        samples=item.samples,
        period_ns=item.period_ns,
        taken_by=readable_or_reason(item.taken_by),
        cost=_cost_part(item.cost),
        fields=item.fields
        if isinstance(item.fields, Unavailable)
        else tuple(_field_part(field) for field in item.fields),
        devices=tuple(_device_part(each) for each in devices if each.source == item.source),
        missing={_missing_key(each): readable(each.reason) for each in item.missing},
    )


def _missing_key(item: MissingField) -> str:
    field = readable(item.field)
    return field if item.device < 0 else f"{item.device}:{field}"


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


def metrics_parts(analysis: Analysis) -> tuple[MetricsPart, ...] | Unavailable:
    """One part a model, or why there is none."""
    if isinstance(analysis.metrics, Unavailable):
        return analysis.metrics
    return tuple(
        MetricsPart(
            model=readable(item.model),
            responses={readable(status): n for status, n in item.responses.items()},
            request_latency_mean_ns=finite(item.request_latency_mean_ns),
            runtime_latency_mean_ns=finite(item.runtime_latency_mean_ns),
            outside_mean_ns=finite(item.outside_mean_ns),
        )
        for item in analysis.metrics
    )


def observer_parts(analysis: Analysis) -> tuple[ObserverPart, ...] | Unavailable:
    """What the load generator measured, or why there is nothing."""
    if isinstance(analysis.observer, Unavailable):
        return analysis.observer
    return tuple(
        ObserverPart(
            phase=readable(item.phase),
            measure=readable(item.measure),
            value=finite(item.value),
            unit=item.unit,
        )
        for item in analysis.observer
    )
