from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.capture.clocks import clock_bounds, clock_record
from diag.capture.tracers.trace_source import TraceRecording
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable
from diag.testing.xspace_builder import build_space

START = 1_700_000_000_000_000_000


def space(last_ms: int, start: str = f"env profile_start_time={START}u"):
    return decode_space(build_space(f"{start}\nplane /host:CPU\nline a\n  X 0..{last_ms}ms"))


def recording(sent_ns: int, received_ns: int) -> TraceRecording:
    return TraceRecording(b"", sent_ns, received_ns)


def test_the_bounds_are_what_cause_and_effect_allow() -> None:
    call = recording(START - 3_000_000, START + 105_000_000)
    assert clock_bounds(call, space(100)) == (-5_000_000, 3_000_000)


def test_the_time_the_server_stopped_is_a_bound_too_for_the_answer_came_after_it() -> None:
    call = recording(START - 3_000_000, START + 205_000_000)
    times = f"env profile_start_time={START}u profile_stop_time={START + 203_000_000}u"
    assert clock_bounds(call, space(100, times)) == (-2_000_000, 3_000_000)


def test_an_impossible_order_is_no_bound() -> None:
    call = recording(START, START + 50_000_000)
    assert isinstance(clock_bounds(call, space(100)), Unavailable)


def test_a_time_in_another_century_is_no_bound() -> None:
    call = recording(START - (1 << 62) - START // 2, START + 200_000_000)
    assert isinstance(clock_bounds(call, space(100)), Unavailable)


def test_equal_clocks_stay_equal_and_the_uncertainty_covers_the_bounds() -> None:
    record = clock_record("host", (-5_000_000, 3_000_000), reading_ns=101, same_clock=False)
    assert (record.offset_ns, record.uncertainty_ns) == (0, 5_000_051)


def test_the_same_clock_is_uncertain_by_the_reading_only() -> None:
    record = clock_record("host", (-5_000_000, 3_000_000), reading_ns=101, same_clock=True)
    assert (record.offset_ns, record.uncertainty_ns) == (0, 51)


def test_bounds_that_exclude_equal_clocks_prove_them_different() -> None:
    record = clock_record("host", (1_000, 3_000), reading_ns=0, same_clock=True)
    assert (record.offset_ns, record.uncertainty_ns) == (2_000, 1_000)


def test_different_clocks_get_the_middle() -> None:
    record = clock_record("gpu", (1_000, 3_000), reading_ns=0, same_clock=False)
    assert (record.offset_ns, record.uncertainty_ns) == (2_000, 1_000)


@given(
    offset=st.integers(-(10**12), 10**12),
    before=st.integers(0, 10**9),
    after=st.integers(0, 10**9),
    reading=st.integers(0, 10**7),
)
def test_the_true_offset_is_always_within_the_uncertainty(
    offset: int, before: int, after: int, reading: int
) -> None:
    """The server's clock is ahead by ``offset``; the answer takes ``after``."""
    sent = START - offset - before
    received = START - offset + 100_000_000 + after
    bounds = clock_bounds(recording(sent, received), space(100))
    assert isinstance(bounds, tuple)
    record = clock_record("host", bounds, reading, same_clock=False)
    assert abs(record.offset_ns - offset) <= record.uncertainty_ns
