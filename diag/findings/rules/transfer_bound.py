"""Copies between host and GPU take a large part of the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.confidence import Basis
from diag.findings.detour import is_mostly_detour
from diag.findings.device import cost_evidence
from diag.findings.disturbance import find_disturbance
from diag.findings.egress import find_egress
from diag.findings.metrics import below
from diag.findings.shares import top_model
from diag.findings.sources import GPU
from diag.findings.waits import Wait, WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace, Tier
from diag.model.gaps import IdleCause
from diag.model.quantity import byte_size
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "transfer-bound"
NEEDS = (GPU,)
# ratio of the bytes copied to the GPU. Fewer bytes back are not worth a change of clients.
_NOTABLE = 0.1
CAUSES = (IdleCause.TRANSFER,)
WORDS = WaitWords(
    of_requests="copying between host and GPU",
    of_idle="for the CPU to prepare copies",
)
_STAGES = (Stage.TRANSFER_IN, Stage.TRANSFER_OUT)


def find(inputs: RuleInputs) -> Finding | None:
    """Copies take a large share of request time, or preparing them keeps the GPU idle.

    Not where most of them go back and forth within a run: fewer bytes would not help.
    """
    wait, tier = _wait(inputs)
    if wait is None or is_mostly_detour(inputs, wait.share) or _is_egress(inputs):
        return None
    found = wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(),
        rule=ID,
        cause=IdleCause.TRANSFER.value,
        causes=CAUSES,
        evidence=cost_evidence(inputs.analysis),
        remedies=_remedies(inputs),
        gain=Unavailable("how many of the bytes are needed is not known from one recording"),
        verify=(
            *below(inputs.analysis, "device.bytes_in_per_request", 0.5),
            *wait_halved(inputs, wait, CAUSES),
        ),
        rollback="Serve the earlier version of the model, and send the earlier inputs.",
    )
    return found if tier is None else replace(found, tier=tier)


def _is_egress(inputs: RuleInputs) -> bool:
    """Whether it is mostly about large outputs, which egress-heavy reports."""
    by_stage = inputs.shares.by_stage
    return find_egress(inputs) is not None and (
        by_stage[Stage.TRANSFER_OUT] >= by_stage[Stage.TRANSFER_IN]
    )


def _remedies(inputs: RuleInputs) -> tuple[Remedy, ...]:
    """Smaller inputs; fewer outputs where these are a notable part of the bytes."""
    smaller = Remedy(
        RemedyKind.MODEL,
        RemedyPlace.SAVED_MODEL,
        f"Copy less{_now(inputs)}: export a signature with smaller inputs (uint8 in place of "
        "float32, cast on the GPU), and let clients send these.",
        risk="The model and all its clients have to change together.",
    )
    cost = top_model(inputs.analysis)
    if cost is None or isinstance(cost.bytes_in_per_request, Unavailable):
        return (smaller,)
    out = cost.bytes_out_per_request
    if isinstance(out, Unavailable) or out < _NOTABLE * cost.bytes_in_per_request:
        return (smaller,)
    fewer = Remedy(
        RemedyKind.CLIENT,
        RemedyPlace.CLIENT_CODE,
        f"Ask for fewer outputs (output_filter): {byte_size(out)} a request are copied back.",
        risk="None, as long as no client reads the other outputs.",
    )
    return (smaller, fewer)


def _wait(inputs: RuleInputs) -> tuple[Wait | None, Tier | None]:
    """Also where it is the largest cause of idle time and holds requests up as a disturbance."""
    wait = find_wait(inputs, _STAGES, CAUSES)
    found = find_disturbance(inputs, IdleCause.TRANSFER) if inputs.on_device else None
    if found is None or not found.is_largest:
        return wait, None
    if wait is None:
        idle = inputs.idle_ratio(CAUSES)
        share = sum(inputs.shares.by_stage[stage] for stage in _STAGES)
        mean_ns = inputs.stage_mean_ns(share)
        wait = Wait(Stage.TRANSFER_IN, share, mean_ns, idle, in_requests=False, in_idle=True)
    return wait, Tier.DISTURBANCE


def _now(inputs: RuleInputs) -> str:
    cost = top_model(inputs.analysis)
    if cost is None or isinstance(cost.bytes_in_per_request, Unavailable):
        return ""
    return f" (now {byte_size(cost.bytes_in_per_request)} a request to the GPU)"
