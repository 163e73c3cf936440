"""More runs at once than the cores can serve: each takes longer by as much as there are more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import cpu_busy, machine_cores, runnable_threads
from diag.findings import thresholds
from diag.findings.batching import batch_threads, from_to, parameter_remedy
from diag.findings.confidence import Basis, judge
from diag.findings.cpu import cpu_evidence, has_busy_neighbours
from diag.findings.metrics import below
from diag.findings.oversubscription import find_oversubscribed
from diag.findings.sources import SERVER_CPU
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
from diag.model.quantity import duration
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.findings.oversubscription import Oversubscribed

ID = "cpu-oversubscribed"
NEEDS = (SERVER_CPU,)


def find(inputs: RuleInputs) -> Finding | None:
    """The server fills the machine's CPU, and runs take longer by as much as there are more.

    Every run uses as many threads as --tensorflow_intra_op_parallelism says (0: one a core), so
    that a second one at a time finds no core free. Source of the flags: model_servers/main.cc of
    tensorflow/serving 9d981c5c.
    """
    analysis = inputs.analysis
    busy, cores = cpu_busy(analysis), machine_cores(analysis)
    if inputs.on_device or isinstance(busy, Unavailable) or isinstance(cores, Unavailable):
        return None
    if busy < thresholds.CPU_FULL_RATIO or has_busy_neighbours(analysis):
        return None
    found = find_oversubscribed(inputs)
    if found is None or found.most_ns < thresholds.CHECK_SLACK * inputs.shares.mean_ns:
        return None
    confidence, reason = judge(inputs, Basis(on_device=False))
    mean = inputs.shares.mean_ns
    return Finding(
        id=ID,
        cause=Stage.COMPUTE.value,
        severity=severity_of(found.most_ns / mean),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"A run takes {duration(found.few.mean_ns)} with {found.few.at_once:.1f} at once and "
            f"{duration(found.many.mean_ns)} with {found.many.at_once:.1f}: on {cores} cores that "
            f"are {busy:.0%} busy, more at once only wait for each other."
        ),
        evidence=(*_evidence(found), *cpu_evidence(analysis), *_runnable(analysis)),
        counter_evidence=(_few_runnable(analysis, cores),),
        remedies=(*_fewer_batches(analysis), _fewer_threads(cores)),
        gain=Gain(
            metric="latency.mean",
            unit="ns",
            now=mean,
            low=mean - found.most_ns,
            high=mean - found.least_ns,
            method=(
                "The mean request where runs that begin together go one by one (low), or where "
                "each waits for as many others as run with it today (high)."
            ),
        ),
        verify=below(analysis, "latency.mean", 1 - thresholds.CHECK_SLACK / 2),
        rollback="Start the server with the earlier flags and parameters.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=found.most_ns,
    )


def _evidence(found: Oversubscribed) -> tuple[Evidence, ...]:
    where = Source("trace", "runs of the most frequent size")
    return tuple(
        Evidence(f"{name}, {which}", value, unit, where)
        for which, crowd in (("fewest at once", found.few), ("most at once", found.many))
        for name, value, unit in (
            ("runs at once", crowd.at_once, "runs"),
            ("time of a run", crowd.mean_ns, "ns"),
            ("runs", crowd.runs, "runs"),
        )
    )


def _runnable(analysis: Analysis) -> tuple[Evidence, ...]:
    threads = runnable_threads(analysis)
    if isinstance(threads, Unavailable):
        return ()
    return (Evidence("threads that could run", threads, "threads", Source("samples", "host")),)


def _few_runnable(analysis: Analysis, cores: int) -> CounterEvidence:
    threads = runnable_threads(analysis)
    is_unknown = isinstance(threads, Unavailable)
    return CounterEvidence(
        "no more threads that could run than cores",
        threads if isinstance(threads, Unavailable) else threads <= cores,
        "" if is_unknown else f"{threads:.1f} on average",
    )


def _fewer_batches(analysis: Analysis) -> tuple[Remedy, ...]:
    if not analysis.queues:
        return ()
    setting = batch_threads(analysis)
    return (
        parameter_remedy(
            analysis,
            f"Run fewer batches at once: lower num_batch_threads{from_to(setting)}.",
            setting,
            "With cores to spare, less is done at once.",
        ),
    )


def _fewer_threads(cores: int) -> Remedy:
    return Remedy(
        RemedyKind.FLAG,
        RemedyPlace.SERVER_FLAG,
        "Let each run use fewer threads: lower --tensorflow_intra_op_parallelism (and "
        f"OMP_NUM_THREADS) until threads times runs at once are about {cores}, the cores.",
        risk="A run alone takes longer.",
    )
