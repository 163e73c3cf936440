"""What was recorded beside the trace, as it is shown: samples, metrics, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diag.analysis.metrics import summarize_metrics
from diag.analysis.samples import numbers_in, summarize_samples
from diag.model.availability import Unavailable
from diag.report.report import MetricsPart, ObserverPart, SampleFieldPart, SeriesPart
from diag.report.values import finite, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.capture import Capture
    from diag.model.samples import SampleSeries


def series_parts(capture: Capture) -> tuple[SeriesPart, ...]:
    """Host, then GPU; a source without samples says why."""
    return (
        _series_part("host", capture.host_samples),
        _series_part("gpu", capture.gpu_samples),
    )


def _series_part(source: str, series: SampleSeries | Unavailable) -> SeriesPart:
    if isinstance(series, Unavailable):
        return SeriesPart(source=source, samples=0, period_ns=series, fields=series, missing={})
    fields = tuple(
        SampleFieldPart(
            field=readable(item.field),
            unit=readable(item.unit),
            mean=finite(item.mean),
            max=finite(item.max),
            increase=finite(item.increase),
        )
        for item in summarize_samples(series)
    )
    return SeriesPart(
        source=source,
        samples=len(series.samples),
        period_ns=series.period_ns,
        fields=fields,
        missing={readable(key): readable(why) for key, why in series.missing.items()},
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
