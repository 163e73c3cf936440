"""A model that waits for another one's work: both are named, with numbers."""

from __future__ import annotations

from diag.findings import find
from diag.model.finding import RemedyPlace
from tests.unit.analysis.test_held_threads import INTER_OP
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import unfounded_numbers

# The same, with a heavy model whose own requests do not wait: over all requests the wait is small.
SMALL = """
line grpc-1
  SessionRun 0..100us id=1 _p=1 model_id=light:1
line grpc-2
  SessionRun 0..900us id=2 _p=2 model_id=heavy:1
line tf_Compute/1
  ExecutorState::Process 0..900us id=2 _c=2
line tf_Compute/2
  ExecutorState::Process 80..99us id=1 _c=1
"""


def test_the_sentence_names_who_waits_and_whose_work_it_is() -> None:
    finding = find(analyzed(INTER_OP))[0]
    assert finding.id == "executor-pool-saturated"
    assert finding.what == (
        "Requests spend 62% of their time waiting for a TensorFlow inter-op thread. light:1 waits "
        "895 µs of 1.00 ms so, and meanwhile 90% of the work on inter-op threads is heavy:1's."
    )
    assert not unfounded_numbers(finding.what.replace(":1", ""), finding.evidence)
    apart = next(r for r in finding.remedies if r.place is RemedyPlace.FLEET)
    assert apart.action == "Serve light:1 and heavy:1 on separate servers."


def test_a_small_model_that_waits_is_not_lost_among_large_ones() -> None:
    finding = find(analyzed(SMALL))[0]
    assert finding.id == "executor-pool-saturated"
    assert finding.what.endswith(
        "light:1 waits 80.0 µs of 100 µs so, and meanwhile 100% of the work on inter-op threads is "
        "heavy:1's."
    )


def test_requests_that_wait_for_their_own_model_name_no_other() -> None:
    alone = INTER_OP.replace("light:1", "heavy:1") + (
        "line grpc-9\n  SessionRun 1000..1100us id=9 _p=9 model_id=other:1\n"
        "line tf_Compute/9\n  ExecutorState::Process 1000..1099us id=9 _c=9\n"
    )
    finding = find(analyzed(alone))[0]
    assert finding.id == "executor-pool-saturated"
    assert "meanwhile" not in finding.what
