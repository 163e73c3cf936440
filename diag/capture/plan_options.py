"""PlanOptions: the fields of CapturePlan as keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import os

    from diag.capture.plan import AgentAccess, ServerRepository, TlsOptions


class PlanOptions(TypedDict, total=False):
    """Keyword arguments of ``capture_bundle``: every field of ``CapturePlan`` but ``server``.

    ``CapturePlan`` describes them and has their defaults.
    """

    duration_ns: int
    host_tracer_level: int
    device_trace: bool
    warmup: bool
    max_bytes: int
    receive_max_bytes: int
    allow_long: bool
    metrics: str
    dcgm: str
    stacks: str
    agent: AgentAccess | None
    rest_port: int
    gpu_rate_hz: int
    models: tuple[str, ...]
    require: frozenset[str]
    tls: TlsOptions | None
    authority: str
    headers: tuple[tuple[str, str | bytes], ...]
    repository: ServerRepository | None
    wait_for_traffic: bool
    wait_limit_ns: int
    batching_parameters: os.PathLike[str] | str
    probe: bool
    timeout_ns: int
    collect_timeout_ns: int
