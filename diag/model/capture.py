"""Capture: everything decoded from one source, and BatchingParameters, which may come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diag.model.availability import Caveat, Unavailable
from diag.model.events import Plane
from diag.model.samples import MetricsPair, SampleSeries, ServerInfo
from diag.model.window import ClockSync, Window


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """A batching_parameters_file; ``None`` where the file leaves the server's default.

    Source: tensorflow_serving/servables/tensorflow/session_bundle_config.proto
    (BatchingParameters, fields 1-9), tensorflow/serving 9d981c5c.
    """

    max_batch_size: int | None = None
    batch_timeout_micros: int | None = None
    max_enqueued_batches: int | None = None
    num_batch_threads: int | None = None
    thread_pool_name: str | None = None
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool | None = None
    max_execution_batch_size: int | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Decoded, immutable, complete: what is absent is Unavailable with its reason.

    Attributes:
        name: What to call it: file or run name.
        origin_unix_ns: Wall clock of time 0 (``Task Environment``.profile_start_time).
        window: What was recorded, ns since the origin.
        tracer_level: Host tracer level (1 to 3) by the session's own record of its options.
        planes: Host and device planes.
        host_samples: CPU, memory and throttling over the same window.
        gpu_samples: NVML over the same window, read here or by an agent beside the server.
        dcgm_samples: What a DCGM exporter said over the same window.
        metrics: The server's metrics before and after.
        server: Model status and the like.
        clocks: One for each source beside the trace.
        manifest: The bundle's manifest as plain data.
        trace_errors: What the server's tracers reported as errors (``XSpace.errors``).
        trace_warnings: Likewise, such as dropped device events.
        caveats: What limits the meaning of all this; shown first.
    """

    name: str
    origin_unix_ns: int | Unavailable
    window: Window
    tracer_level: int | Unavailable
    planes: tuple[Plane, ...]
    host_samples: SampleSeries | Unavailable
    gpu_samples: SampleSeries | Unavailable
    dcgm_samples: SampleSeries | Unavailable
    metrics: MetricsPair | Unavailable
    server: ServerInfo | Unavailable
    clocks: tuple[ClockSync, ...]
    manifest: dict[str, Any] | Unavailable
    trace_errors: tuple[str, ...]
    trace_warnings: tuple[str, ...]
    caveats: tuple[Caveat, ...]
