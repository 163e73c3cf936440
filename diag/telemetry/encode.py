"""encode_metrics() and encode_spans(): an analysis as text for monitoring systems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from diag.analysis.result import Analysis
from diag.errors import UsageError
from diag.formats.spans.otlp_json import span_lines
from diag.model.availability import Unavailable
from diag.telemetry.names import METRIC_FORMATS
from diag.telemetry.series import Moment, seconds, timestamp
from diag.telemetry.spans import MAX_REQUESTS, make_spans
from diag.telemetry.totals import metric_families


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSpans:
    """A file to write.

    Attributes:
        chunks: Its lines, made while they are iterated; once only.
        left_out: What is not in it, one sentence each.
    """

    chunks: Iterator[bytes]
    left_out: tuple[str, ...]


def encode_metrics(analysis: Analysis, format_: str = "prometheus") -> bytes:
    """Totals of the capture as metrics, UTF-8.

    Args:
        analysis: What ``analyze`` returned.
        format_: One of ``METRIC_FORMATS``: ``prometheus`` for the text format 0.0.4, without times;
            ``openmetrics`` for OpenMetrics 1.0, with exemplars and the time of the capture.

    Raises:
        UsageError: There is no such format.
    """
    if format_ not in METRIC_FORMATS:
        raise UsageError(
            f"no metrics format {format_!r}", hint=f"the formats: {', '.join(METRIC_FORMATS)}"
        )
    if format_ == "prometheus":
        return exposition.generate_latest(_Families(metric_families(analysis, Moment())))
    origin, window = analysis.capture.origin_unix_ns, analysis.capture.window
    moment = (
        Moment()
        if isinstance(origin, Unavailable)
        else Moment(seconds(origin + window.start_ns), timestamp(origin + window.end_ns))
    )
    families = _Families(metric_families(analysis, moment))
    page: bytes = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]
    return page


def encode_spans(analysis: Analysis, max_requests: int = MAX_REQUESTS) -> EncodedSpans:
    """Requests, batches and idle time as OTLP/JSON, one message of about 0.5 MiB a line.

    Args:
        analysis: What ``analyze`` returned.
        max_requests: The most requests; of more, the slowest.

    Raises:
        UsageError: ``max_requests`` is below 1.
        InputError: The source does not tell the time of day at which it was recorded.
    """
    spans = make_spans(analysis, max_requests)
    return EncodedSpans(span_lines(spans), spans.left_out)


class _Families(Collector):
    """Families with series, as the library asks for them; an empty one would only be a heading."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families, once."""
        return (each for each in self._families if each.samples)
