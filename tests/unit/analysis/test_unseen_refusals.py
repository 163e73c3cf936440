"""Calls of an in-graph batcher that were refused without an event, before TensorFlow 2.15."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import find
from diag.model.gaps import Confidence
from diag.report.wording.caveats import describe_caveat
from tests.recordings import recorded
from tests.unit.analysis.traces import analyzed

POLLS = "line batch_threads_/1\n  BatchTask::empty 0..1us\n"
EMPTY = """
line handler-1
  SessionRun 100..200us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 120..190us id=1 _c=1
"""


def unseen(analysis: Analysis) -> list[tuple[object, object]]:
    return [
        (caveat.fact("empty_count"), caveat.fact("requests_count"))
        for caveat in analysis.caveats
        if caveat.code == "refusals-not-recorded"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (POLLS + EMPTY, [(1, 1)]),
        # No batcher; an op; events of later versions, which record a call that is refused.
        (EMPTY, []),
        (POLLS + EMPTY + "    m:MatMul 130..180us\n", []),
        (POLLS + EMPTY + "    ExecutorState::ProcessAsync::Start 130..131us _p=9\n", []),
        (POLLS + EMPTY + "  ThreadpoolListener::Record @195us _p=5\n", []),
    ],
)
def test_requests_without_an_op_may_have_been_refused(text: str, found: list[object]) -> None:
    assert unseen(analyzed(text)) == found


def test_refused_requests_are_not_called_spare_capacity() -> None:
    analysis = analyze(recorded("refused-tf2.13.1"))
    assert unseen(analysis) == [(108, 108)]
    (first,) = find(analysis)
    assert (first.id, first.confidence) == ("no-demand", Confidence.LOW)
    assert first.what.endswith("That is no sign of spare capacity.")
    assert first.confidence_reason.startswith("108 requests ran no op: ")
    (text,) = (
        describe_caveat(each) for each in analysis.caveats if each.code == "refusals-not-recorded"
    )
    assert text.startswith("108 of 108 requests ran no op that the trace shows")


def test_requests_that_were_batched_are_not_among_them() -> None:
    assert unseen(analyze(recorded("batch-function-tf2.13.1"))) == []
