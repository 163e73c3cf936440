"""Turning batching on: where many requests run at once, each in a run of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import round_125
from diag.findings.device import is_saturated
from diag.findings.inter_op import inter_op_threads
from diag.findings.interference import find_interference
from diag.findings.open_requests import most_unbatched
from diag.findings.shares import sum_shares
from diag.findings.waits import find_wait
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Remedy, RemedyKind, RemedyPlace, Setting, Source
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import MODES, Mode, Stage, StageGroup

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

# The flag; what it is set to are the parameters of the file.
ENABLE_BATCHING = "enable_batching"


@dataclass(frozen=True, slots=True)
class EnableBatching:
    """The advice to turn batching on, how to undo it, and the numbers it rests on."""

    remedy: Remedy
    rollback: str
    evidence: tuple[Evidence, ...]


def enable_batching(analysis: Analysis, threads: int = 1) -> EnableBatching | None:
    """The advice; None unless enough requests of one model are open at a time, each unbatched.

    Args:
        analysis: With the requests.
        threads: How many runs the server executes at a time: ``UNBATCHED_OPEN_MIN`` requests must
            be open for each.

    What a row costs in a batch is not in a recording without batches, so that the gain is not
    known. Source of the flags: model_servers/main.cc of tensorflow/serving 9d981c5c.
    """
    most = most_unbatched(analysis)
    if most is None or most.mean < thresholds.UNBATCHED_OPEN_MIN * max(1, threads):
        return None
    shares = sum_shares(analysis, most.model)
    if shares is None:
        return None
    run_ns = shares.group(StageGroup.COMPUTE) * shares.mean_ns
    rows = min(thresholds.FIRST_SIZE_MAX, 2 ** math.floor(math.log2(most.mean)))
    timeout_us = round_125(run_ns / 2 / 1000)
    name = printable(most.model, NAME_MAX_CHARS)
    values = f"max_batch_size {rows}, batch_timeout_micros {timeout_us}"
    opened = f"{most.mean:.0f} requests of {name} are open at a time, each in a run of its own"
    return EnableBatching(
        remedy=Remedy(
            RemedyKind.FLAG,
            RemedyPlace.SERVER_FLAG,
            f"{_action(analysis, name, values)} {opened}. The first dimension of its inputs must "
            "be a batch dimension of any size.",
            Setting(ENABLE_BATCHING, now=Unavailable("not batched"), to=values),
            risk="Requests wait for a batch to fill. Requests whose inputs cannot be joined fail "
            "with INVALID_ARGUMENT. If clients send many rows in a request, little is gained.",
        ),
        rollback=_rollback(analysis, name),
        evidence=(
            Evidence(
                "unbatched requests open at a time", most.mean, "requests", Source("requests")
            ),
            Evidence(
                "mean time in the model", run_ns, "ns", Source("ledger", f"{most.model} compute")
            ),
        ),
    )


def batching_instead_of_threads(inputs: RuleInputs) -> EnableBatching | None:
    """The advice, where requests wait for inter-op threads and none of these is another model's.

    Where one model waits for the runs of another one, batching the first does not help it.
    """
    analysis = inputs.analysis
    wait = find_wait(inputs, (Stage.QUEUE_EXECUTOR,))
    if wait is None or not wait.in_requests:
        return None
    if find_interference(analysis, Stage.QUEUE_EXECUTOR) is not None:
        return None
    # A GPU executes one run at a time: where it is busy, the threads wait for it.
    is_full = inputs.on_device and is_saturated(inputs)
    return enable_batching(analysis, 1 if is_full else inter_op_threads(analysis))


def _batches_others(analysis: Analysis) -> bool:
    """Whether the server batches requests of other models, so that its flag is set already."""
    modes = analysis.requests.mode_index
    return bool((modes == MODES.index(Mode.BATCHING_SESSION)).any())


def _action(analysis: Analysis, name: str, values: str) -> str:
    """Source of the flag for one model: server_core.cc and main.cc of serving 9d981c5c."""
    if _batches_others(analysis):
        return (
            f"Batch {name} too: with --enable_per_model_batching_parameters, a "
            f"batching_params.pbtxt ({values}) in the folder of its version."
        )
    return f"Turn batching on: --enable_batching with a --batching_parameters_file ({values})."


def _rollback(analysis: Analysis, name: str) -> str:
    if _batches_others(analysis):
        return f"Remove batching_params.pbtxt of {name}."
    return "Start the server without --enable_batching."
