"""Full batches wait for a thread, and larger ones would serve rows in less time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batch_size import all_full_share, larger_known_size
from diag.findings.batching import restore
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence
from diag.findings.interference import find_interference
from diag.findings.metrics import not_above
from diag.findings.more_threads import thread_remedies
from diag.findings.sources import BATCHES, BATCHES_BY_SIZE
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Source
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.batch_size import LargerSize
    from diag.findings.inputs import RuleInputs

ID = "batch-size-too-small"
NEEDS = (BATCHES, BATCHES_BY_SIZE)
CAUSES = (IdleCause.BATCH_THREADS_IN_HOST_WORK,)


def find(inputs: RuleInputs) -> Finding | None:
    """Requests wait behind full batches, and t(b) shows that a row costs less in larger ones.

    Where t(b) is not known, or another model holds the threads, batch-threads-saturated tells it.
    """
    analysis = inputs.analysis
    larger = larger_known_size(analysis)
    wait = find_wait(inputs, (Stage.QUEUE_THREAD,), CAUSES)
    if larger is None or wait is None or not wait.in_requests:
        return None
    if find_interference(analysis, Stage.QUEUE_THREAD) is not None:
        return None
    full = all_full_share(analysis)
    full_evidence = () if isinstance(full, Unavailable) else (full,)
    now = larger.setting.now
    return wait_finding(
        inputs,
        wait,
        WaitWords(
            of_requests=f"waiting behind full batches of {now} rows, although larger ones would "
            "take less time for a row",
            of_idle="while all batch threads do host work",
        ),
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_THREAD.value,
        causes=CAUSES,
        evidence=(
            Evidence(
                "max_batch_size",
                0 if isinstance(now, Unavailable) else now,
                "rows",
                Source("batches"),
            ),
            *(
                Evidence("batches that were full", each, "ratio", Source("batches"))
                for each in full_evidence
            ),
            *cpu_evidence(analysis),
            *larger.evidence,
        ),
        counter_evidence=(_is_extrapolated(larger),),
        remedies=(
            larger.remedy,
            *thread_remedies(analysis),
        ),
        gain=Unavailable("how waiting falls with other settings needs a simulation of the queue"),
        verify=(*wait_halved(inputs, wait, CAUSES), *not_above(analysis, "latency.mean")),
        rollback=restore(larger.setting),
    )


def _is_extrapolated(larger: LargerSize) -> CounterEvidence:
    """Whether the size is beyond the recorded ones, where its time is not measured."""
    to, recorded = larger.setting.to, larger.recorded_rows
    return CounterEvidence(
        "a size beyond the recorded ones, whose time is extrapolated",
        not isinstance(to, Unavailable) and float(to) > recorded,
        f"the largest recorded batch had {recorded} rows",
    )
