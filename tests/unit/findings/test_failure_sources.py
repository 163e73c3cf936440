"""Failed requests: what trace and metrics each prove of a cause, and what neither does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.analysis.samples.metrics import ModelMetrics
from diag.findings import find
from diag.findings.failed import failed_requests
from diag.findings.failed_answers import FailureCause
from diag.model.availability import Unavailable
from diag.model.finding import Tier
from diag.model.gaps import Confidence
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.failing import FILE, UNKNOWN, given_up, ran, refused, server, unscheduled
from tests.unit.findings.servers import IDLE_END, second_model, sessions

if TYPE_CHECKING:
    from diag.analysis import Analysis


def test_answers_beyond_those_that_the_trace_explains_keep_no_cause() -> None:
    """A wrong signature gives the same status before the batcher, which the trace does not show."""
    findings = find(server(unscheduled(1), {"OK": 40, "INVALID_ARGUMENT": 200}))
    first = findings[0]
    assert (first.id, first.confidence) == ("requests-failed", Confidence.MEDIUM)
    assert first.what.startswith("83% of requests failed: the recording does not show why")
    (shown,) = (finding for finding in findings if finding.id == "no-batch-dimension")
    assert shown.what.startswith("2% of requests failed: with batching")
    assert shown.confidence is Confidence.MEDIUM
    assert "may have another cause" in shown.confidence_reason


def test_a_deadline_that_passed_in_the_queue_once_does_not_tell_where_the_others_passed() -> None:
    analysis = server(given_up(1, merge=""), {"OK": 40, "DEADLINE_EXCEEDED": 200})
    first = find(analysis)[0]
    assert (first.id, first.confidence) == ("deadline-exceeded", Confidence.MEDIUM)
    assert "their deadline passed, for some of them in the batching queue" in first.what


def test_an_exhausted_resource_is_a_deadline_only_where_the_trace_shows_it() -> None:
    findings = find(server(given_up(10, merge=""), {"OK": 40, "RESOURCE_EXHAUSTED": 100}))
    assert [f.id for f in findings[:2]] == ["requests-failed", "deadline-exceeded"]
    assert "10 RESOURCE_EXHAUSTED of 140" in findings[1].what
    assert "90 RESOURCE_EXHAUSTED of 140" in findings[0].what


def test_two_causes_with_one_status_share_its_answers() -> None:
    failures = unscheduled(10) + refused(30, rows=20)
    failed = failed_requests(server(failures, {"OK": 40, "INVALID_ARGUMENT": 40}))
    assert failed.counted(FailureCause.NO_BATCH_DIMENSION) == {"INVALID_ARGUMENT": 10}
    assert failed.counted(FailureCause.TOO_LARGE) == {"INVALID_ARGUMENT": 30}
    assert failed.unexplained() == {}
    findings = find(server(failures, {"OK": 40, "INVALID_ARGUMENT": 40}))
    assert {f.confidence for f in findings if f.tier is Tier.FAILURES} == {Confidence.HIGH}


def test_answers_just_outside_the_window_belong_to_the_cause_in_it() -> None:
    """The scrapes enclose the window, so that they count some more."""
    analysis = server(refused(10), {"OK": 48, "UNAVAILABLE": 14})
    assert failed_requests(analysis).counted(FailureCause.QUEUE_OVERFLOW) == {"UNAVAILABLE": 14}
    assert find(analysis)[0].confidence is Confidence.HIGH


def test_refusals_of_an_unknown_reason_are_not_the_reason_of_all_answers() -> None:
    """Both statuses were counted far more often than the scheduler refused a request."""
    answers = {"OK": 40, "UNAVAILABLE": 90, "INVALID_ARGUMENT": 90}
    first = find(server(refused(10, rows=20), answers, file=None))[0]
    assert first.id == "requests-failed"
    assert "the recording does not show why" in first.what


def test_where_all_requests_fail_many_more_answers_than_requests_are_no_proof() -> None:
    first = find(server(unscheduled(5), {"INVALID_ARGUMENT": 200}, good=0))[0]
    assert first.confidence is Confidence.MEDIUM


SECOND_MODEL = re.sub(r"line (\S+)", r"line \1-2", second_model(ran(40)))
SEVERAL = {"a": {"OK": 40}, "b": {"UNAVAILABLE": 5, "INVALID_ARGUMENT": 5}}


def of_models(analysis: Analysis, answers: dict[str, dict[str, int]]) -> Analysis:
    """The same server with answers by model."""
    models = (ModelMetrics(m, each, UNKNOWN, UNKNOWN, UNKNOWN) for m, each in answers.items())
    return replace(analysis, metrics=tuple(models))


def test_a_refusal_without_a_waiting_task_is_of_no_full_queue() -> None:
    """A model that takes 64 rows says nothing of a model that refuses 48."""
    large = ran(40).replace("size=1", "size=64")
    failed = failed_requests(analyzed(large + refused(10, rows=48) + IDLE_END.format(2_000_000)))
    assert failed.traced == {FailureCause.REFUSED: 10}
    waiting = refused(1, rows=48, at_us=15)  # between an enqueue at 10 us and its batch at 20 us
    failed = failed_requests(analyzed(large + waiting + IDLE_END.format(2_000_000)))
    assert failed.traced == {FailureCause.QUEUE_OVERFLOW: 1}


def test_with_several_models_neither_the_file_nor_other_requests_tell_why_one_refused() -> None:
    text = ran(40) + SECOND_MODEL + refused(10, rows=2, at_us=15) + IDLE_END.format(2_000_000)
    for analysis in (
        analyzed(text, FILE),
        of_models(server(refused(10, rows=20)), SEVERAL),
        of_models(server(refused(10, rows=2), file=None), SEVERAL),
    ):
        assert failed_requests(analysis).traced == {FailureCause.REFUSED: 10}
        assert find(analysis)[0].id == "requests-failed"


def test_with_several_models_one_status_still_tells_why_but_no_size_is_proposed() -> None:
    answers = {"a": {"OK": 40}, "b": {"INVALID_ARGUMENT": 10}}
    first = find(of_models(server(refused(10, rows=20)), answers))[0]
    assert first.id == "request-too-large"
    assert "they have up to 20 rows, too many for a batch" in first.what
    assert first.remedies[0].action.startswith(
        "Allow such requests: max_batch_size of the model that refuses them, and the last entry"
    )
    assert first.remedies[0].setting is not None
    assert isinstance(first.remedies[0].setting.to, Unavailable)


def test_requests_too_large_of_an_unknown_size_have_no_number_of_rows() -> None:
    sizeless = refused(10).replace("batching_input_task_size=1", "")
    first = find(server(sizeless, {"OK": 40, "INVALID_ARGUMENT": 10}, file=None))[0]
    assert first.id == "request-too-large"
    assert "they have more rows than max_batch_size" in first.what
    assert "-1" not in first.what
    assert "max_batch_size, and the last entry" in first.remedies[0].action


def test_without_any_call_of_a_scheduler_the_trace_does_not_show_why_requests_ended() -> None:
    analysis = server(unscheduled(10), good=0)
    assert failed_requests(analysis).traced == {FailureCause.EARLY: 10}
    first = find(analysis)[0]
    assert (first.id, first.confidence) == ("requests-failed", Confidence.MEDIUM)
    assert "they ended before they joined a batch; the recording has no call" in first.what


def test_the_status_names_the_reason_where_nothing_was_enqueued() -> None:
    first = find(server(unscheduled(10), {"INVALID_ARGUMENT": 10}, good=0))[0]
    assert (first.id, first.confidence) == ("no-batch-dimension", Confidence.MEDIUM)
    assert "does not show where these requests ended" in first.confidence_reason
    both = server(unscheduled(10), {"INVALID_ARGUMENT": 5, "UNAVAILABLE": 5}, good=0)
    assert find(both)[0].id == "requests-failed"


def test_tasks_that_were_enqueued_without_a_call_show_that_calls_are_not_recorded() -> None:
    analysis = analyzed(sessions(40) + unscheduled(10) + IDLE_END.format(2_000_000), FILE)
    analysis = of_models(analysis, {"m": {"OK": 40, "INVALID_ARGUMENT": 10}})
    first = find(analysis)[0]
    assert first.id == "requests-failed"
    assert first.what.startswith("20% of requests failed: they ended before they joined a batch")


def test_batches_whose_runs_are_of_another_runtime_did_not_fail() -> None:
    """One classic run elsewhere does not tell how the batches run."""
    elsewhere = """
    line other
      SessionRun 100..2000us id=9999 _p=9999
    line tf_Compute/9
      ExecutorState::Process 110..1990us id=9999 _c=9999
    """
    for run in ("    TfrtModelRun 430..440us\n", ""):
        merge = "MergeInputTensors {}..{}us"
        batches = re.sub(r"(MergeInputTensors .*)\n", rf"\1\n{run}", given_up(40, merge))
        analysis = analyzed(batches + elsewhere + IDLE_END.format(2_000_000), FILE)
        assert analysis.failures.with_batch == 0
        assert not any(f.tier is Tier.FAILURES for f in find(analysis))


def test_a_batch_with_a_run_of_tfrt_did_not_fail_beside_those_that_did() -> None:
    merge = "MergeInputTensors 700410..700415us\n"
    text = given_up(10).replace(merge, f"{merge}    TfrtModelRun 700420..700440us\n")
    assert analyzed(ran(40) + text + IDLE_END.format(2_000_000), FILE).failures.unmerged == 9
