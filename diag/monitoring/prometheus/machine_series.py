"""What is recorded of the machines: GPUs by a DCGM exporter, containers by cAdvisor.

Names: ``capture/samplers/dcgm/fields.py``; docs/storage/prometheus.md of google/cadvisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.samples.devices import CLOCK_LIMITS
from diag.capture.samplers.dcgm.fields import FIELDS
from diag.findings.gpu_clocks import SLOWDOWNS
from diag.monitoring.prometheus.promql import NODE, ON_A_NODE, Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.monitoring.prometheus.timing import Timing


def machine_series(timing: Timing) -> Iterator[Series]:
    """GPUs and containers of targets that have the label ``node``."""
    window = timing.window
    fields = {field.name: field for field in FIELDS}
    active, util = fields["gr_engine_active_ratio"], fields["gpu_util_percent"]
    reasons = fields["throttle_reasons"]
    bits = [bit for bit, name in CLOCK_LIMITS.items() if name in SLOWDOWNS]
    limited = " + ".join(f"floor(tfserving_gpu:clock_reasons:mask / {bit}) % 2" for bit in bits)
    throttled, periods = (
        f"rate(container_cpu_cfs_{each}_total{{{ON_A_NODE}}}[{window}])"
        for each in ("throttled_periods", "periods")
    )
    yield Series(
        "tfserving_gpu:busy:ratio",
        f"avg_over_time({active.metrics[0]}{{{ON_A_NODE}}}[{window}]) <= {active.most:g}\n"
        f"  or (avg_over_time({util.metrics[0]}{{{ON_A_NODE}}}[{window}]) <= {util.most:g}) / 100",
        "ratio",
        "Time that the GPU is at work, whoever uses it.",
    )
    yield Series(
        "tfserving_gpu:clock_reasons:mask",
        " or ".join(f"{each}{{{ON_A_NODE}}} <= {reasons.most:.0f}" for each in reasons.metrics),
        "bit mask",
        "Why the clock is not at its maximum.",
    )
    yield Series(
        "tfserving_gpu:clock_limited:bool",
        f"({limited}) > bool 0",
        "0 or 1",
        "Whether power or heat is among the reasons.",
    )
    yield Series(
        "tfserving_gpu:clock_limited:ratio",
        f"avg_over_time(tfserving_gpu:clock_limited:bool[{window}])",
        "ratio",
        "Share of the samples in which power or heat limits the clock.",
    )
    yield Series(
        "tfserving_container:cpu_throttled:ratio",
        f"{throttled}\n  / ({periods} > 0)\n"
        f"  and on ({NODE}, namespace, pod) tfserving_instance:requests:rate",
        "ratio",
        "Share of the scheduling periods in which Linux stopped a container that had used up its "
        "CPU limit; containers in pods, or on nodes, with TensorFlow Serving.",
    )
