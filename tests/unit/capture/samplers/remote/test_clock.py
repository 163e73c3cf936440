from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.capture.samplers.remote.clock import hull, server_bounds

times = st.integers(-(10**18), 10**18)
errors = st.integers(0, 10**9)


def test_the_agents_offset_is_taken_off_the_servers() -> None:
    # server = here + 100..110, agent = here + 40..45, so server = agent + 55..70
    assert server_bounds((100, 110), (40, 45)) == (55, 70)


@given(times, times, errors, errors, errors, errors)
def test_the_truth_lies_within_the_bounds_if_it_lies_within_both(
    server: int, agent: int, below: int, above: int, less: int, more: int
) -> None:
    least, greatest = server_bounds((server - below, server + above), (agent - less, agent + more))
    assert least <= server - agent <= greatest
    assert greatest - least == below + above + less + more


def test_what_was_measured_twice_holds_for_both_times() -> None:
    assert hull((1, 5), (3, 9)) == (1, 9)
    assert hull((6, 7), (1, 2)) == (1, 7)
