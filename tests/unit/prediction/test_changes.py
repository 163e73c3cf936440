from __future__ import annotations

import pytest

from diag.errors import UsageError
from diag.prediction.changes import read_changes, with_changes
from diag.simulation.options import QueueOptions, ServerSettings

PADDED = ServerSettings((QueueOptions(32, allowed_batch_sizes=(8, 32)),), (0,), (1,))


def test_text_and_numbers_are_read() -> None:
    read = read_changes({"batch_timeout_micros": "2000", "allowed_batch_sizes": (8, 16)})
    assert read == {"batch_timeout_micros": 2000, "allowed_batch_sizes": (8, 16)}
    assert read_changes({"allowed_batch_sizes": "8/16"})["allowed_batch_sizes"] == (8, 16)


@pytest.mark.parametrize(
    "given",
    [
        {"batch_timeout": "1"},
        {"max_batch_size": "0"},
        {"num_batch_threads": "two"},
        {"batch_timeout_micros": "-1"},
    ],
)
def test_what_no_server_runs_with_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_changes(given)


def test_allowed_sizes_follow_the_largest_batch() -> None:
    changed = with_changes(PADDED, {"max_batch_size": 16, "num_batch_threads": 3})
    assert changed.queues[0].allowed_batch_sizes == (8, 16)
    assert changed.threads == (3,)
    with pytest.raises(UsageError, match="would not start"):
        with_changes(PADDED, {"allowed_batch_sizes": (8, 16)})


def test_a_limit_on_handlers_is_of_the_server() -> None:
    changed = with_changes(PADDED, read_changes({"grpc_max_threads": "16"}))
    assert changed == ServerSettings(PADDED.queues, (0,), (1,), handlers=16)
    with pytest.raises(UsageError):
        read_changes({"grpc_max_threads": "0"})


def test_a_timeout_is_in_micros() -> None:
    changed = with_changes(PADDED, {"batch_timeout_micros": 1500})
    assert changed.queues[0].batch_timeout_ns == 1_500_000
