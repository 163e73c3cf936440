"""Failed requests: which cause is named, by which source, and that they lead the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.findings import conclude, find
from diag.findings.failed import failed_requests
from diag.findings.failed_answers import FailureCause
from diag.model.availability import Unavailable
from diag.model.finding import Tier
from diag.model.gaps import Confidence
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.failing import FILE, given_up, ran, refused, server, unscheduled
from tests.unit.findings.servers import sessions, unfounded_numbers

PADDED = replace(FILE, pad_variable_length_inputs=True)

CASES = [
    (
        refused(10),
        {"OK": 40, "UNAVAILABLE": 10},
        "batch-queue-overflow",
        "queue was full (10 of 50",
    ),
    (
        refused(10, rows=20),
        {"OK": 40, "INVALID_ARGUMENT": 10},
        "request-too-large",
        "up to 20 rows, and max_batch_size is 8",
    ),
    (
        unscheduled(10),
        {"OK": 40, "INVALID_ARGUMENT": 10},
        "no-batch-dimension",
        "the same first dimension",
    ),
    (
        given_up(10),
        {"OK": 40, "FAILED_PRECONDITION": 10},
        "input-shapes-differ",
        "pad_variable_length_inputs is off",
    ),
    (
        given_up(10, merge=""),
        {"OK": 40, "RESOURCE_EXHAUSTED": 10},
        "deadline-exceeded",
        "while they waited in the batching queue",
    ),
]


@pytest.mark.parametrize(("failures", "answers", "rule", "says"), CASES)
def test_a_cause_that_both_sources_show_leads_with_high_confidence(
    failures: str, answers: dict[str, int], rule: str, says: str
) -> None:
    analysis = server(failures, answers)
    first = find(analysis)[0]
    assert (first.id, first.tier, first.confidence) == (rule, Tier.FAILURES, Confidence.HIGH)
    assert first.what.startswith("20% of requests failed: ")
    assert says in first.what
    verdict = conclude(analysis, find(analysis))
    assert verdict.sentence.startswith(f"{first.what} The other requests take ")
    assert unfounded_numbers(verdict.sentence, verdict.evidence) == []
    assert not verdict.every_request_failed
    assert "no-demand" not in [finding.id for finding in find(analysis)]


@pytest.mark.parametrize(("failures", "answers", "rule", "says"), CASES)
def test_the_trace_alone_gives_medium_confidence(
    failures: str, answers: dict[str, int], rule: str, says: str
) -> None:
    assert answers
    first = find(server(failures))[0]
    assert (first.id, first.confidence) == (rule, Confidence.MEDIUM)
    assert says in first.what


@pytest.mark.parametrize(("failures", "answers", "rule", "says"), CASES)
def test_metrics_that_count_no_such_answer_are_named_as_a_contradiction(
    failures: str, answers: dict[str, int], rule: str, says: str
) -> None:
    assert answers
    assert says
    first = next(f for f in find(server(failures, {"OK": 40, "NOT_FOUND": 1})) if f.id == rule)
    assert first.confidence is Confidence.LOW
    assert "count 0 answers with that status" in first.confidence_reason


@pytest.mark.parametrize(("failures", "answers", "rule", "says"), CASES)
def test_where_every_request_fails_the_cause_is_named_too(
    failures: str, answers: dict[str, int], rule: str, says: str
) -> None:
    assert says
    analysis = server(failures, {s: n for s, n in answers.items() if s != "OK"}, good=0)
    verdict = conclude(analysis, find(analysis))
    assert verdict.id == rule
    assert verdict.sentence.startswith("Every request failed: ")
    assert verdict.every_request_failed


def test_deadlines_that_only_the_metrics_count_lead() -> None:
    analysis = server("", {"OK": 1, "DEADLINE_EXCEEDED": 39})
    verdict = conclude(analysis, find(analysis))
    assert (verdict.id, verdict.confidence) == ("deadline-exceeded", Confidence.MEDIUM)
    assert verdict.what.startswith("98% of requests failed: their deadline passed before the model")
    assert "39 DEADLINE_EXCEEDED of 40 answers by the server's metrics" in verdict.what
    assert "where failed ones look like the others, take" in verdict.latency


def test_a_status_that_the_trace_does_not_explain_is_reported_without_a_cause() -> None:
    first = find(server("", {"OK": 40, "UNAVAILABLE": 10}))[0]
    assert first.id == "requests-failed"
    assert "the recording does not show why" in first.what
    assert "usually means a full batching queue" in first.remedies[0].action


def test_a_few_failures_are_a_further_finding() -> None:
    few = find(server(refused(4), {"OK": 40, "UNAVAILABLE": 4}))
    assert few[0].tier is not Tier.FAILURES
    (failure,) = (finding for finding in few if finding.id == "batch-queue-overflow")
    assert failure.tier is Tier.FEW_FAILURES


def test_one_failure_in_many_requests_is_a_number_and_no_share() -> None:
    analysis = server(refused(1), {"OK": 400, "UNAVAILABLE": 1}, good=400)
    (failure,) = (finding for finding in find(analysis) if finding.id == "batch-queue-overflow")
    assert failure.what.startswith("1 of 401 requests failed: ")


# Without a file, the largest request that may join a batch is not known.
@pytest.mark.parametrize(
    ("rows", "answers", "cause"),
    [
        (20, {"OK": 40, "INVALID_ARGUMENT": 10}, FailureCause.TOO_LARGE),
        (20, {"OK": 40, "UNAVAILABLE": 10}, FailureCause.QUEUE_OVERFLOW),
        (20, None, FailureCause.REFUSED),
        (20, {"OK": 40, "UNAVAILABLE": 5, "INVALID_ARGUMENT": 5}, FailureCause.REFUSED),
    ],
)
def test_without_a_file_the_status_tells_why_the_scheduler_refused(
    rows: int, answers: dict[str, int] | None, cause: FailureCause
) -> None:
    failed = failed_requests(server(refused(10, rows), answers, file=None))
    assert failed.traced == {cause: 10}


@pytest.mark.parametrize(
    ("rows", "status", "rule"),
    [(20, "UNAVAILABLE", "batch-queue-overflow"), (2, "INVALID_ARGUMENT", "request-too-large")],
)
def test_a_status_that_contradicts_the_file_decides(rows: int, status: str, rule: str) -> None:
    """The file may have been edited after the start, or not apply to this model."""
    analysis = server(refused(10, rows), {"OK": 40, status: 10})
    assert isinstance(failed_requests(analysis).largest_request, Unavailable)
    assert find(analysis)[0].id == rule


def test_refusals_of_an_unknown_reason_name_both() -> None:
    first = find(server(refused(10, rows=20), file=None))[0]
    assert first.id == "requests-failed"
    assert "either for a full queue or for more rows than max_batch_size" in first.what


def test_padding_that_is_on_already_is_not_advised() -> None:
    first = find(server(given_up(10), {"OK": 40, "FAILED_PRECONDITION": 10}, PADDED))[0]
    assert "although pad_variable_length_inputs is on" in first.what
    assert [remedy.setting for remedy in first.remedies] == [None]


def test_padding_is_advised_with_its_trap() -> None:
    first = find(server(given_up(10), {"OK": 40, "FAILED_PRECONDITION": 10}))[0]
    assert "first element of each input, not with zeros" in first.remedies[0].risk
    assert "wrong results" in first.remedies[0].risk


def test_busy_batch_threads_need_larger_batches_before_a_longer_queue() -> None:
    idle = find(server(refused(10)))[0]
    text = ran(40) + refused(10, at_us=20_000)
    full = replace(FILE, num_batch_threads=1, max_batch_size=1)
    busy = find(analyzed(text, full))[0]
    names = [
        [remedy.setting.name for remedy in finding.remedies if remedy.setting is not None]
        for finding in (idle, busy)
    ]
    assert [each[0] for each in names] == ["max_enqueued_batches", "max_batch_size"]


def test_requests_that_failed_with_their_batch_are_in_no_statistic() -> None:
    analysis = server(given_up(10))
    assert (analysis.counts.requests, analysis.counts.complete) == (50, 40)
    assert analysis.counts.failed_in_batch == 10
    assert analysis.models[0].requests == 40


def test_at_tracer_level_1_a_batch_without_a_run_says_nothing() -> None:
    text = "".join(
        line
        for line in (sessions(40) + given_up(10)).splitlines(keepends=True)
        if "SessionRun " not in line.replace("BatchingSessionRun", "")
        and "ExecutorState" not in line
    )
    analysis = analyzed(text, FILE)
    assert analysis.tracer_level == 1
    assert analysis.failures.with_batch == 0


def test_a_scheduler_whose_calls_have_other_names_rejects_no_inputs() -> None:
    """Accepted requests without a known call: then a missing call says nothing."""
    named = server(unscheduled(10)).failures
    assert named.unscheduled == 10
    renamed = analyzed(sessions(40) + unscheduled(10), FILE).failures
    assert (renamed.unscheduled, renamed.refused) == (0, 10)
    for failures in (named, renamed):
        assert failures.uncalled_start_ns.tolist() == [600_000_000 + 20_000 * i for i in range(10)]
        assert set((failures.uncalled_end_ns - failures.uncalled_start_ns).tolist()) == {10_000}
