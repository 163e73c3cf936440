"""The metrics of TensorFlow Serving's Prometheus page that this server can measure.

Names, labels, units and bucket limits: servables/tensorflow/util.cc and
util/prometheus_exporter.cc, tensorflow/serving 9d981c5c; gauges of in-graph batching:
core/kernels/batching_util/batch_resource_base.cc, TensorFlow 2.21. Counters of TensorFlow's runtime
are missing, as Python cannot read the C++ registry, except the sizes of in- and outputs
(core/common_runtime/metrics.cc, TensorFlow 2.21), which Python sees as well.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from itertools import accumulate

# monitoring::Buckets::Exponential(10, 1.8, 33), in microseconds.
LATENCY_LIMITS_MICROS: tuple[float, ...] = tuple(10 * 1.8**i for i in range(33))
# monitoring::Buckets::Exponential(1, 4, 14), in bytes.
SIZE_LIMITS_BYTES: tuple[float, ...] = tuple(4.0**i for i in range(14))
Labels = tuple[tuple[str, str], ...]


# TensorFlow Serving declares its metrics before their first value.
_DECLARED: dict[str, set[str]] = {
    "counter": {":tensorflow:serving:request_count"},
    "gauge": set(),
    "histogram": {":tensorflow:serving:request_latency", ":tensorflow:serving:runtime_latency"},
}


class _Histogram:
    def __init__(self, limits: tuple[float, ...]) -> None:
        self.limits = limits
        self.counts = [0] * (len(limits) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        # TensorFlow's buckets are [low, high): a value equal to a limit belongs to the next bucket.
        self.counts[bisect_right(self.limits, value)] += 1
        self.sum += value


class ServerMetrics:
    """Counts and latencies of one server; all methods are thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, Labels], int] = {}
        self._gauges: dict[tuple[str, Labels], int] = {}
        self._histograms: dict[tuple[str, Labels], _Histogram] = {}

    def count_request(self, model: str, status: str) -> None:
        """Count a request in ``request_count``, with any status."""
        key = (":tensorflow:serving:request_count", (("model_name", model), ("status", status)))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + 1

    def add_latency(self, model: str, *, entrypoint: str, request_ns: int, runtime_ns: int) -> None:
        """Add an OK request to ``request_latency`` and ``runtime_latency``.

        Args:
            model: Name of the model.
            entrypoint: ``GRPC`` or ``REST``; it also sets the spelling of the label API.
            request_ns: Time from begin to end of the handler.
            runtime_ns: Time in Session::Run, batching queue included.
        """
        api = "Predict" if entrypoint == "GRPC" else "predict"
        named = (("model_name", model), ("API", api))
        with self._lock:
            self._add_latency("request_latency", (*named, ("entrypoint", entrypoint)), request_ns)
            self._add_latency("runtime_latency", (*named, ("runtime", "TF1")), runtime_ns)

    def add_run(self, input_bytes: int, output_bytes: int) -> None:
        """Add one Session::Run to ``graph_run_input_tensor_bytes`` and ``…output…``."""
        with self._lock:
            for side, size in (("input", input_bytes), ("output", output_bytes)):
                name = f":tensorflow:core:graph_run_{side}_tensor_bytes"
                self._add(name, (), size, SIZE_LIMITS_BYTES)

    def set_batching_gauge(self, gauge: str, labels: Labels, value: int) -> None:
        """Set a gauge of in-graph batching, e.g. ``max_batch_size``."""
        with self._lock:
            self._gauges[(f":tensorflow:serving:batching:{gauge}", labels)] = value

    def render(self) -> str:
        """The page as Prometheus text, in TensorFlow Serving's form."""
        with self._lock:
            lines: list[str] = []
            for kind, scalars in (("counter", self._counters), ("gauge", self._gauges)):
                for name in sorted({name for name, _ in scalars} | _DECLARED[kind]):
                    lines.append(f"# TYPE {name} {kind}")
                    lines += [
                        f"{name}{_braced(labels)} {value}"
                        for (other, labels), value in scalars.items()
                        if other == name
                    ]
            for name in sorted({name for name, _ in self._histograms} | _DECLARED["histogram"]):
                lines.append(f"# TYPE {name} histogram")
                for (other, labels), histogram in self._histograms.items():
                    if other == name:
                        lines += _histogram_lines(name, labels, histogram)
        return "\n".join(lines) + "\n"

    def _add_latency(self, metric: str, labels: Labels, duration_ns: int) -> None:
        name = f":tensorflow:serving:{metric}"
        self._add(name, labels, duration_ns / 1000, LATENCY_LIMITS_MICROS)

    def _add(self, name: str, labels: Labels, value: float, limits: tuple[float, ...]) -> None:
        self._histograms.setdefault((name, labels), _Histogram(limits)).add(value)


def _histogram_lines(name: str, labels: Labels, histogram: _Histogram) -> list[str]:
    limits = [f"{limit:g}" for limit in histogram.limits] + ["+Inf"]
    totals = list(accumulate(histogram.counts))
    lines = [
        f"{name}_bucket{_braced((*labels, ('le', limit)))} {total}"
        for limit, total in zip(limits, totals, strict=True)
    ]
    return [
        *lines,
        f"{name}_sum{_braced(labels)} {histogram.sum!r}",
        f"{name}_count{_braced(labels)} {totals[-1]}",
    ]


def _braced(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}"
