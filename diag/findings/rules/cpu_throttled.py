"""The kernel stops the server because its container has used up its CPU limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import throttled_ns
from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.findings.sources import THROTTLING
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Finding, Remedy, RemedyKind, RemedyPlace, Source
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "cpu-throttled"
NEEDS = (THROTTLING,)


def find(inputs: RuleInputs) -> Finding | None:
    """Only where the cgroup's own counter grew (``throttled_usec`` of cpu.stat).

    Without that counter the idle cause is inferred from ready batches that were not started; that
    is no evidence of a CPU limit, and batch-dispatch-slow reports it.
    """
    found = find_disturbance(inputs, IdleCause.THROTTLED)
    counted = throttled_ns(inputs.analysis)
    if found is None or isinstance(counted, Unavailable) or counted <= 0:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        evidence=(
            Evidence(
                "throttled by the cgroup's counter",
                counted,
                "ns",
                Source("samples", "host cgroup_throttled_ns"),
            ),
        ),
        what="Linux throttled the server's CPU",
        why=": its container had used up its CPU limit",
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.CONTAINER,
                "Raise the CPU limit of the server's container, or remove it.",
                risk="Other containers on the machine get less CPU.",
            ),
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "Or run fewer threads: lower --tensorflow_intra_op_parallelism and "
                "--tensorflow_inter_op_parallelism to the number of cores in the limit.",
                risk="Single requests take longer.",
            ),
        ),
        verify=(check(inputs.analysis, "idle.throttled", high=0.01),),
        rollback="Put the earlier CPU limit back.",
    )
