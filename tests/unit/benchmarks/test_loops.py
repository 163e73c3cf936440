"""The logs of the loops that diag is compared with, and the comparison, on small exact cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.loops.judge import Compared, faults
from benchmarks.loops.planted import PLANTED, Planted
from benchmarks.loops.record import PROGRAMS
from benchmarks.loops.truth import read_truth
from diag.findings import FINDING_IDS

ORIGIN, MS = 1_700_000_000_000_000_000, 1_000_000
PIPELINE = Planted("map", "a pipeline", ("input-pipeline-bound",), "load_row", "Map", "parallel")
RIGHT = Compared(
    found=10,
    true=11,
    shares={"next()": (61.0, 60.0), "model": (39.0, 40.0)},
    waiting=(58.1, 60.0),
    finding="input-pipeline-bound",
    sentence="Waits for load_row.",
    remedy="Set num_parallel_calls.",
    stage="Map",
)


def truth_of(tmp_path: Path, *steps: tuple, window_ms=(0, 1000), **more):
    """The truth of steps (thread, kind, begin, end), ms; the log's clock reads 50 ms at first."""
    rows = [
        (t, k, round((50 + a) * MS), round((50 + b) * MS), number[0] if number else 0)
        for t, k, a, b, *number in steps
    ]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"clocks": [[50 * MS, ORIGIN]], "steps": rows}))
    return read_truth(path, tuple(ORIGIN + each * MS for each in window_ms), **more)


def test_an_iteration_reaches_from_model_end_to_model_end(tmp_path):
    steps = [
        (1, "prepare", 0, 6),
        (1, "model", 6, 10),
        (1, "prepare", 10, 17),
        (1, "model", 18, 20),
    ]
    truth = truth_of(tmp_path, *steps)
    assert (truth.start_ns - ORIGIN).tolist() == [10 * MS]
    assert (truth.end_ns - ORIGIN).tolist() == [20 * MS]
    assert truth.shares == pytest.approx(
        {"wait": 0, "read": 0, "result": 0, "input": 0, "prepare": 0.7, "model": 0.2, "answer": 0}
    )


def test_with_next_an_iteration_reaches_from_next_to_next(tmp_path):
    steps = [(1, "input", 0, 3), (1, "model", 3, 4), (1, "input", 5, 8), (1, "model", 8, 9)]
    truth = truth_of(tmp_path, *steps)
    assert (truth.end_ns - truth.start_ns).tolist() == [5 * MS]
    assert truth.shares["input"] == pytest.approx(0.6)
    assert truth.shares["model"] == pytest.approx(0.2)


def test_iterations_cut_by_the_window_and_their_steps_do_not_count(tmp_path):
    steps = [(1, "model", 9 * k + 8, 9 * k + 9) for k in range(10)]
    truth = truth_of(tmp_path, *steps, window_ms=(10, 40))
    assert len(truth.start_ns) == 2  # 18 to 27, 27 to 36
    assert truth.shares["model"] == pytest.approx(2 / 18)


def test_threads_are_counted_apart(tmp_path):
    steps = [(t, "model", 10 * k + t, 10 * k + t + 2) for t in (1, 2) for k in range(3)]
    truth = truth_of(tmp_path, *steps)
    assert len(truth.start_ns) == 4
    assert truth.mean_ns == pytest.approx(10 * MS)
    assert truth.shares["model"] == pytest.approx(0.2)


def test_waiting_for_a_request_is_no_part_of_the_mean(tmp_path):
    steps = [(1, "model", 0, 10), (1, "wait", 10, 90), (1, "model", 90, 110)]
    assert truth_of(tmp_path, *steps).mean_ns == pytest.approx(20 * MS)


def test_an_element_is_waited_for_until_it_is_made(tmp_path):
    steps = [
        (7, "made", 0, 2, 0),
        (8, "made", 1, 15, 2),
        (7, "made", 2, 13, 1),
        (1, "input", 1, 3),  # made at 2: waits 1 ms
        (1, "input", 10, 14),  # made at 13: waits 3 ms
        (1, "input", 20, 21),  # made before; bounds the last iteration alone
    ]
    truth = truth_of(tmp_path, *steps, has_made=True)
    assert truth.wait_share == pytest.approx(4 / 19)


def test_a_right_answer_has_no_fault():
    assert faults(PIPELINE, RIGHT) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"found": 9}, "iterations"),
        ({"shares": {"next()": (62.1, 60.0)}}, "next()"),
        ({"waiting": (57.9, 60.0)}, "not made"),
        ({"finding": "retracing"}, "finding"),
        ({"finding": ""}, "finding"),
        ({"sentence": "Waits."}, "sentence without load_row"),
        ({"remedy": "Make it cheaper."}, "advice without parallel"),
        ({"stage": ""}, "stage not named, not Map"),
    ],
)
def test_each_fault_is_told(change, fault):
    changed = {name: getattr(RIGHT, name) for name in RIGHT.__slots__} | change
    assert faults(PIPELINE, Compared(**changed)) == [fault]


def test_where_nothing_is_planted_any_finding_is_wrong():
    nothing = Planted("busy", "a busy model", ())
    assert faults(nothing, Compared(5, 5, {}, None)) == []
    assert faults(nothing, Compared(5, 5, {}, None, "retracing")) == ["finding"]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: each.program)
def test_what_is_planted_exists(planted):
    assert (PROGRAMS / f"{planted.program}.py").is_file()
    assert set(planted.findings) <= set(FINDING_IDS)
