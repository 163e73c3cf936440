"""A model that waits for another one's work: both are named, with numbers."""

from __future__ import annotations

import pytest

from diag.findings import find
from diag.model.finding import Finding, Gain, RemedyPlace, Severity
from tests.unit.analysis.test_blocking import BATCH_THREAD, INTER_OP
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, unfounded_numbers

# A heavy model whose own requests do not wait: over all requests the wait is small.
SMALL = """
line grpc-1
  SessionRun 0..{end}us id=1 _p=1 model_id=light:1
line grpc-2
  SessionRun 0..900us id=2 _p=2 model_id=heavy:1
line tf_Compute/1
  ExecutorState::Process 0..900us id=2 _c=2
line tf_Compute/2
  ExecutorState::Process 80..{last}us id=1 _c=1
"""
# A kernel of light:1, launched at 6 µs, begins when that of heavy:1 ends.
ON_A_GPU = """
plane /host:CPU
line grpc-1
  SessionRun 0..{end}us id=1 _p=1 model_id=light:1
line grpc-2
  SessionRun 0..1000us id=2 _p=2 model_id=heavy:1
line tf_Compute/1
  ExecutorState::Process 0..20us id=1 _c=1
    a 5..6us correlation_id=1
line tf_Compute/2
  ExecutorState::Process 0..20us id=2 _c=2
    b 3..4us correlation_id=2
plane /device:GPU:0
line Stream #1(Compute)
  b 10..500us correlation_id=2 {kernel}
  a 500..{last}us correlation_id=1 {kernel}
"""
KERNEL = 'kernel_details="regs:32 grid:8,1,1 block:128,1,1"'


def interference(text: str, parameters=None) -> Finding | None:
    found = [f for f in find(analyzed(text, parameters)) if f.id == "model-interference"]
    return found[0] if found else None


def test_the_sentence_names_who_waits_and_whose_work_it_is() -> None:
    finding = find(analyzed(INTER_OP))[0]
    assert (finding.id, finding.cause) == ("model-interference", "queue-executor")
    assert finding.what == (
        "Requests of light:1 wait for TensorFlow's inter-op threads for 895 µs of 1.00 ms; "
        "meanwhile 90% of the work there is for heavy:1."
    )
    assert finding.severity is Severity.CRITICAL
    assert not unfounded_numbers(finding.what.replace(":1", ""), finding.evidence)
    assert finding.remedies[0].place is RemedyPlace.FLEET
    assert finding.remedies[0].action == "Serve light:1 and heavy:1 on separate servers."
    assert "--tensorflow_inter_op_parallelism to 4" in finding.remedies[1].action
    assert "no priorities" in finding.remedies[-1].action


def test_the_gain_is_the_wait_or_the_part_of_it_that_the_other_model_worked() -> None:
    gain = find(analyzed(INTER_OP))[0].gain
    assert isinstance(gain, Gain)
    # Three requests of 1000, 1000 and 900 µs; two wait 895 µs, with 1700 of 1890 µs of work.
    assert gain.now == pytest.approx(2_900_000 / 3)
    assert gain.low == pytest.approx((2_900_000 - 2 * 895_000) / 3)
    assert gain.high == pytest.approx((2_900_000 - 2 * 895_000 * 1700 / 1890) / 3)


def test_a_small_model_that_waits_is_not_lost_among_large_ones() -> None:
    finding = find(analyzed(SMALL.format(end=100, last=99)))[0]
    assert finding.id == "model-interference"
    assert "light:1 wait for TensorFlow's inter-op threads for 80.0 µs of 100 µs" in finding.what


def test_a_wait_below_a_third_of_the_request_is_none() -> None:
    assert interference(SMALL.format(end=260, last=259)) is not None  # 31 %
    assert interference(SMALL.format(end=280, last=279)) is None  # 29 %


def test_requests_that_wait_for_their_own_model_name_no_other() -> None:
    alone = INTER_OP.replace("light:1", "heavy:1") + (
        "line grpc-9\n  SessionRun 1000..1100us id=9 _p=9 model_id=other:1\n"
        "line tf_Compute/9\n  ExecutorState::Process 1000..1099us id=9 _c=9\n"
    )
    finding = find(analyzed(alone))[0]
    assert finding.id == "executor-pool-saturated"
    assert interference(alone) is None


def test_models_that_the_trace_does_not_tell_apart_have_no_such_finding() -> None:
    unnamed = INTER_OP.replace(" model_id=light:1", "").replace(" model_id=heavy:1", "")
    assert interference(unnamed) is None


def test_batches_of_another_queue_hold_the_batch_thread() -> None:
    finding = interference(BATCH_THREAD, AT_ONCE)
    assert finding is not None
    assert finding.cause == "queue-thread"
    assert "queue bbbb0000 wait for the batch threads for 899 µs" in finding.what
    assert "100% of the work there is for queue aaaa0000" in finding.what
    assert "num_batch_threads" in finding.remedies[1].action


def test_kernels_of_another_model_hold_the_gpu() -> None:
    finding = interference(ON_A_GPU.format(end=800, last=790, kernel=KERNEL))
    assert finding is not None
    assert finding.cause == "device-wait"
    assert "light:1 wait for the GPU for" in finding.what
    assert "100% of the work there is for heavy:1" in finding.what
    assert "GPU (or a MIG part) of its own" in finding.remedies[0].action
    assert interference(ON_A_GPU.format(end=1900, last=1890, kernel=KERNEL)) is None


def test_work_of_another_model_on_another_gpu_holds_nothing() -> None:
    text = ON_A_GPU.format(end=800, last=790, kernel=KERNEL)
    other = text.replace(
        f"  b 10..500us correlation_id=2 {KERNEL}\n",
        f"  z 10..500us correlation_id=99 {KERNEL}\n",
    )
    other += (
        f"plane /device:GPU:1\nline Stream #1(Compute)\n  b 10..500us correlation_id=2 {KERNEL}\n"
    )
    assert interference(other) is None
