"""What a capture of a server would find, without recording: one check after the other.

Nothing is written on the server, and its profiler is not started.
"""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.capture.plan import SECOND, CapturePlan
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.local_server import LocalServer, find_local_server
from diag.capture.server.metrics_page import MetricsPage, read_metrics
from diag.capture.server.model_status import AVAILABLE
from diag.capture.server.target import Target, find_server
from diag.capture.side_sources import SideSources
from diag.capture.tracers.profiler_rpc import INLINE
from diag.capture.tracers.selection import find_trace_source
from diag.errors import (
    CaptureError,
    CaptureTimeoutError,
    ProfilerBusyError,
    ServerTooOldError,
    ServerUnreachableError,
)
from diag.formats.text.serving_metrics import INPUT_BYTES, REQUEST_COUNT, REQUEST_LATENCY
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from diag.capture.plan_options import PlanOptions
    from diag.model.samples import MetricSample

# All checks together end within about five seconds, also when nothing answers.
CALL_TIMEOUT_NS = SECOND
# The server prints sums of µs with six significant digits (prometheus_exporter.cc, 9d981c5c).
_DIGITS = 6
_SUM = f"{REQUEST_LATENCY}_sum"
# Set by nvidia's kernel module (NVreg_RestrictProfilingToAdminUsers): 1 refuses other users.
_DRIVER_PARAMETERS = Path("/proc/driver/nvidia/params")
_ADMIN_ONLY = "RmProfilingAdminOnly: 1"
_BATCHING_GAUGES = ("max_batch_size", "batch_timeout_micros", "num_batch_threads")
_TOOLS = ("tensorboard", "tensorboard-plugin-profile", "xprof")
# docs/overhead.md: mean latency of the demo server, captured at tracer level 2.
_COST = (
    "requests during a capture take about 5 % longer, on a saturated server 22 % (docs/overhead.md)"
)


_THREADS_BUSY = (
    "all its gRPC threads may be busy (the server's --grpc_max_threads); try again, or let a "
    "capture wait for an answer: it allows 10 s"
)


class Status(enum.Enum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # a capture works, and lacks something
    FAILURE = "failure"  # a capture would fail, or requests do
    UNKNOWN = "unknown"  # it cannot be seen from here


@dataclass(frozen=True, slots=True)
class Examined:
    """One check.

    Attributes:
        name: What was looked at.
        status: How it went.
        what: One sentence without its end mark.
        next_step: What to do, or a command; "" where nothing has to be done.
    """

    name: str
    status: Status
    what: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks of a server, in order.

    Attributes:
        server: Its address as it was given.
        took_ns: How long the checks took.
    """

    server: str
    checks: tuple[Examined, ...]
    took_ns: int

    @property
    def is_ready(self) -> bool:
        """Whether nothing failed: a capture would work, and the models serve."""
        return all(check.status is not Status.FAILURE for check in self.checks)


def examine(server: str | CapturePlan, **options: Unpack[PlanOptions]) -> Examination:
    """Check what a capture of a server would find; nothing is recorded.

    Args:
        server: gRPC address, or a CapturePlan with certificates, headers and URLs.
        options: Fields of CapturePlan; only together with an address.

    Raises:
        UsageError: A value is invalid, or a file that the plan names cannot be used.
    """
    plan = CapturePlan(server=server, **options) if isinstance(server, str) else server
    plan = replace(plan, timeout_ns=min(plan.timeout_ns, CALL_TIMEOUT_NS), probe=False)
    started = time.monotonic_ns()
    checks = tuple(_checks(plan))
    return Examination(plan.server, checks, time.monotonic_ns() - started)


def _checks(plan: CapturePlan) -> Iterator[Examined]:
    try:
        target = find_server(plan.server, plan.timeout_ns / SECOND)
    except ServerUnreachableError as exc:
        yield _failed("address", exc)
        yield from _tools()
        return
    local = find_local_server(target)
    yield Examined("address", Status.OK, _route(target, local))
    with Connection(target, ConnectionOptions.of(plan)) as connection:
        profiler = _profiler(connection, plan)
        yield profiler
        if profiler.status is Status.FAILURE and not connection.reached:
            yield from _tools()
            return
        answered_ns = time.monotonic_ns()
        with SideSources(connection, plan) as sources:
            round_trip_ns = time.monotonic_ns() - answered_ns
            yield from _models(sources, plan)
            yield from _metrics(sources, plan)
            yield from _gpus(sources, local)
            yield _clock(local, round_trip_ns)
            yield from _tools()
            yield _capture(profiler, sources, plan.server)


def _failed(name: str, error: CaptureError) -> Examined:
    what = f"{error.message}: {error.cause}" if error.cause else error.message
    hint = _THREADS_BUSY if isinstance(error, CaptureTimeoutError) else error.hint
    return Examined(name, Status.FAILURE, what, hint)


def _route(target: Target, local: LocalServer | Unavailable) -> str:
    place = target.address if target.port == 0 else f"{target.address}, port {target.port}"
    if isinstance(local, Unavailable):
        return f"{place}: {local.reason}"
    if isinstance(local.pid, Unavailable):
        return f"{place}: on this machine; {local.pid.reason}"
    return f"{place}: process {local.pid} on this machine"


def _profiler(connection: Connection, plan: CapturePlan) -> Examined:
    """Address, protocol, TLS and the profiler fail in the same call; the message tells which."""
    try:
        source = find_trace_source(connection, plan)
    except ServerTooOldError as exc:
        return Examined("profiler", Status.WARNING, exc.message, exc.hint)
    except ProfilerBusyError as exc:
        return _failed("profiler", exc)
    except CaptureError as exc:
        return _failed("profiler" if connection.reached else "protocol", exc)
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


def _models(sources: SideSources, plan: CapturePlan) -> Iterator[Examined]:
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


def _metrics(sources: SideSources, plan: CapturePlan) -> Iterator[Examined]:
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


def _gpus(sources: SideSources, local: LocalServer | Unavailable) -> Iterator[Examined]:
    missing = sources.missing()
    if "gpu" in missing:
        yield Examined(
            "gpu samples",
            Status.WARNING,
            missing["gpu"],
            ""
            if not isinstance(local, Unavailable)
            else "on the server's machine: diag agent; then --agent HOST:9500",
        )
    else:
        yield Examined("gpu samples", Status.OK, sources.details.get("gpu", "they can be taken"))
    for name in ("host", "dcgm"):
        if name in missing:
            yield Examined(f"{name} samples", Status.WARNING, missing[name])
    yield _gpu_tracing(local)


def _gpu_tracing(local: LocalServer | Unavailable) -> Examined:
    """Whether the driver lets the server trace its GPUs, as far as this machine shows."""
    name = "gpu tracing"
    if isinstance(local, Unavailable):
        return Examined(
            name, Status.UNKNOWN, "the driver's settings on the server's machine are not visible"
        )
    try:
        parameters = _DRIVER_PARAMETERS.read_text()
    except OSError:
        return Examined(name, Status.UNKNOWN, "no NVIDIA driver is loaded on this machine")
    if _ADMIN_ONLY in parameters:
        return Examined(
            name,
            Status.WARNING,
            "the driver lets only administrators profile",
            "run the server's container with the capability SYS_ADMIN, or load the driver with "
            "NVreg_RestrictProfilingToAdminUsers=0",
        )
    return Examined(name, Status.OK, "the driver lets every user profile")


def _clock(local: LocalServer | Unavailable, round_trip_ns: int) -> Examined:
    if not isinstance(local, Unavailable) and not isinstance(local.pid, Unavailable):
        return Examined("clock", Status.OK, "the server and this program read the same clock")
    return Examined(
        "clock",
        Status.UNKNOWN,
        "the server's clock is another one; a capture bounds its offset by round trips, and the "
        f"status calls just made took {round_trip_ns / 1e6:.0f} ms together",
    )


def _tools() -> Iterator[Examined]:
    """Programs that open bundles, and packages that bring the same plugin twice."""
    versions = {
        name: str(each.version) for name in _TOOLS for each in metadata.distributions(name=name)
    }
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    if "tensorboard" not in versions:
        yield Examined(
            "tensorboard",
            Status.WARNING,
            "it is not installed here",
            "pip install 'tfserving-diag[tensorboard]'",
        )
    elif len(versions) == 1:
        yield Examined(
            "tensorboard",
            Status.WARNING,
            f"{shown}, without the profile plugin",
            "pip install tensorboard-plugin-profile",
        )
    else:
        yield Examined("tensorboard", Status.OK, shown)


def _capture(profiler: Examined, sources: SideSources, server: str) -> Examined:
    """What a capture now would hold, and what it would cost."""
    name = "a capture now"
    if profiler.status is Status.FAILURE:
        return Examined(name, Status.FAILURE, "would fail", profiler.next_step)
    missing = sorted(sources.missing())
    held = sorted({"gpu", "host", "metrics", "server"} - set(missing))
    lacks = f", without {', '.join(missing)}" if missing else ""
    return Examined(
        name,
        Status.OK,
        f"would hold the trace, {', '.join(held) or 'nothing else'}{lacks}; {_COST}. Whether "
        "somebody records right now shows only when a recording begins",
        f"diag capture {server}",
    )
