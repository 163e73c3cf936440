"""A model version loads while requests are being served."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace, Setting
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "model-load-interference"


def find(inputs: RuleInputs) -> Finding | None:
    """Source of the flag: model_servers/main.cc of tensorflow/serving 9d981c5c."""
    found = find_disturbance(inputs, IdleCause.MODEL_LOAD)
    if found is None:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        what="A model was being loaded",
        remedies=(
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "For the next roll-out: load one model at a time (--num_load_threads=1), away from "
                "the peak, with staggered roll-outs and fewer versions per server.",
                Setting("--num_load_threads", Unavailable("the flag is not in the trace"), 1),
                "Starting the server takes longer.",
            ),
        ),
        verify=(
            replace(
                check(inputs.analysis, "idle.model-load", high=0.01), when="while a model loads"
            ),
        ),
        rollback="Start the server with the earlier --num_load_threads.",
    )
