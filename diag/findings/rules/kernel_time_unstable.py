"""The same kernels take twice as long in one run as in another, for no cause that is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, device_is_doubted, judge
from diag.findings.device import shared_gpu
from diag.findings.gpu_clocks import limited_clock
from diag.findings.metrics import check
from diag.findings.sources import GPU
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
    Tier,
)
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.device import KernelSpread

ID = "kernel-time-unstable"
NEEDS = (GPU,)


def find(inputs: RuleInputs) -> Finding | None:
    """Kernels with the same op, grid and rows whose p90 is twice their p10, or more.

    Known causes are left to their own rules: a limited clock, another process, kernels that overlap
    on several streams, lost events.
    """
    analysis = inputs.analysis
    unstable = [each for each in analysis.kernel_spreads if is_unstable(each)]
    if not unstable or _has_known_cause(analysis):
        return None
    over_ns = sum(each.over_ns_per_request for each in unstable)
    lost = min(over_ns / inputs.shares.mean_ns, inputs.shares.by_stage[Stage.COMPUTE])
    if lost < thresholds.CHECK_SLACK:
        return None
    worst = unstable[0]
    confidence, reason = judge(inputs, Basis())
    mean, lost_ns = inputs.shares.mean_ns, inputs.stage_mean_ns(lost)
    return Finding(
        id=ID,
        cause=Stage.COMPUTE.value,
        severity=severity_of(lost),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Kernel `{printable(worst.name, NAME_MAX_CHARS)}` takes {duration(worst.p10_ns)} at "
            f"p10 and {duration(worst.p90_ns)} at p90 for the same {_size(worst)}."
        ),
        evidence=(*_evidence(unstable), _lost(lost_ns)),
        counter_evidence=_counter_evidence(analysis),
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.HOST,
                "Look at what differs between runs: sample clocks, temperature and processes of "
                "the GPU (nvidia-smi dmon -s pucm), and fix its clocks for a comparison "
                "(nvidia-smi -lgc MHZ).",
                risk="Fixed clocks may be lower than those that the GPU reaches by itself.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or give alike inputs one shape, where the work of the kernel depends on values "
                "or lengths in it.",
            ),
        ),
        gain=Gain(
            metric="latency.mean",
            unit="ns",
            now=mean,
            low=mean - lost_ns,
            high=mean,
            method=(
                "The mean request with each such kernel as short as at its p10 (low), or as today "
                "(high): nothing shows what the longer ones have in common."
            ),
        ),
        verify=(check(analysis, "device.kernel_spread", high=thresholds.UNSTABLE_MIN_RATIO),),
        rollback="Let the GPU choose its clocks again (nvidia-smi -rgc).",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=lost_ns,
    )


def is_unstable(spread: KernelSpread) -> bool:
    """Whether a tenth of the times is more than ``UNSTABLE_MIN_RATIO`` of another tenth."""
    is_wide = spread.p90_ns >= thresholds.UNSTABLE_MIN_RATIO * spread.p10_ns
    return is_wide and not spread.is_concurrent


def _has_known_cause(analysis: Analysis) -> bool:
    clock = limited_clock(analysis)
    is_slow = clock is not None and clock.share >= thresholds.CLOCK_LIMITED_MIN_SHARE
    return is_slow or shared_gpu(analysis) is not None or device_is_doubted(analysis)


def _size(spread: KernelSpread) -> str:
    rows = "" if spread.rows < 0 else f"op, grid and {spread.rows} rows"
    return rows or "op and grid"


def _evidence(unstable: list[KernelSpread]) -> tuple[Evidence, ...]:
    worst = unstable[0]
    where = Source("kernels", worst.name)
    rows = () if worst.rows < 0 else (Evidence("rows of these runs", worst.rows, "rows", where),)
    return (
        Evidence("times of the kernel", worst.count, "kernels", where),
        Evidence("p10 of the kernel", worst.p10_ns, "ns", where),
        Evidence("p50 of the kernel", worst.p50_ns, "ns", where),
        Evidence("p90 of the kernel", worst.p90_ns, "ns", where),
        *rows,
        Evidence("kernels with such a difference", len(unstable), "kernels", Source("kernels")),
    )


def _lost(lost_ns: float) -> Evidence:
    return Evidence("request time beyond p10 in these", lost_ns, "ns", Source("ledger", "compute"))


def _counter_evidence(analysis: Analysis) -> tuple[CounterEvidence, ...]:
    unsampled = Unavailable("no GPU was sampled")
    sampled = bool(analysis.sampled_devices)
    return (
        CounterEvidence("a clock limited by power or heat", False if sampled else unsampled),
        CounterEvidence("another process on the GPU", False if sampled else unsampled),
        CounterEvidence("kernels that overlap on several streams", found=False),
    )
