"""A short recording on the CPU, end to end: JAX's profiler, diag's capture, the server's own log.

JAX has no release for Python 3.10 that this could run on: there conftest.py leaves this file out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES, Parameter, Stage
from tests.gpu.agreement import LogComparison
from tests.gpu.outcome import Outcome, outcome_of
from tests.gpu.record import format_table, main
from tests.gpu.recording import attempts_for, record
from tests.gpu.scenarios import SCENARIOS

SECONDS = 1.5
RECORDED = ("no-demand", "batch-timeout", "slow-preprocess")
MS = 1_000_000

# Between two readings of one clock: a few microseconds, but on cores that other work holds a thread
# may wait for its turn in between.
USUAL_NS, NEARLY_ALL_NS = 1 * MS, 20 * MS


@pytest.fixture(name="outcomes", scope="module")
def _outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    outcomes = {}
    for name in RECORDED:
        folder = tmp_path_factory.mktemp(name)
        record(SCENARIOS[name], folder, "cpu", SECONDS, lambda line: None)
        outcomes[name] = outcome_of(folder)
    return outcomes


@pytest.mark.parametrize("name", RECORDED)
def test_the_planted_cause_is_found(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    planted = SCENARIOS[name].planted
    assert planted.idle is not None
    assert outcome.verdict in planted.verdicts
    if planted.idle is IdleCause.NO_DEMAND:
        decided = 1 - outcome.idle_share(IdleCause.TRACE_EDGE)
        assert outcome.idle_share(planted.idle) >= 0.95 * decided > 0.8
    else:
        log = LogComparison(outcome.analysis, outcome.truth)
        assert log.asked_share(planted.idle) >= 0.95


@pytest.mark.parametrize("name", RECORDED)
def test_idle_time_without_demand_is_what_the_servers_log_says(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    log = LogComparison(outcome.analysis, outcome.truth)
    window_ns = outcome.analysis.capture.window.duration_ns
    said_ns, told_ns = outcome.gaps.no_demand_ns, log.no_demand_ns()
    # Where a batch from before the window may have run unseen, diag does not commit itself.
    undecided_ns = outcome.gaps.by_cause_ns.get(IdleCause.TRACE_EDGE, 0)
    assert told_ns - 0.02 * window_ns - undecided_ns <= said_ns <= told_ns + 0.02 * window_ns
    assert log.starved_without_request_ns() <= 0.001 * window_ns


@pytest.mark.parametrize("name", RECORDED)
def test_the_model_computes_when_the_servers_log_says(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    (timeline,) = outcome.analysis.timelines
    assert not timeline.is_device
    told_ns = LogComparison(outcome.analysis, outcome.truth).computing_set().total_ns
    assert timeline.busy_ns == pytest.approx(told_ns, abs=0.03 * timeline.window.duration_ns)


@pytest.mark.parametrize("name", RECORDED)
def test_every_batch_of_the_log_is_in_the_trace(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    batches = LogComparison(outcome.analysis, outcome.truth).whole_batches()
    logged = [int(row.id) for row in sorted(batches, key=lambda row: row.taken_unix_ns)]
    recorded = {int(each) for each in outcome.analysis.batches.id}
    assert len(logged) >= 3
    # The log's edges lie outside those of the events: a batch at the window's edge may be cut.
    assert len(recorded ^ set(logged)) <= 2
    assert set(logged[2:-2]) <= recorded


@pytest.mark.parametrize("name", RECORDED)
def test_every_request_goes_through_the_batch_that_the_log_names(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    log = LogComparison(outcome.analysis, outcome.truth)
    requests, batches = outcome.analysis.requests, outcome.analysis.batches
    chains = log.chains()
    assert len(chains) >= 0.9 * int(requests.complete.sum()) > 2
    differences = (
        np.array(
            [
                (
                    requests.start_ns[chain.request] - chain.log.run_start_unix_ns,
                    chain.log.run_end_unix_ns - requests.end_ns[chain.request],
                    batches.start_ns[chain.batch] - chain.batch_log.taken_unix_ns,
                    chain.batch_log.ready_unix_ns - batches.run_end_ns[chain.batch],
                )
                for chain in chains
            ]
        )
        + np.array([1, -1, 1, -1]) * log.origin_unix_ns
    )
    assert np.abs(np.median(differences, axis=0)).max() < USUAL_NS
    assert np.quantile(np.abs(differences), 0.9, axis=0).max() < NEARLY_ALL_NS


def test_requests_wait_for_the_timeout_as_long_as_the_log_says(
    outcomes: dict[str, Outcome],
) -> None:
    outcome = outcomes["batch-timeout"]
    log = LogComparison(outcome.analysis, outcome.truth)
    (queue,) = outcome.analysis.batches.queues
    assert isinstance(queue.batch_timeout_ns, Parameter)
    timeout_ns = queue.batch_timeout_ns.value
    assert timeout_ns == 100 * MS
    fill = outcome.analysis.requests.stage_ns[:, STAGES.index(Stage.QUEUE_FILL)]
    differences = [
        fill[chain.request]
        - (
            min(chain.batch_log.first_enqueue_unix_ns + timeout_ns, chain.batch_log.taken_unix_ns)
            - chain.log.enqueue_unix_ns
        )
        for chain in log.chains()
    ]
    assert len(differences) > 20
    assert abs(np.median(differences)) < USUAL_NS


def test_a_trace_names_model_and_threads_as_tensorflow_serving_does(
    outcomes: dict[str, Outcome],
) -> None:
    analysis = outcomes["slow-preprocess"].analysis
    assert [model.model for model in analysis.models] == ["jax:1"]
    names = {line.name for line in analysis.host.lines if len(line.name)}
    assert {"batch_threads_/", "grpc_handler"} <= names
    assert {op.op_type for op in analysis.ops} >= {"DecodeJpeg", "ResizeBilinear", "MatMul"}


def test_the_profiler_hands_out_the_trace_itself(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        manifest = outcome.analysis.capture.manifest
        assert not isinstance(manifest, Unavailable)
        assert manifest["target"]["trace"] == "inline"


def test_recordings_of_a_cpu_are_never_kept_as_a_gpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "out"), "--platform", "cpu", "--keep"]) == 2
    assert "--keep takes recordings of a real GPU only" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_machine_without_a_gpu_is_told_so_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu.record", "--platform", "gpu", "--out", "out"],
        cwd=Path(__file__).parents[2],
        env={"PATH": "", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "error: JAX finds no GPU: " in done.stderr


def test_a_bundle_that_is_too_large_is_recorded_again_smaller() -> None:
    tried = [str(attempt) for attempt in attempts_for(2)]
    assert tried == [
        "2 s at host tracer level 2",
        "2 s at host tracer level 1",
        "1 s at host tracer level 1",
        "0.5 s at host tracer level 1",
        "0.25 s at host tracer level 1",
        "0.125 s at host tracer level 1",
    ]


def test_the_table_is_aligned() -> None:
    assert format_table([("scenario", "bytes"), ("x", "10")]) == "scenario  bytes\nx         10\n"
