"""The kernel stops the server because its container has used up its CPU limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "cpu-throttled"


def find(inputs: RuleInputs) -> Finding | None:
    """Evidence: ``throttled_usec`` of the cgroup's cpu.stat grew while the device was idle."""
    found = find_disturbance(inputs, IdleCause.THROTTLED)
    if found is None:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
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
