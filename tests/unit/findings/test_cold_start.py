"""Cold starts by name: the op, the batch size, and how long later runs take (µs)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.testing.gpu_server import SCENARIOS, simulate
from tests.unit.analysis.idle.tables import HOST, KERNEL, gpu
from tests.unit.analysis.traces import QUEUE_A, analyzed, capture_of
from tests.unit.findings.servers import unfounded_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.finding import Finding

OP = "dense/gemm:_XlaCompile"


def batches(
    taken: Sequence[tuple[int, int]], *, event: str = OP, inside: str = "", head: str = ""
) -> str:
    """Batches one after the other on one thread, each of rows and µs in an op before its kernel.

    Args:
        taken: Rows and time of each; an op of 20 ms or more bears the name of ``event``.
        event: Name of the slow op.
        inside: Name of an event within the slow op; "" for none.
        head: Further lines of the host.
    """
    callers, thread, pool, kernels, at = "", "line b/1\n", "line tf_Compute/1\n", [], 1000
    for i, (rows, time) in enumerate(taken):
        end = at + 200 + time + 700
        name = event if time >= 20_000 else "dense/gemm:MatMul"
        callers += f"""
        line grpc-{i}
          BatchingSessionRun {at - 500}..{end + 20}us
            ScheduleOutputTask {at - 400}..{at - 399}us size={rows} _p={QUEUE_A + 1 + i}
        """
        thread += f"""
          ProcessBatch {at}..{end}us _c={QUEUE_A + 1 + i} batch_size_before_padding={rows}
            MergeInputTensors {at + 2}..{at + 9}us batch_size_after_padding={rows} padding_amount=0
            SessionRun {at + 50}..{end - 50}us id={i} _p={1000 + i}
        """
        low, high = at + 200, at + 200 + time
        call = f"      {inside} {low + 5}..{high - 5}us\n" if inside and time >= 20_000 else ""
        pool += f"""
          ExecutorState::Process {at + 100}..{end - 100}us id={i} _c={1000 + i}
            {name} {low}..{high}us
{call}
            k {high + 10}..{high + 20}us correlation_id={i + 1}
        """
        kernels.append(f"k {high + 30}..{high + 530}us correlation_id={i + 1} {KERNEL}")
        at = end + 300
    return (
        HOST
        + head
        + callers
        + thread
        + pool
        + f"\nline end\n  Something 0..{at}us\n"
        + gpu(*kernels)
    )


WARM = [(8, 500)] * 12
COLD = [(8, 60_000), *WARM, (16, 90_000), *[(16, 700)] * 12]


def cold_start(text: str) -> Finding:
    (finding,) = (each for each in find(analyzed(text)) if each.id == "cold-start")
    assert not unfounded_numbers(finding.what.split(" of the window")[1], finding.evidence)
    return finding


def values(finding: Finding) -> dict[str, object]:
    return {item.name: item.value for item in finding.evidence}


def test_the_slowest_first_run_is_named_with_its_op_its_size_and_later_runs() -> None:
    finding = cold_start(batches(COLD))
    assert (
        f"the longest in `{OP}`, in a batch of 16 rows that ran for 90.8 ms, later ones 1.50 ms."
    ) in finding.what
    found = values(finding)
    assert found["slowest op of a first run"] == OP
    assert found["time in that op"] == 90_000_000
    assert (
        found["rows of that batch, padding included"],
        found["later runs of the same size"],
    ) == (
        16,
        12,
    )
    sizes = [e.value for e in finding.evidence if e.name == "rows of a batch with a cold start"]
    assert sizes == [8, 16]
    assert (
        "with a record for every batch size (slow here: 8 and 16 rows), and keep"
        in finding.remedies[0].action
    )


def test_a_call_of_the_driver_is_shown_by_the_op_that_made_it() -> None:
    text = batches(COLD, event="dense/gemm:MatMul", inside="cuModuleLoadData")
    assert values(cold_start(text))["slowest op of a first run"] == "dense/gemm:MatMul"


def test_with_the_servers_file_each_allowed_size_is_asked_for() -> None:
    told = BatchingParameters(max_batch_size=32, allowed_batch_sizes=(8, 16, 32))
    capture = replace(capture_of(batches(COLD)), batching_parameters=told)
    (finding,) = (each for each in find(analyze(capture)) if each.id == "cold-start")
    assert (
        "next version, with records of 8, 16 and 32 rows (allowed_batch_sizes), and"
        in finding.remedies[0].action
    )


def test_a_size_that_is_always_slow_speaks_against_a_cold_start() -> None:
    finding = cold_start(batches([(8, 60_000)] * 3))
    (later,) = (e for e in finding.counter_evidence if e.looked_for.startswith("later runs"))
    assert later.found is True


def test_without_a_later_run_of_its_size_nothing_is_compared() -> None:
    finding = cold_start(batches([(8, 60_000), (16, 500)]))
    assert "later ones" not in finding.what
    (later,) = (e for e in finding.counter_evidence if e.looked_for.startswith("later runs"))
    assert isinstance(later.found, Unavailable)


def test_without_batching_the_op_is_named_and_no_size() -> None:
    simulated = simulate(SCENARIOS["cold-start"].plan, seed=1)
    finding = find(analyze(simulated.capture()))[0]
    assert (
        "the longest in `cluster_0_1/xla_compile:_XlaCompile`, in a request that ran for"
        in finding.what
    )
    assert "rows of that batch, padding included" not in values(finding)


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_server_that_compiles_each_batch_size(seed: int) -> None:
    finding = find(analyze(simulate(SCENARIOS["cold-start-by-size"].plan, seed).capture()))[0]
    assert finding.id == "cold-start"
    found = values(finding)
    assert found["slowest op of a first run"] == "cluster_0_1/xla_compile:_XlaCompile"
    assert isinstance(found["rows of that batch, padding included"], int)


def test_the_tail_that_a_cold_start_makes_is_not_said_to_stay() -> None:
    analysis = analyze(simulate(SCENARIOS["cold-start-by-size"].plan, seed=3).capture())
    verdict = conclude(analysis, find(analysis))
    assert verdict.id == "cold-start"
    assert "around p99 take" in verdict.tail
    assert "may not lower p99" not in verdict.tail


def test_a_cold_start_without_batching_is_told_next_to_a_batched_model() -> None:
    text = batches(
        [(8, 500)] * 12, head="line grpc-alone\n  SessionRun 1000..80000us id=99 _p=99\n"
    )
    text = text.replace(
        "line end\n",
        f"line tf_Compute/2\n  ExecutorState::Process 1100..79900us id=99 _c=99\n"
        f"    {OP} 1200..79000us\n      k 79010..79020us correlation_id=99\nline end\n",
    )
    finding = cold_start(f"{text}  k 79030..79530us correlation_id=99 {KERNEL}\n")
    assert "in a request that ran for 79.0 ms" in finding.what
