"""Other processes use most of the machine's CPU: the server's threads may wait for a core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import cpu_busy, machine_cores, server_cores
from diag.findings import thresholds
from diag.findings.cpu import cpu_evidence, is_cpu_of_others
from diag.findings.device import is_contended, is_saturated
from diag.findings.metrics import below
from diag.findings.sources import CPU_SAMPLES
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Said,
    Severity,
    Tier,
)
from diag.model.gaps import Confidence

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "other-processes-on-cpu"
NEEDS = (CPU_SAMPLES,)


def find(inputs: RuleInputs) -> Finding | None:
    """The machine's CPU is full, and most of what is used is not this server's.

    Source: samples of the same window (/proc/stat of the machine, /proc/PID/stat of the server).
    Not where what executes is busy all the time and requests wait for it: then the server itself is
    at capacity. A full CPU does not prove a wait: processes of low priority give way to the server.
    """
    analysis = inputs.analysis
    if not is_cpu_of_others(analysis) or (is_saturated(inputs) and is_contended(inputs)):
        return None
    busy, server, cores = cpu_busy(analysis), server_cores(analysis), machine_cores(analysis)
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        confidence_reason=(
            "The samples over the same window show who uses the CPU. Nothing shows how long the "
            "server's threads wait for a core."
        ),
        what=(
            f"Other processes use the CPU: the machine is {busy:.0%} busy, and the server uses "
            f"{server:.2f} of {cores} cores, so that its threads may have to wait for a core."
        ),
        evidence=cpu_evidence(analysis),
        counter_evidence=(
            CounterEvidence("model execution that is busy all the time", is_saturated(inputs)),
        ),
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.HOST,
                "Move the other processes off this machine, or reserve cores for the server "
                "(CPU requests, cpuset).",
            ),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or move the server to another machine.",
            ),
        ),
        gain=Unavailable("the trace does not show how long a thread waits for a core"),
        verify=below(analysis, "latency.p99", 1 - thresholds.CHECK_SLACK),
        rollback="Put the other processes back.",
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.shares.mean_ns,
        says=frozenset({Said.NEIGHBOURS}),
    )
