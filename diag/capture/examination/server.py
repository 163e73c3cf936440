"""Checks of the server: its address, protocol, profiler, models and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diag.capture.examination.result import Examined, Status
from diag.capture.server.local_server import LocalServer
from diag.capture.server.metrics_page import MetricsPage, read_metrics
from diag.capture.server.model_status import AVAILABLE
from diag.capture.tracers.profiler_rpc import INLINE
from diag.capture.tracers.selection import find_trace_source
from diag.errors import CaptureError, CaptureTimeoutError, ProfilerBusyError, ServerTooOldError
from diag.formats.text.serving_metrics import INPUT_BYTES, REQUEST_COUNT, REQUEST_LATENCY
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.capture.plan import CapturePlan
    from diag.capture.server.connection import Connection
    from diag.capture.server.target import Target
    from diag.capture.side_sources import SideSources
    from diag.model.samples import MetricSample

# The server prints sums of µs with six significant digits (prometheus_exporter.cc, 9d981c5c).
_DIGITS = 6
_SUM = f"{REQUEST_LATENCY}_sum"
_BATCHING_GAUGES = ("max_batch_size", "batch_timeout_micros", "num_batch_threads")
_THREADS_BUSY = (
    "all its gRPC threads may be busy (the server's --grpc_max_threads); try again, or let a "
    "capture wait for an answer: it allows 10 s"
)


def failed(name: str, error: CaptureError) -> Examined:
    """A check that ended in an error."""
    what = f"{error.message}: {error.cause}" if error.cause else error.message
    hint = _THREADS_BUSY if isinstance(error, CaptureTimeoutError) else error.hint
    return Examined(name, Status.FAILURE, what, hint)


def route(target: Target, local: LocalServer | Unavailable) -> str:
    """The address in use, and where it leads."""
    place = target.address if target.port == 0 else f"{target.address}, port {target.port}"
    if isinstance(local, Unavailable):
        return f"{place}: {local.reason}"
    if isinstance(local.pid, Unavailable):
        return f"{place}: on this machine; {local.pid.reason}"
    return f"{place}: process {local.pid} on this machine"


def check_profiler(connection: Connection, plan: CapturePlan) -> Examined:
    """Address, protocol, TLS and the profiler fail in the same call; the message tells which."""
    try:
        source = find_trace_source(connection, plan)
    except ServerTooOldError as exc:
        return Examined("profiler", Status.WARNING, exc.message, exc.hint)
    except ProfilerBusyError as exc:
        return failed("profiler", exc)
    except CaptureError as exc:
        return failed("profiler" if connection.reached else "protocol", exc)
    what = (
        "it is enabled, and sends its trace in the answer (TensorFlow 2.21 or newer)"
        if source.name == INLINE
        else "it is enabled, and writes its trace to the server's disk"
    )
    secured = " over TLS" if connection.options.tls is not None else ""
    refused = (
        f"; {connection.refused} calls were refused for lack of gRPC threads"
        if connection.refused
        else ""
    )
    return Examined("profiler", Status.OK, f"gRPC{secured}; {what}{refused}")


def check_models(sources: SideSources, plan: CapturePlan) -> Iterator[Examined]:
    """Versions and states of the models, and their signatures."""
    models = sources.server.models
    if isinstance(models, Unavailable):
        if plan.models:  # asked for by name: whoever waits for them wants to know
            yield Examined("models", Status.FAILURE, models.reason, "check the name")
        else:
            yield Examined("models", Status.WARNING, models.reason, "name one: --model NAME")
        return
    states = ", ".join(f"{each.name}:{each.version} {each.state}" for each in models)
    serving = {each.name for each in models if each.state == AVAILABLE}
    missing = sorted({each.name for each in models} - serving)
    yield Examined(
        "models",
        Status.FAILURE if missing else Status.OK,
        f"{states}; no version of {', '.join(missing)} serves" if missing else states,
        "read the server's log" if missing else "",
    )
    yield _signatures(sources.server.signatures)


def _signatures(signatures: dict[str, Any] | Unavailable) -> Examined:
    if isinstance(signatures, Unavailable):
        return Examined("signatures", Status.UNKNOWN, signatures.reason)
    names: list[str] = []
    scalar: list[str] = []
    for model, found in signatures.items():
        for name, signature in found.items():
            if name.startswith("__"):
                continue
            names.append(f"{model}/{name}")
            if any(info.get("shape") == [] for info in signature["inputs"].values()):
                scalar.append(f"{model}/{name}")
    if scalar:
        return Examined(
            "signatures",
            Status.WARNING,
            f"{', '.join(scalar)} has an input without a batch dimension, and cannot be batched",
            "see docs/findings/no-batch-dimension.md",
        )
    return Examined("signatures", Status.OK, ", ".join(names) or "none")


def check_metrics(sources: SideSources, plan: CapturePlan) -> Iterator[Examined]:
    """The metrics page, and the batching parameters on it."""
    page = sources.metrics
    if isinstance(page, Unavailable):
        yield Examined(
            "metrics",
            Status.WARNING,
            page.reason,
            "start the server with --rest_api_port and --monitoring_config_file, or name the page: "
            "--metrics URL",
        )
        return
    samples = read_metrics(page.url, plan)
    if isinstance(samples, Unavailable):
        yield Examined("metrics", Status.WARNING, samples.reason)
        return
    yield _trusted(page, samples)
    yield _batching(samples)


def _trusted(page: MetricsPage, samples: tuple[MetricSample, ...]) -> Examined:
    """Which numbers of the page say less than they seem to."""
    names = {sample.name for sample in samples}
    doubts = []
    if REQUEST_COUNT not in names:
        doubts.append("it counts no request yet, or is of an older version")
    largest = max((s.value for s in samples if s.name == _SUM), default=0.0)
    step_ms = 10 ** (len(f"{int(largest)}") - _DIGITS) / 1000
    if step_ms >= 1:
        doubts.append(
            f"sums of latency change in steps of {step_ms:g} ms, as the page prints six digits: "
            "means over a short time are lost"
        )
    if INPUT_BYTES not in names:
        doubts.append("it has no bytes of inputs and outputs")
    status = Status.WARNING if doubts else Status.OK
    return Examined("metrics", status, "; ".join([page.url, *doubts]))


def _batching(samples: tuple[MetricSample, ...]) -> Examined:
    """Gauges of batching, which only in-graph batching sets to something else than 0."""
    found = {
        f"{name} {sample.value:g}"
        for sample in samples
        for name in _BATCHING_GAUGES
        if sample.name.endswith(f":{name}") and sample.value > 0
    }
    if found:
        return Examined("batching", Status.OK, ", ".join(sorted(found)))
    return Examined(
        "batching",
        Status.UNKNOWN,
        "the server reports no batching parameters; a capture sees what they do",
        "give a capture the file: --batching-parameters FILE; check it: diag lint FILE",
    )
