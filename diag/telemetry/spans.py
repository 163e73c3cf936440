"""make_spans(): requests, batches and idle time of an analysis as traces of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.requests.choice import slowest
from diag.analysis.result import Analysis
from diag.errors import InputError, UsageError
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.program import ProgramKind
from diag.model.spans import Attributes, Span, SpanSet
from diag.telemetry.batch_spans import batch_spans
from diag.telemetry.idle_spans import GAPS_MAX, idle_spans
from diag.telemetry.iteration_spans import iteration_spans
from diag.telemetry.request_spans import failed_spans, request_spans
from diag.telemetry.span_keys import SpanKeys
from diag.version import __version__

# A request of the samples has 18 to 42 spans, which take 1 to 2.5 ms and 3 to 13 kB: 1,000 are made
# within seconds, and show what the slow ones have in common.
MAX_REQUESTS = 1_000
# Times of a span are unsigned 64-bit ns since 1970; this leaves room for any recording.
_ORIGIN_MAX_UNIX_NS = 1 << 62


def make_spans(analysis: Analysis, max_requests: int = MAX_REQUESTS) -> SpanSet:
    """The spans of an analysis, made while they are iterated.

    Args:
        analysis: What ``analyze`` returned.
        max_requests: The most requests; of more, the slowest. Of a Python loop, of its iterations.

    Raises:
        UsageError: ``max_requests`` is below 1.
        InputError: The source does not tell the time of day at which it was recorded.
    """
    if max_requests < 1:
        raise UsageError(
            f"`max_requests` is {max_requests}, and must be at least 1", parameter="max_requests"
        )
    keys, origin_unix_ns = SpanKeys.of(analysis), analysis.capture.origin_unix_ns
    if isinstance(keys, Unavailable) or isinstance(origin_unix_ns, Unavailable):
        raise _no_clock(analysis.capture.origin_unix_ns)
    if not 0 < origin_unix_ns + _earliest_ns(analysis) < _ORIGIN_MAX_UNIX_NS:
        raise _no_clock(
            Unavailable(f"its recorded start, {origin_unix_ns:,} ns since 1970, is not plausible")
        )
    return SpanSet(
        resource=_resource(analysis),
        scope=("diag", __version__),
        spans=_spans(analysis, keys, origin_unix_ns, max_requests),
        left_out=tuple(_left_out(analysis, max_requests)),
    )


def _no_clock(found: object) -> InputError:
    return InputError(
        "the source has no time of day, which spans need",
        cause=found.reason if isinstance(found, Unavailable) else "",
        hint="export a timeline instead (--to perfetto), or record again with diag capture",
    )


def _earliest_ns(analysis: Analysis) -> int:
    """The earliest time of a span, ns since the origin; below 0 for events before the recording."""
    columns = [analysis.requests.start_ns, analysis.batches.start_ns, analysis.gaps.start_ns]
    columns += [analysis.failures.uncalled_start_ns, analysis.failures.refused_start_ns]
    if not isinstance(analysis.loops, Unavailable):
        table = analysis.loops.iterations
        columns += [table.start_ns, table.model_start_ns]
    return min(0, *(int(each.min(initial=0)) for each in columns))


def _spans(
    analysis: Analysis, keys: SpanKeys, origin_unix_ns: int, max_requests: int
) -> Iterator[Span]:
    rows = np.sort(slowest(analysis.requests, max_requests))
    yield from request_spans(analysis, keys, origin_unix_ns, rows)
    yield from failed_spans(analysis, keys, origin_unix_ns)
    yield from batch_spans(analysis, keys, origin_unix_ns, _batches_of(analysis, rows))
    iterations = _slowest_iterations(analysis, max_requests)
    yield from iteration_spans(analysis, keys, origin_unix_ns, iterations)
    yield from idle_spans(analysis, keys, origin_unix_ns)


def _batches_of(analysis: Analysis, rows: Int64s) -> Int64s:
    """Batches of these requests, and batches of none that was recorded."""
    requests = analysis.requests
    owner = requests.batch_owner
    wanted = np.ones(len(analysis.batches), np.bool_)
    wanted[requests.batch_index] = False
    wanted[requests.batch_index[np.isin(owner, rows)]] = True
    return np.flatnonzero(wanted)


def _slowest_iterations(analysis: Analysis, count: int) -> Int64s:
    if isinstance(analysis.loops, Unavailable):
        return np.empty(0, np.int64)
    duration_ns = analysis.loops.iterations.duration_ns
    return np.sort(np.argsort(-duration_ns, kind="stable")[:count])


def _resource(analysis: Analysis) -> Attributes:
    """The server, by OpenTelemetry's names where it has one."""
    is_serving = analysis.program.kind is ProgramKind.SERVING
    manifest, models = analysis.capture.manifest, analysis.requests.models
    target = {} if isinstance(manifest, Unavailable) else manifest.get("target")
    target = target if isinstance(target, dict) else {}
    server, hosts = target.get("server"), target.get("hostnames")
    host = hosts[0] if isinstance(hosts, list) and len(hosts) == 1 else None
    return (
        ("service.name", "tensorflow-serving" if is_serving else "unknown_service"),
        *((("service.instance.id", server),) if isinstance(server, str) else ()),
        *((("host.name", host),) if isinstance(host, str) else ()),
        ("diag.source", analysis.capture.name),
        ("diag.program", analysis.program.kind.value),
        *((("diag.models", ", ".join(models)),) if models else ()),
    )


def _left_out(analysis: Analysis, max_requests: int) -> Iterator[str]:
    total, iterations = len(analysis.requests), 0
    if not isinstance(analysis.loops, Unavailable):
        iterations = len(analysis.loops.iterations)
    for count, what in ((total, "requests"), (iterations, "iterations")):
        if count > max_requests:
            yield f"{count - max_requests:,} of {count:,} {what} are left out, the fastest ones."
    if total and isinstance(analysis.paths, Unavailable):
        yield f"Stages are left out: {analysis.paths.reason}."
    for index, timeline in enumerate(analysis.timelines):
        gaps = int((analysis.gaps.timeline_index == index).sum())
        if gaps > GAPS_MAX:
            yield (
                f"{gaps - GAPS_MAX:,} of {gaps:,} pieces of idle time of {timeline.name} are left "
                "out, the shortest ones."
            )
