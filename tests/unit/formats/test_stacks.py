"""diag/stacks.json: what is decoded, what is refused, and which line of a trace a thread has."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from diag.errors import BundleCorruptError
from diag.formats.bundle.stacks import DEPTH_MAX, TEXT_MAX_CHARACTERS, decode_stacks
from diag.formats.trace.thread_line import line_ids
from diag.model.availability import Unavailable
from diag.model.samples import NOT_MEASURED, SamplerCost
from diag.model.stacks import Frame, StackSamples

ORIGIN = 1_700_000_000_000_000_000
# threading.get_ident() of two threads, and XLine.id of their lines in a trace that TensorFlow
# 2.21.0 recorded of them (CPython 3.11.7, x86-64).
MAIN, MAIN_LINE = 140129880378240, 8193698285113744681
WORKER, WORKER_LINE = 140127962638016, 1188675054737975469


def document(**changes: Any) -> dict[str, Any]:
    return {
        "period_ns": 5_000_000,
        "frames": [
            {"file": "serve.py", "function": "main", "first_line": 10, "is_user": True},
            {"file": "queue.py", "function": "Queue.get", "first_line": 154, "is_user": False},
        ],
        "stacks": [[0], [0, 1]],
        "samples": {
            "unix_ns": [ORIGIN + 5, ORIGIN + 9, ORIGIN + 7],
            "thread_id": [MAIN, MAIN, WORKER],
            "weight": [1, 3, 1],
            "cpu_ns": [-1, 40, 0],
            "stack_id": [0, 1, 1],
        },
        **changes,
    }


def decoded(document: dict[str, Any], origin: int | Unavailable = ORIGIN) -> Any:
    return decode_stacks(json.dumps(document).encode(), origin, "b.zip/diag/stacks.json")


def with_samples(**columns: list[Any]) -> dict[str, Any]:
    samples = document()["samples"]
    return document(samples={**samples, **columns})


def test_samples_are_in_order_of_the_traces_time_with_the_lines_of_their_threads() -> None:
    found = decoded(document())
    assert isinstance(found, StackSamples)
    assert found.time_ns.tolist() == [5, 7, 9]
    assert found.thread_id.tolist() == [MAIN, WORKER, MAIN]
    assert found.line_id.tolist() == [MAIN_LINE, WORKER_LINE, MAIN_LINE]
    assert found.weight.tolist() == [1, 1, 3]
    assert found.cpu_ns.tolist() == [-1, 0, 40]
    assert found.stack_id.tolist() == [0, 1, 1]
    assert found.stacks == ((0,), (0, 1))
    assert found.frames[1] == Frame("queue.py", "Queue.get", 154, is_user=False)
    assert (found.period_ns, found.cost, found.incomplete) == (5_000_000, NOT_MEASURED, "")
    assert not found.time_ns.flags.writeable


def test_cost_and_an_early_end_are_kept() -> None:
    cost = {"readings": 200, "cpu_ns": 3_000_000, "elapsed_ns": 1_000_000_000}
    found = decoded(document(cost=cost, incomplete="2,000,000 samples"))
    assert found.cost == SamplerCost(200, 3_000_000, 1_000_000_000)
    assert found.incomplete == "2,000,000 samples"


def test_no_samples_are_no_error() -> None:
    empty = {name: [] for name in document()["samples"]}
    found = decoded(document(samples=empty, stacks=[], frames=[]))
    assert len(found) == 0


def test_without_the_traces_time_of_day_samples_cannot_be_placed() -> None:
    reason = Unavailable("the trace has no absolute time")
    assert decoded(document(), reason) == reason


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (with_samples(weight=[1, 1]), "differ in length"),
        (with_samples(stack_id=[0, 1, 2]), "a stack beyond the 2 listed"),
        (document(stacks=[[0], [0, 2]]), "a frame beyond the 2 listed"),
        (document(stacks=[[0], []]), "$.stacks[1]"),
        (document(stacks=[[0], [0] * (DEPTH_MAX + 1)]), "$.stacks[1]"),
        (with_samples(weight=[1, 0, 1]), "samples.weight"),
        (with_samples(weight=[1, 1 << 31, 1]), "samples.weight"),
        (with_samples(cpu_ns=[-2, 0, 0]), "samples.cpu_ns"),
        (with_samples(unix_ns=[0, 0, 1 << 63]), "samples.unix_ns"),
        (with_samples(thread_id=[1, 2, 3.5]), "samples.thread_id"),
        (document(period_ns=0), "period_ns"),
        (
            document(
                frames=[
                    {
                        "file": "x" * (TEXT_MAX_CHARACTERS + 1),
                        "function": "f",
                        "first_line": 1,
                        "is_user": True,
                    }
                ]
            ),
            "$.frames[0].file",
        ),
    ],
)
def test_a_document_that_is_not_valid_is_refused_by_the_field(
    broken: dict[str, Any], named: str
) -> None:
    with pytest.raises(BundleCorruptError) as caught:
        decoded(broken)
    assert named in f"{caught.value.message} {caught.value.cause}"
    assert "b.zip/diag/stacks.json" in caught.value.message


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"period_ns": 1}', b"[" * 100_000])
def test_what_is_no_such_document_is_refused(data: bytes) -> None:
    with pytest.raises(BundleCorruptError):
        decode_stacks(data, ORIGIN, "x")


def test_the_ids_of_lines_are_signed() -> None:
    found = line_ids(np.arange(64, dtype=np.int64) << 12)
    assert found.dtype == np.int64
    assert (found < 0).any()
    assert len(set(found.tolist())) == 64
