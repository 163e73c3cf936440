"""Decoding, resizing, parsing and the like run inside the served graph, before the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batching import batch_threads, from_to, parameter_remedy
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence, if_free_cores, order_by_cores
from diag.findings.loop import serial_loop
from diag.findings.metrics import check
from diag.findings.shares import preprocesses_in_batches
from diag.findings.waits import Wait, WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    Check,
    Evidence,
    Finding,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "preprocessing-in-graph"
CAUSES = (IdleCause.PREPROCESS,)
_OPS_NAMED = 2


def find(inputs: RuleInputs) -> Finding | None:
    """Preprocessing takes a large share of request time, or keeps the device idle.

    Which ops preprocess: the table in docs/attribution.md, and on a GPU what runs before the
    first device work. A serial loop is a finding of its own.
    """
    wait = find_wait(inputs, (Stage.PREPROCESS,), CAUSES)
    if wait is None or serial_loop(inputs.analysis) is not None:
        return None
    ops = _ops(inputs.analysis)
    named = " (" + " and ".join(f"`{op}`" for op in ops) + ")" if ops else ""
    words = WaitWords(
        of_requests=f"in preprocessing ops inside the graph{named}",
        of_idle=f"while the CPU runs preprocessing ops{named}",
    )
    return wait_finding(
        inputs,
        wait,
        words,
        Basis(on_op_types=True),
        rule=ID,
        cause=Stage.PREPROCESS.value,
        causes=CAUSES,
        evidence=(*_op_evidence(inputs.analysis), *cpu_evidence(inputs.analysis)),
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Move preprocessing out of the serving graph, to the client or to a separate CPU "
                "service.",
                risk="Clients send larger inputs, and every client has to change with it.",
            ),
            *_more_at_once(inputs.analysis),
        ),
        gain=_gain(inputs, wait),
        verify=_checks(inputs, wait),
        rollback="Serve the earlier version of the model.",
    )


def _op_evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    ops = [op for op in analysis.ops if op.is_preprocess][:_OPS_NAMED]
    return tuple(
        Evidence(f"time in {op.op_type}", op.total_ns, "ns", Source("host_ops", op.op_type))
        for op in ops
    )


def _ops(analysis: Analysis) -> list[str]:
    """Those with most time."""
    names = [op.op_type for op in analysis.ops if op.is_preprocess]
    return [printable(name, NAME_MAX_CHARS) for name in names[:_OPS_NAMED]]


def _more_at_once(analysis: Analysis) -> tuple[Remedy, ...]:
    """More threads for it, unless the machine has no core for them."""
    free = if_free_cores(analysis)
    risk = "With no free core, each request takes longer and nothing is gained."
    if preprocesses_in_batches(analysis):
        setting = batch_threads(analysis)
        more = parameter_remedy(
            analysis,
            f"Preprocess more batches at once: raise num_batch_threads{from_to(setting)}{free}.",
            setting,
            risk,
        )
    else:
        more = Remedy(
            RemedyKind.FLAG,
            RemedyPlace.SERVER_FLAG,
            f"Preprocess more requests at once: raise --tensorflow_inter_op_parallelism{free}.",
            risk=risk,
        )
    return order_by_cores(analysis, more, ())


def _checks(inputs: RuleInputs, wait: Wait) -> tuple[Check, ...]:
    """Half of the preprocessing is gone, and requests are shorter by as much."""
    halved = wait_halved(inputs, wait, CAUSES)
    if not wait.in_requests:
        return halved
    faster_ns = inputs.shares.mean_ns - wait.mean_ns / 2
    return (*halved, check(inputs.analysis, "latency.mean", high=faster_ns))


def _gain(inputs: RuleInputs, wait: Wait) -> Gain | Unavailable:
    if not wait.in_requests:
        return Unavailable("the time is the GPU's; how requests would speed up is not computed")
    mean = inputs.shares.mean_ns
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - wait.mean_ns,
        high=mean - wait.mean_ns,
        method=(
            "The mean request without its preprocessing. The same work is then done elsewhere, "
            "before the request."
        ),
    )
