from __future__ import annotations

import numpy as np

from diag.prediction.clients import find_clients
from diag.simulation.load import Arrivals

MS = 1_000_000


def requests(start_ns: np.ndarray) -> Arrivals:
    nothing = np.zeros(len(start_ns), np.int64)
    return Arrivals(start_ns, nothing, nothing, nothing + 1, nothing)


def test_a_constant_number_of_open_requests_is_a_closed_loop() -> None:
    # Eight clients: each asks again 1 ms after an answer that takes 20 ms.
    start = (np.arange(100) * 21 * MS + np.arange(8)[:, None] * MS).ravel()
    found = find_clients(requests(start), start + 20 * MS)
    assert found is not None
    assert found.count == 8
    assert set(found.think_ns.tolist()) == {MS}


def test_clients_that_wait_between_requests_are_a_closed_loop_too() -> None:
    # Two batches of eight in turn: while one is answered for 25 ms, only the other is open.
    start = (np.arange(60) * 100 * MS + np.repeat((0, 30), 8)[:, None] * MS).ravel()
    found = find_clients(requests(start), start + 75 * MS)
    assert found is not None
    assert found.count == 16
    assert set(found.think_ns.tolist()) == {25 * MS}
    # The answers of a batch are drawn together.
    assert np.diff(found.first).tolist() == [8] * (len(found.first) - 1)


def test_arrivals_at_a_fixed_pace_are_no_closed_loop() -> None:
    start = np.arange(1000) * 2 * MS
    assert find_clients(requests(start), start + 20 * MS + MS // 2) is None


def test_arrivals_on_their_own_are_an_open_loop() -> None:
    generator = np.random.default_rng(1)
    start = np.cumsum(generator.exponential(2 * MS, 2000)).astype(np.int64)
    assert find_clients(requests(start), start + 20 * MS) is None


def test_a_queue_that_grows_is_no_closed_loop() -> None:
    start = np.arange(1000) * MS
    assert find_clients(requests(start), start + 20 * MS + np.arange(1000) * MS) is None
