"""From a bundle to a Capture: the trace and every other part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from diag.errors import BatchingParametersError, BundleCorruptError, InputError, MetricsParseError
from diag.formats.bundle import layout
from diag.formats.bundle.server import decode_server, recorded_parameters
from diag.formats.bundle.stacks import decode_stacks
from diag.formats.text.prometheus import declared_names, metrics_from_bytes
from diag.formats.text.samples import decode_samples
from diag.formats.trace.capture import decode_named, trace_caveats
from diag.formats.trace.recorded_window import recorded_level, recorded_window
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters, Capture
from diag.model.caveat import Caveat, Limit, recorded_caveat
from diag.model.samples import MetricsPair, SampleSeries, ServerInfo
from diag.model.stacks import StackSamples
from diag.model.window import ClockSync

if TYPE_CHECKING:
    from diag.formats.bundle.reader import Bundle

_SAMPLES = {
    "host": layout.HOST_SAMPLES,
    "gpu": layout.GPU_SAMPLES,
    "dcgm": layout.DCGM_SAMPLES,
    "probe": layout.PROBE_SAMPLES,
}


def capture_from_bundle(bundle: Bundle, name: str, where: str) -> Capture:
    """Decode a bundle, and verify the checksum of every part that it lists.

    Args:
        bundle: The opened bundle.
        name: Name of the capture.
        where: Path or URL of the bundle, for messages.

    Raises:
        BundleCorruptError: A part is not as the manifest or the format requires, or there is no
            trace.
        InputError: The bundle has traces of several hosts.
        XSpaceDecodeError: The trace cannot be decoded.
    """
    manifest = bundle.manifest
    contents = _Contents(bundle, where)
    trace = _only_trace(bundle, where)
    space = decode_named(bundle.read(trace), f"{where}/{trace}")
    metrics, metrics_caveats = contents.metrics()
    server = contents.server()
    parameters, parameters_caveats = _batching_parameters(server, f"{where}/{layout.SERVER}")
    captured = tuple(recorded_caveat(each.code, each.text) for each in manifest.caveats)
    capture = Capture(
        name=name,
        origin_unix_ns=space.origin_unix_ns,
        window=recorded_window(space, _planned_duration_ms(manifest.plan)),
        tracer_level=recorded_level(space),
        planes=space.planes,
        host_samples=contents.samples("host"),
        gpu_samples=contents.samples("gpu"),
        dcgm_samples=contents.samples("dcgm"),
        probe_samples=contents.samples("probe"),
        stacks=contents.stacks(space.origin_unix_ns),
        metrics=metrics,
        server=server,
        batching_parameters=parameters,
        clocks=tuple(
            ClockSync(clock.source, clock.offset_ns, clock.uncertainty_ns)
            for clock in manifest.clocks
        ),
        manifest=msgspec.to_builtins(manifest),
        trace_errors=space.errors,
        trace_warnings=space.warnings,
        caveats=(
            *captured,
            *metrics_caveats,
            *parameters_caveats,
            *trace_caveats(space, _planned_duration_ms(manifest.plan)),
        ),
    )
    contents.verify_rest()
    return capture


def _only_trace(bundle: Bundle, where: str) -> str:
    traces = [name for name in bundle.part_names() if layout.is_trace(name)]
    if len(traces) == 1:
        return traces[0]
    if traces:
        raise InputError(
            f"{where}: traces of {len(traces)} hosts",
            cause=", ".join(traces[:5]),
            hint="unpack the bundle and name one of these files",
        )
    raise BundleCorruptError(f"{where}: no trace in the bundle", hint="capture it again")


def _batching_parameters(
    server: ServerInfo | Unavailable, where: str
) -> tuple[BatchingParameters | Unavailable, tuple[Caveat, ...]]:
    """The parameters that the bundle recorded; text that is not valid costs a caveat."""
    try:
        return recorded_parameters(server, where), ()
    except BatchingParametersError as exc:
        reason = f"the batching parameters in the bundle cannot be used: {exc.message}"
        caveat = Caveat(
            "batching-parameters-unreadable", (Limit.QUEUEING,), (("reason", exc.message),)
        )
        return Unavailable(reason), (caveat,)


def _planned_duration_ms(plan: dict[str, object]) -> int | None:
    duration_ms = plan.get("duration_ms")
    return duration_ms if isinstance(duration_ms, int) and duration_ms > 0 else None


class _Contents:
    """The parts other than the trace, or the reason why they are missing."""

    def __init__(self, bundle: Bundle, where: str) -> None:
        self._bundle = bundle
        self._where = where
        self._listed = set(bundle.part_names())

    def _take(self, name: str) -> bytes:
        self._listed.discard(name)
        return self._bundle.read(name)

    def _absent(self, source: str) -> Unavailable:
        record = self._bundle.manifest.sources.get(source)
        if record is not None and record.status == "unavailable" and record.detail:
            return Unavailable(record.detail)
        return Unavailable("not in the bundle")

    def samples(self, source: str) -> SampleSeries | Unavailable:
        name = _SAMPLES[source]
        if name not in self._listed:
            return self._absent(source)
        series = decode_samples(self._take(name), f"{self._where}/{name}")
        if series.source != source:
            raise BundleCorruptError(f"{self._where}/{name}: holds samples of {series.source}")
        return series

    def stacks(self, origin_unix_ns: int | Unavailable) -> StackSamples | Unavailable:
        if layout.STACKS not in self._listed:
            return self._absent("stacks")
        data = self._take(layout.STACKS)
        return decode_stacks(data, origin_unix_ns, f"{self._where}/{layout.STACKS}")

    def server(self) -> ServerInfo | Unavailable:
        if layout.SERVER not in self._listed:
            return self._absent("server")
        return decode_server(self._take(layout.SERVER), f"{self._where}/{layout.SERVER}")

    def metrics(self) -> tuple[MetricsPair | Unavailable, tuple[Caveat, ...]]:
        names = (layout.METRICS_BEFORE, layout.METRICS_AFTER)
        if not self._listed.issuperset(names):
            return self._absent("metrics"), ()
        before, after = (self._take(name) for name in names)
        try:
            samples = metrics_from_bytes(before), metrics_from_bytes(after)
            return MetricsPair(*samples, declared_names(after)), ()
        except MetricsParseError as exc:
            # The server wrote this text; an error in it must not make the capture unreadable.
            caveat = Caveat("metrics-unreadable", (Limit.METRICS,), (("reason", exc.message),))
            return Unavailable(exc.message), (caveat,)

    def verify_rest(self) -> None:
        """Verify the parts that are not decoded, such as those of a later version of diag."""
        for name in self._listed:
            if not layout.is_trace(name):
                self._bundle.read(name)
