"""Recordings of a live server whose remedy was measured: the first advice is that remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.finding import Gain, Setting

LIVE = Path(__file__).parents[2] / "recordings" / "live"


def recorded(name: str) -> Analysis:
    return analyze(open_bundle(LIVE / f"{name}.zip"))


def first_setting(name: str) -> Setting | None:
    return find(recorded(name))[0].remedies[0].setting


@pytest.mark.parametrize(("name", "now"), [("b_onethread", 8), ("b_overload2", 4)])
def test_larger_batches_come_before_threads_and_machines(name: str, now: int) -> None:
    setting = first_setting(name)
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("max_batch_size", now, 32)


def test_an_extrapolated_size_is_called_so() -> None:
    action = find(recorded("b_overload2"))[0].remedies[0].action
    assert action.endswith("; extrapolated, the largest recorded batch had 4 rows.")


def test_sizes_that_were_not_recorded_are_not_promised_to_be_faster() -> None:
    action = find(recorded("b_onethread"))[0].remedies[0].action
    assert "How long these take is not known (1 batch size seen, 2 needed)" in action


def test_an_unbatched_overload_is_told_to_batch() -> None:
    first = find(recorded("unb_overload"))[0]
    assert first.id == "executor-pool-saturated"
    assert first.remedies[0].action.startswith("Turn batching on: --enable_batching ")
    assert "43 requests of heavy:1 are open at a time" in first.remedies[0].action


def test_without_a_timeout_the_poll_ends_too_as_it_did_on_the_server() -> None:
    first = find(recorded("b_timeout"))[0]
    setting, gain = first.remedies[0].setting, first.gain
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("batch_timeout_micros", 10_000, 0)
    assert isinstance(gain, Gain)
    # Measured after the change: 1.7 ms.
    assert 1.7e6 < gain.low < gain.high < 2.5e6
