"""A loop in the graph preprocesses the rows of a batch one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import machine_cores
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence
from diag.findings.loop import serial_loop
from diag.findings.metrics import check
from diag.findings.sources import LOOPS
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
    from diag.analysis.execution.preprocess_loops import PreprocessLoop
    from diag.findings.inputs import RuleInputs

ID = "serial-preprocessing-loop"
NEEDS = (LOOPS,)
CAUSES = (IdleCause.PREPROCESS,)
_OPS_NAMED = 2
# tensorflow/core/ops/image_ops.cc, 2.21: an image is decoded from a scalar.
_BY_ROW = "Decode"


def find(inputs: RuleInputs) -> Finding | None:
    """Preprocessing is large, and most of it runs in one loop, one iteration at a time."""
    loop = serial_loop(inputs.analysis)
    wait = None if loop is None else find_wait(inputs, (Stage.PREPROCESS,), CAUSES)
    if loop is None or wait is None:
        return None
    name = printable(loop.name, NAME_MAX_CHARS)
    ops = " and ".join(f"`{printable(op, NAME_MAX_CHARS)}`" for op in loop.ops[:_OPS_NAMED])
    where = f"in the loop `{name}`, which runs {ops} for {loop.iterations:.0f} rows a run"
    words = WaitWords(
        of_requests=f"{where}, one after the other",
        of_idle=f"for preprocessing {where}, one after the other",
    )
    return wait_finding(
        inputs,
        wait,
        words,
        Basis(on_op_types=True),
        rule=ID,
        cause=Stage.PREPROCESS.value,
        causes=CAUSES,
        evidence=(*_evidence(loop), *cpu_evidence(inputs.analysis)),
        remedies=(
            *_faster_loop(loop, name),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or move preprocessing out of the serving graph, to the client or to a separate "
                "CPU service.",
                risk="Clients send larger inputs, and every client has to change with it.",
            ),
        ),
        gain=_gain(inputs, wait, loop),
        verify=_checks(inputs, wait),
        rollback="Serve the earlier version of the model.",
    )


def _faster_loop(loop: PreprocessLoop, name: str) -> tuple[Remedy, ...]:
    """Ops on the whole batch first, unless most of the time is in ops that take one row only."""
    is_by_row = loop.ops[0].startswith(_BY_ROW)
    vectorise, at_once = ("Or vectorise", "Let") if is_by_row else ("Vectorise", "Or let")
    whole = Remedy(
        RemedyKind.MODEL,
        RemedyPlace.SAVED_MODEL,
        f"{vectorise} `{name}`: give the ops the whole batch in place of tf.map_fn "
        "(tf.image.resize, tf.io.parse_example and string ops take one), or use "
        "tf.vectorized_map.",
        risk="Ops without a form for batches, such as decoding of images, stay in a loop.",
    )
    parallel = Remedy(
        RemedyKind.MODEL,
        RemedyPlace.SAVED_MODEL,
        f"{at_once} rows run at once: tf.map_fn(..., parallel_iterations=N) with N up to the "
        "number of free cores.",
        risk="With no free core, each row takes longer and nothing is gained.",
    )
    return (parallel, whole) if is_by_row else (whole, parallel)


def _evidence(loop: PreprocessLoop) -> tuple[Evidence, ...]:
    where = Source("trace", loop.name)
    return (
        Evidence("iterations a run", loop.iterations, "iterations", where),
        Evidence("ops of the loop at work at a time", loop.at_once, "ops", where),
        Evidence("time of a run in these ops", loop.run_ns, "ns", where),
        Evidence("share of the time in preprocessing ops", loop.share, "ratio", where),
        Evidence("time in the loop's preprocessing ops", loop.total_ns, "ns", where),
    )


def _checks(inputs: RuleInputs, wait: Wait) -> tuple[Check, ...]:
    """Half of the preprocessing is gone, and requests are shorter by as much."""
    halved = wait_halved(inputs, wait, CAUSES)
    if not wait.in_requests:
        return halved
    faster_ns = inputs.shares.mean_ns - wait.mean_ns / 2
    return (*halved, check(inputs.analysis, "latency.mean", high=faster_ns))


def _gain(inputs: RuleInputs, wait: Wait, loop: PreprocessLoop) -> Gain | Unavailable:
    """With as many rows at once as there are, and cores for them."""
    cores = machine_cores(inputs.analysis)
    if not wait.in_requests:
        return Unavailable("the time is the GPU's; how requests would speed up is not computed")
    if isinstance(cores, Unavailable):
        return Unavailable("how many rows can run at once depends on the cores, which are unknown")
    mean, at_once = inputs.shares.mean_ns, min(loop.iterations, cores)
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - min(wait.mean_ns, loop.run_ns) * (1 - 1 / at_once),
        high=mean,
        method=(
            "The mean request with as many rows at once as there are rows and cores (low), or with "
            "no core free for a second one (high)."
        ),
    )
