from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.agent.sample_buffer import SampleBuffer


@given(st.lists(st.integers(0, 9) | st.none(), max_size=60), st.integers(1, 5))
def test_the_newest_are_kept_in_order_and_every_sample_is_accounted_for(
    steps: list[int | None], samples_max: int
) -> None:
    """Each number adds that many samples, each None takes all of them."""
    buffer, put, taken = SampleBuffer(samples_max), 0, list[int]()
    for step in steps:
        if step is None:
            newest = [sample["unix_ns"] for sample in buffer.take()]
            assert newest == list(range(put - len(newest), put))
            assert len(newest) <= samples_max
            taken += newest
        else:
            for _ in range(step):
                buffer.put({"unix_ns": put})
                put += 1
    assert taken == sorted(set(taken))
    assert buffer.taken == len(taken)
    assert buffer.taken + buffer.dropped + len(buffer.take()) == put


def test_samples_that_could_not_be_sent_count_as_dropped() -> None:
    buffer = SampleBuffer(4)
    buffer.put({"unix_ns": 1})
    buffer.drop(len(buffer.take()))
    assert (buffer.taken, buffer.dropped) == (0, 1)
