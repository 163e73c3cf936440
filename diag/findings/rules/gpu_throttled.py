"""A GPU runs below its highest clock, because of power or heat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.gpu_clocks import limited_clock
from diag.findings.metrics import check
from diag.findings.sources import CLOCKS, GPU
from diag.findings.waits import severity_of
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
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.gpu_clocks import LimitedClock
    from diag.findings.inputs import RuleInputs

ID = "gpu-throttled"
NEEDS = (GPU, CLOCKS)
_POWER = Remedy(
    RemedyKind.DEPLOYMENT,
    RemedyPlace.HOST,
    "Raise the GPU's power limit (nvidia-smi -q -d POWER, then nvidia-smi -pl WATTS).",
    risk="The machine needs the power and the cooling for it.",
)
_HEAT = Remedy(
    RemedyKind.DEPLOYMENT,
    RemedyPlace.HOST,
    "Cool the GPU better: fans, air flow, dust, temperature of the room.",
)
_BOARD = Remedy(
    RemedyKind.DEPLOYMENT,
    RemedyPlace.HOST,
    "Check the machine's power supply and cooling (nvidia-smi -q -d PERFORMANCE).",
)
_ELSEWHERE = Remedy(
    RemedyKind.DEPLOYMENT, RemedyPlace.FLEET, "Or move the server to a GPU that is not limited."
)
_CAUSES = {
    "sw-power-cap": ("its power limit", _POWER),
    "sw-thermal-slowdown": ("heat", _HEAT),
    "hw-thermal-slowdown": ("heat", _HEAT),
    "hw-slowdown": ("a hardware slowdown", _BOARD),
    "hw-power-brake-slowdown": ("the machine's power brake", _BOARD),
}


def find(inputs: RuleInputs) -> Finding | None:
    """The clock was limited in many samples, and that costs requests a tenth of their time.

    Source of the reasons: nvml.h (analysis/samples/devices.py). The highest clock is that of the
    GPU's plane (``clock_rate``). Time of kernels grows by the inverse of the clock at most.
    """
    clock = limited_clock(inputs.analysis)
    if clock is None or clock.share < thresholds.CLOCK_LIMITED_MIN_SHARE:
        return None
    in_kernels = inputs.shares.by_stage[Stage.COMPUTE] + inputs.shares.by_stage[Stage.DEVICE_WAIT]
    lost = in_kernels * clock.lost
    if lost < thresholds.CHECK_SLACK:
        return None
    confidence, reason = judge(inputs, Basis())
    cause, remedy = _CAUSES[clock.reason]
    mean, lost_ns = inputs.shares.mean_ns, inputs.stage_mean_ns(lost)
    return Finding(
        id=ID,
        cause=Stage.COMPUTE.value,
        severity=severity_of(lost),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"{printable(clock.device, NAME_MAX_CHARS)} runs at {clock.clock_mhz:.0f} of "
            f"{clock.max_mhz:.0f} MHz in {clock.share:.0%} of its samples, limited by {cause}."
        ),
        evidence=_evidence(clock, in_kernels, lost_ns),
        counter_evidence=(CounterEvidence("a clock near its maximum in all samples", found=False),),
        remedies=(remedy, _ELSEWHERE),
        gain=Gain(
            metric="latency.mean",
            unit="ns",
            now=mean,
            low=mean - lost_ns,
            high=mean,
            method=(
                "The mean request with kernels as much shorter as the clock is lower (low), or "
                "with kernels that wait for memory and do not get faster (high)."
            ),
        ),
        verify=(check(inputs.analysis, "stage.compute.mean", high=_compute_ns(inputs, clock)),),
        rollback="Put the earlier power limit back.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=lost_ns,
    )


def _compute_ns(inputs: RuleInputs, clock: LimitedClock) -> float:
    """Half of what the clock may give back."""
    return inputs.stage_mean_ns(inputs.shares.by_stage[Stage.COMPUTE]) * (1 - clock.lost / 2)


def _evidence(clock: LimitedClock, in_kernels: float, lost_ns: float) -> tuple[Evidence, ...]:
    samples = Source("samples", f"{clock.source} {clock.device}")
    return (
        Evidence("samples with a limited clock", clock.share, "ratio", samples),
        Evidence("mean clock in these samples", clock.clock_mhz, "MHz", samples),
        Evidence("highest clock", clock.max_mhz, "MHz", Source("devices", clock.device)),
        Evidence("share of request time in kernels", in_kernels, "ratio", Source("ledger")),
        Evidence("request time lost to it, at most", lost_ns, "ns", Source("ledger", "compute")),
    )
