"""CapturePlan: what to record of which server, checked before the server is contacted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diag.capture.address import check_url, parse_address
from diag.errors import UsageError

if TYPE_CHECKING:
    import os
    from pathlib import Path

MS = 1_000_000
SECOND = 1_000_000_000

DURATION_NS = 2 * SECOND
DURATION_MIN_NS = 10 * MS
# Captures of more than about 10 s have taken down GPU inference processes by host memory growth
# (openxla/xprof issue 655, tensorflow/tensorflow issues 61512 and 61526).
DURATION_MAX_NS = 10 * SECOND
# The server rounds to milliseconds and ends longer sessions by a deadline of its own.
DURATION_ALLOWED_LONG_MAX_NS = 600 * SECOND
MAX_BYTES = 512_000_000
# Largest protobuf message, and TensorFlow Serving's own limit: 2 GiB - 1.
RECEIVE_MAX_BYTES = (1 << 31) - 1
TRACER_LEVELS = (1, 2, 3)
REST_PORT = 8501  # TensorFlow Serving's documented --rest_api_port
REQUIRABLE = ("gpu", "dcgm", "metrics", "host", "server", "device-trace")
GPU_RATE_HZ = 20
GPU_RATE_MAX_HZ = 100
AUTO = "auto"
OFF = "off"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Certificates for TLS; all paths are PEM files.

    Attributes:
        ca_cert: Certificate of the authority that signed the server's certificate; None trusts the
            authorities built into gRPC.
        client_cert: Client certificate for mutual TLS, with ``client_key``.
        client_key: Private key of ``client_cert``.
    """

    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    def check(self, parameter: str) -> None:
        """Check that certificate and key are given together.

        Args:
            parameter: The parameter that holds these options, for messages.

        Raises:
            UsageError: One of the two is missing.
        """
        if (self.client_cert is None) != (self.client_key is None):
            missing = "client_cert" if self.client_cert is None else "client_key"
            raise UsageError(
                f"`{parameter}.client_cert` and `{parameter}.client_key` must be given together",
                parameter=f"{parameter}.{missing}",
            )


@dataclass(frozen=True, slots=True)
class ServerRepository:
    """The folder where a server before TensorFlow 2.21 writes its trace.

    Attributes:
        root: Folder or URL as the server names it.
        local: The same folder as this machine names it.
    """

    root: str
    local: Path

    def __post_init__(self) -> None:
        """Check that both sides are given.

        Raises:
            UsageError: ``root`` is empty, or ``local`` is not a folder.
        """
        if not self.root:
            raise UsageError("`repository.root` is empty", parameter="repository.root")
        if not self.local.is_dir():
            raise UsageError(
                f"`repository.local` {self.local} is not a folder on this machine",
                parameter="repository.local",
            )


@dataclass(frozen=True, slots=True)
class AgentAccess:
    """How to reach the agent on the server's machine.

    Attributes:
        address: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        tls: Certificates. None means plaintext to an agent on this machine, and TLS with the
            authorities built into gRPC to any other.
        token: Sent with every call; "" for none. Never shown and never stored.
    """

    address: str
    tls: TlsOptions | None = None
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the address and the certificates.

        Raises:
            UsageError: ``address`` is not an address, or a certificate lacks its key.
        """
        parse_address(self.address, "agent.address")
        if self.tls:
            self.tls.check("agent.tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """What to record of which server.

    Attributes:
        server: The server's gRPC address: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        duration_ns: Length of the recording, rounded down to whole milliseconds.
        host_tracer_level: 1 records batching only, 2 also requests and executors, 3 every op.
        device_trace: Whether to trace GPUs.
        warmup: Whether to make a short recording first, which is thrown away.
        max_bytes: Largest predicted size of the trace; a larger prediction is refused.
        receive_max_bytes: Largest answer that is accepted.
        allow_long: Whether more than 10 s may be recorded.
        metrics: ``auto``, ``off`` or the URL of the server's Prometheus page.
        dcgm: URL of a DCGM exporter's page, "" for none.
        stacks: ``auto``, ``off`` or the URL of a Python program's stack sampler (``attach``).
        agent: Agent on the server's machine that samples its host and GPUs; None samples this
            machine.
        rest_port: Port where ``auto`` looks for metrics.
        gpu_rate_hz: GPU samples a second, 1 to 100.
        models: Models whose status is recorded; the metrics page adds the models it names.
        require: Sources without which the capture fails; see ``REQUIRABLE``.
        tls: Certificates; None for plaintext.
        authority: Name to expect in the certificate and to send, instead of the host's name.
        headers: gRPC metadata; never shown and never stored.
        repository: Shared folder; only for servers before TensorFlow 2.21.
        wait_for_traffic: Whether to wait for requests before recording.
        wait_limit_ns: Longest time to wait for traffic.
        batching_parameters: The server's batching_parameters_file, which the server does not
            report: its path or its text; "" if unknown. A path is replaced by the file's text.
        probe: Whether to make a status call ten times a second during the recording, whose latency
            shows waits for gRPC threads and the network.
        timeout_ns: Time allowed for each call, except for the recording.
        collect_timeout_ns: Time allowed for the server to collect and send the trace after it has
            recorded.
    """

    server: str
    duration_ns: int = DURATION_NS
    host_tracer_level: int = 2
    device_trace: bool = True
    warmup: bool = True
    max_bytes: int = MAX_BYTES
    receive_max_bytes: int = RECEIVE_MAX_BYTES
    allow_long: bool = False
    metrics: str = AUTO
    dcgm: str = ""
    stacks: str = AUTO
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
    batching_parameters: os.PathLike[str] | str = ""
    probe: bool = True
    timeout_ns: int = 10 * SECOND
    collect_timeout_ns: int = 60 * SECOND

    def __post_init__(self) -> None:
        """Check everything that can be checked without the server.

        Raises:
            UsageError: A value is out of its range, or two values contradict each other. Its
                ``parameter`` names the field.
            InputError: The batching_parameters_file cannot be read.
            BatchingParametersError: It is not valid.
        """
        parse_address(self.server, "server")
        self._check_duration()
        self._check_ranges()
        self._check_required()
        if self.tls:
            self.tls.check("tls")
        if self.metrics not in (AUTO, OFF):
            check_url(self.metrics, "metrics")
        if self.dcgm:
            check_url(self.dcgm, "dcgm")
        if self.stacks not in (AUTO, OFF):
            check_url(self.stacks, "stacks")
        if self.batching_parameters:
            self._read_batching_parameters()

    def _read_batching_parameters(self) -> None:
        from diag.formats.text.batching_parameters import batching_parameters_text

        text = batching_parameters_text(self.batching_parameters)
        object.__setattr__(self, "batching_parameters", text)

    def _check_duration(self) -> None:
        duration_s = f"`duration_ns` is {self.duration_ns / SECOND:g} s"
        if self.duration_ns < DURATION_MIN_NS:
            raise UsageError(f"{duration_s}, it must be 10 ms or more", parameter="duration_ns")
        if self.duration_ns > DURATION_MAX_NS and not self.allow_long:
            raise UsageError(
                f"{duration_s}, more than 10 s",
                cause="long recordings have exhausted the memory of serving processes",
                hint="record 2 s several times, or set `allow_long` if you can lose this replica",
                parameter="duration_ns",
            )
        if self.duration_ns > DURATION_ALLOWED_LONG_MAX_NS:
            raise UsageError(f"{duration_s}, more than 10 minutes", parameter="duration_ns")

    def _check_ranges(self) -> None:
        if self.host_tracer_level not in TRACER_LEVELS:
            raise UsageError(
                f"`host_tracer_level` is {self.host_tracer_level}, it must be 1, 2 or 3",
                parameter="host_tracer_level",
            )
        if not 0 < self.max_bytes <= RECEIVE_MAX_BYTES:
            raise UsageError(
                f"`max_bytes` is {self.max_bytes:,}, it must be 1 to {RECEIVE_MAX_BYTES:,}",
                cause="a server cannot send a trace of 2 GiB or more",
                parameter="max_bytes",
            )
        if not 1 <= self.gpu_rate_hz <= GPU_RATE_MAX_HZ:
            raise UsageError(
                f"`gpu_rate_hz` is {self.gpu_rate_hz}, it must be 1 to {GPU_RATE_MAX_HZ}",
                parameter="gpu_rate_hz",
            )
        for name in ("timeout_ns", "collect_timeout_ns", "wait_limit_ns"):
            if getattr(self, name) <= 0:
                raise UsageError(f"`{name}` must be more than 0", parameter=name)

    def _check_required(self) -> None:
        unknown = sorted(self.require - set(REQUIRABLE))
        contradiction = ""
        if unknown:
            contradiction = f"names {unknown[0]}, the sources are {', '.join(REQUIRABLE)}"
        elif self.metrics == OFF and "metrics" in self.require:
            contradiction = "names metrics, but `metrics` is off"
        elif not self.device_trace and "device-trace" in self.require:
            contradiction = "names device-trace, but GPUs are not traced (`device_trace`)"
        elif not self.dcgm and "dcgm" in self.require:
            contradiction = "names dcgm, but `dcgm` has no URL"
        if contradiction:
            raise UsageError(f"`require` {contradiction}", parameter="require")

    @property
    def duration_ms(self) -> int:
        """Length of the recording in whole ms, as the server is asked for it."""
        return self.duration_ns // MS

    def as_record(self) -> dict[str, Any]:
        """The plan as the manifest stores it, without headers, tokens, URLs and file names."""
        return {
            "duration_ms": self.duration_ms,
            "host_tracer_level": self.host_tracer_level,
            "device_trace": self.device_trace,
            "warmup": self.warmup,
            "max_bytes": self.max_bytes,
            "metrics": "url" if "://" in self.metrics else self.metrics,
            "dcgm": "url" if self.dcgm else "off",
            "stacks": "url" if "://" in self.stacks else self.stacks,
            "gpu_rate_hz": self.gpu_rate_hz,
            "agent": self.agent.address if self.agent else "off",
            "models": list(self.models),
            "require": sorted(self.require),
            "wait_for_traffic": self.wait_for_traffic,
            "probe": self.probe,
        }
