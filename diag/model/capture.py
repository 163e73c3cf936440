"""Capture: everything decoded from one source, with the server's batching parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from diag.model.availability import Unavailable
from diag.model.batching import BatchingParameters as BatchingParameters
from diag.model.caveat import Caveat
from diag.model.client_log import ClientLog
from diag.model.events import Plane
from diag.model.samples import MetricsPair, SampleSeries, ServerInfo
from diag.model.stacks import StackSamples
from diag.model.window import ClockSync, Window

NO_CLIENT_LOG = Unavailable("no client log was given")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Capture:
    """Everything decoded from one source. A part that is missing is Unavailable with its reason.

    Two captures are equal only if they are the same object.

    Attributes:
        name: File name or run name.
        origin_unix_ns: Wall clock of time 0 (``Task Environment``.profile_start_time).
        window: The recorded interval, half-open, ns since the origin.
        tracer_level: Host tracer level (1 to 3), as the profiler session recorded it.
        planes: Host and device planes of the trace.
        host_samples: CPU, memory and throttling of the server's machine during the window.
        gpu_samples: NVML samples during the window, taken locally or by an agent.
        dcgm_samples: Samples of a DCGM exporter during the window.
        probe_samples: Latency of the capture's own status calls during the window.
        stacks: What the threads of a traced Python program ran, sampled during the window.
        metrics: The server's metrics before and after the window.
        server: Models, signatures and batching parameters, as the bundle recorded them.
        batching_parameters: The server's batching parameters: those given when the source was
            opened, else those that the bundle recorded. ``read_from`` says which.
        clocks: Clock offset of each source of samples.
        manifest: The bundle's manifest as plain data.
        trace_errors: Errors that the server's tracers reported (``XSpace.errors``).
        trace_warnings: Warnings that they reported, such as dropped device events.
        caveats: What limits the meaning of the numbers.
        client_log: What clients logged of their calls, as given when the source was opened.
    """

    name: str
    origin_unix_ns: int | Unavailable
    window: Window
    tracer_level: int | Unavailable
    planes: tuple[Plane, ...]
    host_samples: SampleSeries | Unavailable
    gpu_samples: SampleSeries | Unavailable
    dcgm_samples: SampleSeries | Unavailable
    probe_samples: SampleSeries | Unavailable
    stacks: StackSamples | Unavailable
    metrics: MetricsPair | Unavailable
    server: ServerInfo | Unavailable
    batching_parameters: BatchingParameters | Unavailable
    clocks: tuple[ClockSync, ...]
    manifest: dict[str, Any] | Unavailable
    trace_errors: tuple[str, ...]
    trace_warnings: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    client_log: ClientLog | Unavailable = NO_CLIENT_LOG

    def with_client_log(self, log: ClientLog) -> Capture:
        """A copy with what clients logged."""
        return replace(self, client_log=log)

    def with_batching_parameters(self, parameters: BatchingParameters) -> Capture:
        """A copy with these batching parameters in place of its own."""
        return replace(self, batching_parameters=parameters)

    def __repr__(self) -> str:
        events = sum(len(plane.events) for plane in self.planes)
        seconds = self.window.duration_ns / 1e9
        return f"Capture({self.name!r}, {seconds:.3f} s, {events:,} events)"
