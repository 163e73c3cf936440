"""Without a client log: the capture's own status calls wait, so calls of clients do as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Source
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.analysis.samples.probe import ProbeLatency
    from diag.findings.inputs import RuleInputs


class SlowProbe(NamedTuple):
    """Status calls that typically take much longer than the fastest of them.

    Attributes:
        probe: All of them.
        p50_ns: Median latency.
        wait_ns: The median minus the least: what is no distance, and varies.
    """

    probe: ProbeLatency
    p50_ns: int
    wait_ns: int

    @property
    def sentence(self) -> str:
        """What was measured, and what it means."""
        return (
            f"A status call of diag takes {duration(self.p50_ns)} at p50 and "
            f"{duration(self.probe.least_ns)} at the least: calls wait before the handler, for "
            "gRPC threads of the server or on the network."
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Its numbers."""
        where = Source("probe")
        return (
            Evidence("status calls", self.probe.time.n, "calls", where),
            Evidence("status call p50", self.p50_ns, "ns", where),
            Evidence("fastest status call", self.probe.least_ns, "ns", where),
            Evidence("slowest status call", self.probe.most_ns, "ns", where),
        )


def find_slow_probe(inputs: RuleInputs) -> SlowProbe | None:
    """None where calls are fast, few, or all alike, as over a long distance."""
    probe, mean_ns = inputs.analysis.probe, inputs.latency.mean_ns
    if isinstance(probe, Unavailable) or isinstance(mean_ns, Unavailable):
        return None
    p50_ns = probe.time.p50_ns
    if isinstance(p50_ns, Unavailable):
        return None
    wait_ns = p50_ns - probe.least_ns
    least = max(thresholds.PROBE_WAIT_MIN_NS, thresholds.STAGE_MIN_SHARE * (mean_ns + wait_ns))
    return SlowProbe(probe, p50_ns, wait_ns) if wait_ns >= least else None
