"""At capacity: preprocessing on the CPU counts, and one caller at a time does not."""

from __future__ import annotations

from diag.findings import find
from diag.findings.rules.device_saturated import ID
from diag.model.finding import Finding
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, sessions, unbatched, unfounded_numbers

OPS = "d:DecodeJpeg {2}..{6}us\nm:MatMul {6}..{9}us\n"


def found(text: str) -> Finding | None:
    findings = find(analyzed(text, AT_ONCE))
    return next((finding for finding in findings if finding.id == ID), None)


def test_preprocessing_takes_the_same_cores_as_the_model() -> None:
    # In each 1000 µs, batches wait 108 µs, preprocessing takes 400 µs and the model 468 µs.
    finding = found(sessions(20, enqueue=2, taken=110, end=990, run=(112, 980), ops=OPS))
    assert finding is not None
    assert finding.what == (
        "Model and preprocessing ops run on the CPU 87% of the time (40% preprocessing alone): "
        "at capacity."
    )
    assert not unfounded_numbers(finding.what, finding.evidence)
    (check,) = finding.verify
    assert isinstance(check.now, float)
    assert check.high is not None
    assert check.high < check.now


def test_callers_that_do_not_wait_leave_room() -> None:
    assert found(sessions(20, end=990, run=(22, 980), ops=OPS)) is None


def test_many_unbatched_requests_are_told_to_batch_before_a_machine_is_added() -> None:
    finding = found(unbatched(10, 20))
    assert finding is not None
    assert [remedy.action.partition(":")[0] for remedy in finding.remedies][:2] == [
        "Turn batching on",
        "Or add a replica.",
    ]
    assert finding.rollback == "Start the server without --enable_batching."
