"""Batches that were held up, and what that does to others at the same instant."""

from __future__ import annotations

import numpy as np

from diag.prediction.hold_ups import HoldUps, find_hold_ups

MS = 1_000_000


def hold_ups(start_ms: list[float], usual_ms: list[float], took_ms: list[float]) -> HoldUps:
    start = (np.array(start_ms) * MS).astype(np.int64)
    took = np.array(took_ms) * MS
    return find_hold_ups(start, np.array(usual_ms) * MS, took, took)


def kept_ms(found: HoldUps, start_ms: float, end_ms: float, batch: int) -> float:
    return found.keeps_ns(round(start_ms * MS), end_ms * MS, batch) / MS


def test_a_time_in_which_all_batches_were_held_up_holds_whatever_runs_then() -> None:
    # Both of two batches take 50 ms longer from their middle on.
    found = hold_ups([0, 1, 100], [4, 4, 4], [54, 54, 4])
    assert (found.from_ns, found.until_ns) == ([2 * MS], [53 * MS])
    assert kept_ms(found, 1.5, 3, batch=2) == 51  # runs on when it begins
    assert kept_ms(found, 20, 24, batch=2) == 33  # starts meanwhile
    assert kept_ms(found, 0, 1.9, batch=0) == 0  # has ended before
    assert kept_ms(found, 53, 60, batch=1) == 0


def test_a_batch_held_up_alone_holds_up_only_the_one_in_its_place() -> None:
    found = hold_ups([0, 1, 100], [4, 4, 4], [54, 4, 4])
    assert found.from_ns == []
    assert kept_ms(found, 0, 4, batch=0) == 50
    assert kept_ms(found, 1, 5, batch=1) == 0
    assert kept_ms(found, 0, 1, batch=0) == 0


def test_batches_as_usual_hold_up_nothing() -> None:
    found = hold_ups([0, 10], [4, 4], [4, 3])
    assert found == HoldUps([], [], {})
