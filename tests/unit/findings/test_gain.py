"""Expected gains: exact on small servers, and no promise where none can be made."""

from __future__ import annotations

import pytest

from diag.findings import find
from diag.findings.batching import batch_timeout_us, restore, round_125, threads_load
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Gain, RemedyPlace
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B, analyzed
from tests.unit.findings.servers import TOLD, sessions

# 12 requests of 2.5 ms, one every 5 ms; each waits 2 ms for the timeout, its batch takes 0.395 ms.
SERVER = sessions(12, taken=2100, run=(2110, 2400), end=2500, period=5000)


def test_a_lower_timeout_cuts_each_recorded_wait() -> None:
    # Requests of 12.5 ms, one every 20 ms; each waits 8 ms for the timeout, its batch takes 4.4 ms.
    slow = sessions(12, taken=8100, run=(8110, 12_400), end=12_500, period=20_000)
    (finding, *_) = find(analyzed(slow, BatchingParameters(8, 8000, num_batch_threads=1)))
    (remedy, *_) = finding.remedies
    assert remedy.setting is not None
    # Half of a batch's 4395 µs, as 1, 2 or 5.
    assert (remedy.setting.now, remedy.setting.to) == (8000, 2000)
    assert remedy.place is RemedyPlace.BATCHING_PARAMETERS_FILE
    gain = finding.gain
    assert isinstance(gain, Gain)
    assert (gain.metric, gain.now) == ("latency.mean", 12_500_000)
    # In proportion: 8 ms * 2000 / 8000. At most: the timeout of 2 ms and the poll of 1 ms.
    assert gain.low == pytest.approx(12_500_000 - 8_000_000 + 2_000_000)
    assert gain.high == pytest.approx(12_500_000 - 8_000_000 + 3_000_000)


def test_of_queues_with_timeouts_of_their_own_the_one_that_waits_longest_is_changed() -> None:
    # Requests of one queue wait 8 ms, those of the other 500 µs, and the traces tell no model.
    slow = sessions(12, taken=8100, run=(8110, 12_400), end=12_500, period=20_000)
    quick = sessions(12, taken=610, run=(620, 900), end=960, period=20_000)
    for i in range(12):
        quick = quick.replace(f"{QUEUE_A + 1 + i}", f"{QUEUE_B + 1 + i}")
        for key in ("id=", "_p=", "_c="):
            quick = quick.replace(f"{key}{1000 + i}\n", f"{key}{3000 + i}\n")
        quick = quick.replace(f" id={i} ", f" id={500 + i} ")
    quick = quick.replace("line grpc", "line grpc-2").replace("line b/1", "line b/2")
    analysis = analyzed(slow + quick.replace("line tf_Compute/1", "line tf_Compute/2"))
    (finding, *_) = find(analysis)
    (remedy, *_) = finding.remedies
    assert remedy.action == (
        "Lower batch_timeout_micros of queue aaaa0000 about 8100 → 2000, at most half the time of "
        "a batch."
    )
    assert remedy.place is RemedyPlace.PER_MODEL_FILE
    gain = finding.gain
    assert isinstance(gain, Gain)
    # Half of the requests wait 8.09 ms: in proportion 2.00 ms, or at most 2 ms and the poll of 1.
    mean = (12_500_000 + 960_000) / 2
    assert gain.now == mean
    assert gain.low == pytest.approx(mean - 8_090_000 * (1 - 2000 / 8100) / 2, rel=1e-3)
    assert gain.high == pytest.approx(mean - (8_090_000 - 3_000_000) / 2, rel=1e-3)
    assert finding.rollback == "Set batch_timeout_micros of queue aaaa0000 back to about 8100."


def test_a_timeout_below_the_poll_is_set_to_0_and_ends_the_poll_too() -> None:
    (finding, *_) = find(analyzed(SERVER, TOLD))
    (remedy, *_) = finding.remedies
    assert remedy.setting is not None
    # Half of a batch's 395 µs is less than the poll of 1 ms, which a timeout of 0 does not need.
    assert (remedy.setting.now, remedy.setting.to) == (2000, 0)
    gain = finding.gain
    assert isinstance(gain, Gain)
    # 2 ms until the timeout and 90 µs until the poll; a thread wakes within 50 µs.
    assert gain.low == pytest.approx(2_500_000 - 2_000_000 - 90_000)
    assert gain.high == pytest.approx(2_500_000 - 2_000_000 - 40_000)


def test_no_gain_is_promised_where_batch_threads_would_get_busy() -> None:
    # One thread holds a batch of two requests 52 % of the time; a batch each would need 104 %.
    busy = sessions(12, taken=2100, run=(2110, 4400), end=4500, period=4600)
    busy = busy.replace("batch_size_before_padding=1", "batch_size_before_padding=2")
    busy = busy.partition("line b/1")[0].replace("line grpc", "line grpc-2") + busy
    (finding, *_) = find(analyzed(busy, BatchingParameters(8, 2000, num_batch_threads=1)))
    assert finding.id == "batch-timeout-dominates"
    assert finding.gain == Unavailable(
        "it needs a simulation, and 24 complete batched requests with known rows were recorded, "
        "30 are needed"
    )


def test_a_request_of_many_rows_stays_one_batch() -> None:
    busy = sessions(12, taken=2100, run=(2110, 4400), end=4500, period=4600)
    busy = busy.replace("batch_size_before_padding=1", "batch_size_before_padding=2")
    busy = busy.replace("size=1", "size=2")
    (finding, *_) = find(analyzed(busy, BatchingParameters(8, 2000, num_batch_threads=1)))
    assert isinstance(finding.gain, Gain)


def test_moving_preprocessing_out_gives_back_its_time() -> None:
    text = sessions(ops="d:DecodeJpeg {1}..{7}us\nm:MatMul {7}..{8}us\n")
    (finding, *_) = find(analyzed(text, BatchingParameters(8, 0, num_batch_threads=1)))
    preprocess = next(e for e in finding.evidence if e.name == "preprocess mean")
    assert isinstance(finding.gain, Gain)
    assert isinstance(preprocess.value, float)
    assert finding.gain.low == finding.gain.high == finding.gain.now - preprocess.value


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.9, 0), (1, 1), (1.99, 1), (2, 2), (4.9, 2), (5, 5), (99, 50), (100, 100), (1919, 1000)],
)
def test_rounding_down_to_1_2_5(value: float, rounded: int) -> None:
    assert round_125(value) == rounded


def test_settings_say_how_they_are_known_and_how_to_restore_them() -> None:
    told = batch_timeout_us(analyzed(SERVER, TOLD))
    assert (told.now, told.origin) == (2000, "file")
    assert restore(told) == "Set batch_timeout_micros back to 2000."
    unbatched = batch_timeout_us(analyzed("line grpc\n  SessionRun 0..1000us id=1 _p=1\n"))
    assert unbatched.now == Unavailable("no batch was recorded")
    assert restore(unbatched) == "Put the earlier batch_timeout_micros back."


def test_the_load_of_batch_threads_is_their_held_time() -> None:
    load = threads_load(analyzed(SERVER, TOLD))
    window_ns = 11 * 5_000_000 + 2_500_000
    assert load == pytest.approx(12 * 395_000 / window_ns)
