"""Ops take long while the server's threads do not run: maybe they wait for a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.cpu import cpu_evidence
from diag.findings.metrics import below
from diag.findings.off_cpu import find_off_cpu
from diag.findings.sources import SERVER_CPU
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import Confidence

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.findings.off_cpu import OffCpu

ID = "lock-contention"
NEEDS = (SERVER_CPU,)
_TOP_OPS = 3


def find(inputs: RuleInputs) -> Finding | None:
    """Ops at work for much longer than the CPU time of the whole server.

    Source: ``server_cpu_percent`` (/proc/PID/stat) over the same window. No event shows a lock, so
    that this is what is left when the CPU is neither full nor limited.
    """
    found = find_off_cpu(inputs)
    if found is None:
        return None
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.WARNING,
        confidence=Confidence.LOW,
        confidence_reason=(
            "No source shows what the threads wait for; a lock, reading files and other calls that "
            "block look the same."
        ),
        what=(
            f"Ops are at work {found.working:.0%} of the time, but the server uses "
            f"{found.cores:.2f} cores: its threads mostly do not run, maybe because they wait "
            "for a lock."
        ),
        evidence=_evidence(inputs, found),
        counter_evidence=(
            CounterEvidence("a CPU that is full, which keeps threads waiting, too", found=False),
            CounterEvidence("CPU throttling", found=False),
        ),
        remedies=(
            Remedy(
                RemedyKind.CAPTURE,
                RemedyPlace.HOST,
                "Look at what the threads wait for while requests run: perf trace -e futex "
                "-p PID, or offcputime (bcc).",
                risk="Tracing system calls slows the server meanwhile.",
            ),
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "Or compare with fewer threads, which wait for each other less: half of today's "
                "--tensorflow_inter_op_parallelism and num_batch_threads.",
                risk="Where the threads wait for something else, less is done at once.",
            ),
        ),
        gain=Unavailable("what the threads wait for is not known"),
        verify=below(inputs.analysis, "latency.mean", 0.9),
        rollback="Start the server with the earlier flags.",
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.shares.mean_ns * found.off / found.working,
    )


def _evidence(inputs: RuleInputs, found: OffCpu) -> tuple[Evidence, ...]:
    name = "" if inputs.gaps is None else inputs.gaps.timeline.name
    return (
        Evidence("ops at work", found.working, "ratio", Source("idle", name)),
        *cpu_evidence(inputs.analysis),
        *(
            Evidence(f"time in {op.op_type}", op.total_ns, "ns", Source("host_ops", op.op_type))
            for op in inputs.analysis.ops[:_TOP_OPS]
        ),
    )
