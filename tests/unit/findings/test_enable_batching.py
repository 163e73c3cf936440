"""Turning batching on: advised where many requests of one model run unbatched at once."""

from __future__ import annotations

from diag.findings import find
from diag.findings.enable_batching import enable_batching
from diag.model.finding import RemedyPlace
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, sessions, unbatched, unfounded_numbers


def test_it_leads_where_unbatched_requests_wait_for_the_pool() -> None:
    first = find(analyzed(unbatched(10, 5)))[0]
    assert first.id == "batching-disabled"
    assert first.cause == "queue-executor"
    assert not unfounded_numbers(first.what, first.evidence)
    assert "executor-pool-saturated" not in [each.id for each in find(analyzed(unbatched(10, 5)))]
    remedy = first.remedies[0]
    assert remedy.place is RemedyPlace.SERVER_FLAG
    assert remedy.action == (
        "Turn batching on: --enable_batching with a --batching_parameters_file (max_batch_size 8, "
        "batch_timeout_micros 200). 10 requests of unnamed model are open at a time, each in a run "
        "of its own. The first dimension of its inputs must be a batch dimension of any size."
    )
    said = remedy.action.partition("). ")[2]
    assert not unfounded_numbers(said, first.evidence)
    assert first.rollback == "Start the server without --enable_batching."
    assert [check.metric for check in first.verify] == ["stage.queue-executor.mean", "latency.mean"]


def test_just_below_it_threads_are_the_advice() -> None:
    first = find(analyzed(unbatched(3, 12, burst=330)))[0]
    assert first.id == "executor-pool-saturated"


def test_not_with_few_requests_at_a_time() -> None:
    assert enable_batching(analyzed(unbatched(3, 5))) is None
    assert enable_batching(analyzed(unbatched(5, 5))) is not None


def test_not_where_requests_are_batched_already() -> None:
    assert enable_batching(analyzed(sessions(5), AT_ONCE)) is None


def test_where_other_models_are_batched_the_model_gets_a_file_of_its_own() -> None:
    batched = sessions(1).replace("grpc", "grpc-99").replace("tf_Compute/1", "tf_Compute/2")
    advice = enable_batching(analyzed(batched + unbatched(10, 5), AT_ONCE))
    assert advice is not None
    assert advice.remedy.action.startswith(
        "Batch unnamed model too: with --enable_per_model_batching_parameters, a "
        "batching_params.pbtxt (max_batch_size 8, batch_timeout_micros "
    )
    assert advice.rollback == "Remove batching_params.pbtxt of unnamed model."
