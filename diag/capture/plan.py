"""CapturePlan: everything a capture was asked to do, checked before a server is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diag.capture.server.target import parse_server
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
SECOND = 1_000_000_000

DURATION_NS = 2 * SECOND
# Captures of more than about 10 s have taken down GPU inference processes by host memory growth
# (openxla/xprof issue 655, tensorflow/tensorflow issues 61512 and 61526).
DURATION_MAX_NS = 10 * SECOND
# The server rounds to milliseconds and has a deadline of its own against longer sessions.
DURATION_ALLOWED_LONG_MAX_NS = 600 * SECOND
MAX_BYTES = 512_000_000
# A protobuf message, and TensorFlow Serving's own limit, end at 2 GiB - 1.
RECEIVE_MAX_BYTES = (1 << 31) - 1
TRACER_LEVELS = (1, 2, 3)
REST_PORT = 8501  # TensorFlow Serving's documented --rest_api_port
REQUIRABLE = ("gpu", "dcgm", "metrics", "host", "server", "device-trace")
GPU_RATE_HZ = 20
GPU_RATE_MAX_HZ = 100
METRICS_AUTO = "auto"
METRICS_OFF = "off"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to trust the server, and how to be trusted by it; all paths are PEM files.

    Attributes:
        ca_cert: The authority that signed the server's certificate; None trusts the system's.
        client_cert: For mutual TLS, with ``client_key``.
        client_key: For mutual TLS.
        prefix: Of the options that named them, for messages.
    """

    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    prefix: str = "--"


@dataclass(frozen=True, slots=True)
class ServerRepository:
    """Where a server before TensorFlow 2.21 writes its trace, as each side sees it.

    Attributes:
        root: Folder or URL as the server sees it.
        local: The same folder as this machine sees it.
    """

    root: str
    local: Path


@dataclass(frozen=True, slots=True)
class AgentAccess:
    """How to reach the agent on the server's machine.

    Attributes:
        address: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        tls: Certificates. None means plaintext to an agent on this machine, and TLS with the
            system's certificate authorities to any other.
        token: Sent with every call; "" for none. Never shown and never stored.
    """

    address: str
    tls: TlsOptions | None = None
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the address.

        Raises:
            UsageError: It is not an address.
        """
        parse_server(self.address, "--agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """What to record of which server.

    Attributes:
        server: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        duration_ns: Of the recording; the server takes whole milliseconds.
        host_tracer_level: 1 batching only, 2 and also requests and executors, 3 every op.
        device_trace: Whether to trace GPUs.
        warmup: Whether a short throw-away recording comes first.
        max_bytes: Refuse a recording predicted to be larger than this.
        receive_max_bytes: Largest response that is accepted at all.
        allow_long: Permit more than 10 s.
        metrics: ``auto``, ``off`` or the URL of the server's Prometheus page.
        dcgm: The URL of a DCGM exporter's page, "" for none.
        agent: An agent beside the server, to sample its host and GPUs; None to do so here.
        rest_port: Where ``auto`` looks for metrics.
        gpu_rate_hz: How often a second GPUs are sampled, 1 to 100.
        models: Names to ask the server's status of; more are learned from its metrics.
        require: Sources without which the capture counts as failed.
        tls: None for plaintext.
        authority: Name to check the certificate against and to send, instead of the host's.
        headers: gRPC metadata; never shown and never stored.
        repository: Only for servers before TensorFlow 2.21.
        wait_for_traffic: Whether to wait for requests before recording.
        wait_limit_ns: How long at most.
        batching_parameters: Text of the server's batching_parameters_file, "" if not at hand; it
            cannot be asked of the server.
        timeout_ns: For every call but the recording.
        collect_timeout_ns: For the server to collect and send the trace, once it has recorded.
    """

    server: str
    duration_ns: int = DURATION_NS
    host_tracer_level: int = 2
    device_trace: bool = True
    warmup: bool = True
    max_bytes: int = MAX_BYTES
    receive_max_bytes: int = RECEIVE_MAX_BYTES
    allow_long: bool = False
    metrics: str = METRICS_AUTO
    dcgm: str = ""
    agent: AgentAccess | None = None
    rest_port: int = REST_PORT
    gpu_rate_hz: int = GPU_RATE_HZ
    models: tuple[str, ...] = ()
    require: frozenset[str] = frozenset()
    tls: TlsOptions | None = None
    authority: str = ""
    headers: tuple[tuple[str, str | bytes], ...] = ()
    repository: ServerRepository | None = None
    wait_for_traffic: bool = False
    wait_limit_ns: int = 300 * SECOND
    batching_parameters: str = ""
    timeout_ns: int = 10 * SECOND
    collect_timeout_ns: int = 60 * SECOND

    def __post_init__(self) -> None:
        """Check what can be checked without the server.

        Raises:
            UsageError: A value is out of its range, or two contradict each other.
        """
        self._check_duration()
        if self.host_tracer_level not in TRACER_LEVELS:
            raise UsageError(f"--host-tracer-level is {self.host_tracer_level}, not 1, 2 or 3")
        if not 0 < self.max_bytes <= RECEIVE_MAX_BYTES:
            raise UsageError(
                f"--max-bytes is {self.max_bytes:,}, it can be 1 to {RECEIVE_MAX_BYTES:,}",
                cause="no trace of 2 GiB or more can be sent at all",
            )
        if not 1 <= self.gpu_rate_hz <= GPU_RATE_MAX_HZ:
            raise UsageError(
                f"--gpu-rate is {self.gpu_rate_hz}, it can be 1 to {GPU_RATE_MAX_HZ} a second"
            )
        unknown = sorted(self.require - set(REQUIRABLE))
        if unknown:
            raise UsageError(f"--require {unknown[0]}: there are {', '.join(REQUIRABLE)}")
        if self.metrics == METRICS_OFF and "metrics" in self.require:
            raise UsageError("--require metrics contradicts --metrics off")
        if not self.device_trace and "device-trace" in self.require:
            raise UsageError("--require device-trace contradicts --no-device-trace")
        if not self.dcgm and "dcgm" in self.require:
            raise UsageError("--require dcgm needs --dcgm URL")
        if self.tls and (self.tls.client_cert is None) != (self.tls.client_key is None):
            raise UsageError("--client-cert and --client-key belong together")
        if min(self.timeout_ns, self.wait_limit_ns, self.collect_timeout_ns) <= 0:
            raise UsageError("--timeout, --collect-timeout and --wait-limit must be more than 0")

    def _check_duration(self) -> None:
        if self.duration_ns < 10 * MS:
            raise UsageError("--duration must be 10ms or more")
        if self.duration_ns > DURATION_MAX_NS and not self.allow_long:
            raise UsageError(
                f"--duration is {self.duration_ns / SECOND:g} s, more than 10 s",
                cause="long recordings have exhausted the memory of serving processes",
                hint="record 2s several times, or add --allow-long if you can lose this replica",
            )
        if self.duration_ns > DURATION_ALLOWED_LONG_MAX_NS:
            raise UsageError("--duration is more than 10 minutes")

    @property
    def duration_ms(self) -> int:
        """What the server is asked for."""
        return self.duration_ns // MS

    def as_record(self) -> dict[str, Any]:
        """The plan as the manifest shows it: without a word of headers or keys."""
        return {
            "duration_ms": self.duration_ms,
            "host_tracer_level": self.host_tracer_level,
            "device_trace": self.device_trace,
            "warmup": self.warmup,
            "max_bytes": self.max_bytes,
            "metrics": "url" if "://" in self.metrics else self.metrics,
            "dcgm": "url" if self.dcgm else "off",
            "gpu_rate_hz": self.gpu_rate_hz,
            "agent": self.agent.address if self.agent else "off",
            "models": list(self.models),
            "require": sorted(self.require),
            "wait_for_traffic": self.wait_for_traffic,
        }
