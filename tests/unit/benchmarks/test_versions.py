"""The judge of recordings of many releases, on small exact answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.versions.answer import Answer
from benchmarks.versions.environments import find_python
from benchmarks.versions.expectations import EXPECTATIONS, Expectation
from benchmarks.versions.judge import Judgement, judge
from benchmarks.versions.matching import inside, match
from benchmarks.versions.record import PROGRAMS
from benchmarks.versions.releases import RELEASES
from benchmarks.versions.table import tables
from diag.model.gaps import IdleCause
from diag.model.program import ProgramKind
from diag.model.serving import Stage

MS = 1_000_000
ORIGIN = 1_700_000_000_000_000_000
SERVING = frozenset({ProgramKind.SERVING})
SERVER = Expectation("session", "tensorflow", "a server", SERVING)
BATCHER = Expectation("batch_function", "tensorflow", "a batcher", SERVING, Stage.QUEUE_FILL)
LOOP = Expectation("eager", "tensorflow", "a loop", frozenset({ProgramKind.EAGER}), is_loop=True)
TRAINING = Expectation("fit", "tensorflow", "training", frozenset({ProgramKind.TRAINING}))


def spans(*pairs_ms: tuple[float, float], shift: int = 0) -> np.ndarray:
    rows = [[round(edge * MS) + shift for edge in pair] for pair in pairs_ms]
    return np.array(rows, np.int64).reshape(-1, 2)


def said(**changes: Any) -> Answer:
    values: dict[str, Any] = {
        "status": 0,
        "errors": "",
        "kind": ProgramKind.SERVING,
        "verdict": "healthy",
        "sentence": "Requests take 4 ms.",
        "origin_unix_ns": None,
        "requests": spans((10.1, 13.9), (30.1, 33.9), (50.1, 53.9)),
        "model_calls": spans(),
        "cut": 0,
        "stage_ns": {Stage.COMPUTE: 9 * MS, Stage.QUEUE_EXECUTOR: MS},
        "tiles": True,
        "idle_ratios": {IdleCause.NO_DEMAND: 0.9},
    }
    return Answer(**{**values, **changes})


def nothing_said(**changes: Any) -> Answer:
    silent: dict[str, Any] = {
        "kind": ProgramKind.TRAINING,
        "requests": spans(),
        "stage_ns": {},
        "status": 5,
        "idle_ratios": {},
    }
    return said(**{"sentence": "This is training.", **silent, **changes})


def truth(*calls_ms: tuple[float, float]) -> dict[str, Any]:
    calls = spans(*calls_ms, shift=ORIGIN).tolist()
    return {
        "window_unix_ns": [ORIGIN + 5 * MS, ORIGIN + 60 * MS],
        "calls": [[0, *call] for call in calls],
    }


THREE = truth((10, 14), (30, 34), (50, 54))


def test_requests_within_their_calls_are_right() -> None:
    found = judge(said(), SERVER, THREE)
    assert found.faults == ()
    assert (found.matched, found.expected) == (3, 3)
    assert (found.found_ns, found.true_ns) == (3.8 * MS, 4 * MS)


def test_a_call_that_the_window_cuts_is_not_expected() -> None:
    calls = truth((3, 7), (10, 14), (30, 34), (50, 54), (59, 62))
    assert judge(said(cut=2), SERVER, calls).faults == ()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"requests": spans(), "stage_ns": {}, "status": 5}, "0 of 3 requests"),
        ({"cut": 3}, "3 cut by the window"),
        ({"stage_ns": {Stage.QUEUE_EXECUTOR: 2, Stage.COMPUTE: 1}}, "most time in queue-executor"),
        ({"tiles": False}, "stages do not add up"),
        ({"status": 5}, "exit status 5"),
        ({"errors": "warning: x\nmore"}, "stderr: warning: x"),
        ({"origin_unix_ns": ORIGIN + 100 * MS}, "wall clock off by 100 ms"),
        ({"requests": spans((11, 13), (31, 33), (51, 53))}, "median 2.0 of 4.0 ms"),
        (
            {"requests": spans((10, 14), (20, 21), (22, 23), (30, 34), (50, 54))},
            "2 requests that are none",
        ),
    ],
)
def test_what_is_wrong_about_a_server_is_named(changes: dict[str, Any], fault: str) -> None:
    assert fault in judge(said(**changes), SERVER, THREE).faults


def test_the_longest_wait_of_a_batcher_is_judged_whatever_the_model_takes() -> None:
    right = said(stage_ns={Stage.COMPUTE: 9, Stage.QUEUE_FILL: 2, Stage.QUEUE_THREAD: 1})
    assert judge(right, BATCHER, THREE).is_right
    wrong = said(stage_ns={Stage.COMPUTE: 9, Stage.QUEUE_FILL: 2, Stage.QUEUE_THREAD: 3})
    assert judge(wrong, BATCHER, THREE).faults == ("not queue-fill but queue-thread",)


def test_a_trace_without_requests_is_right_where_nothing_is_claimed() -> None:
    assert judge(nothing_said(), TRAINING, truth()).is_right


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"kind": ProgramKind.EAGER}, "taken for eager"),
        ({"status": 0}, "exit status 0"),
        ({"requests": spans((1, 2))}, "1 requests"),
        ({"cut": 7}, "7 cut by the window"),
        ({"model_calls": spans((1, 2), (3, 4))}, "2 iterations"),
        ({"idle_ratios": {IdleCause.QUEUE_EXECUTOR: 0.4}}, "starved 40%"),
        ({"idle_ratios": {IdleCause.NO_DEMAND: 0.99}}, "99% idle without demand"),
        ({"sentence": "There was no demand."}, "no demand"),
    ],
)
def test_a_false_claim_about_a_program_without_requests_is_named(
    changes: dict[str, Any], fault: str
) -> None:
    assert judge(nothing_said(**changes), TRAINING, truth()).faults == (fault,)


MIDDLE = [(10.1, 13.9), (30.1, 33.9), (50.1, 53.9)]


def loop(*calls: tuple[float, float], **changes: Any) -> Answer:
    values = {"kind": ProgramKind.EAGER, "status": 0, "model_calls": spans(*calls), **changes}
    return nothing_said(**values)


def test_iterations_are_calls_but_for_the_first_and_the_last() -> None:
    assert judge(loop(*MIDDLE), LOOP, THREE).is_right
    assert judge(loop(MIDDLE[1]), LOOP, THREE).is_right


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (loop(), "0 of 3 calls are iterations"),
        (loop(*MIDDLE, (15, 16), (17, 18)), "2 iterations that are none"),
        (loop(*MIDDLE, status=5), "exit status 5"),
    ],
)
def test_what_is_wrong_about_iterations_is_named(said: Answer, fault: str) -> None:
    assert fault in judge(said, LOOP, THREE).faults


def test_the_shift_between_clocks_is_found_from_the_calls_alone() -> None:
    calls = spans((3, 9), (20, 24), (31, 38), (60, 63), shift=ORIGIN)
    found = match(spans((20.2, 23.8), (31.2, 37.8)), calls)
    assert found.request.tolist() == [0, 1]
    assert found.call.tolist() == [1, 2]
    assert found.shift_ns == ORIGIN


def test_of_overlapping_calls_the_nearest_is_taken() -> None:
    calls = spans((10, 15), (10.4, 14.4), (40, 44), shift=ORIGIN)
    found = match(spans((10.1, 14.9), (10.5, 14.3), (40.1, 43.9)), calls)
    assert found.call.tolist() == [0, 1, 2]


def test_nothing_matches_nothing() -> None:
    assert len(match(spans(), spans((1, 2))).request) == 0
    assert len(match(spans((1, 2)), spans()).request) == 0


def test_only_whole_calls_are_inside_a_window() -> None:
    assert inside(spans((0, 2), (1, 3), (2, 5)), [1 * MS, 4 * MS]).tolist() == [1]


def test_tables_show_figures_faults_and_what_was_not_recorded() -> None:
    release = next(each for each in RELEASES if each.name == "tf2.21.0")
    judged = {
        ("tf2.21.0", "session"): Judgement((), 9, 9, 1.5 * MS, 1.75 * MS),
        ("tf2.21.0", "fit"): Judgement(("4 cut by the window", "starved 40%")),
        ("tf2.21.0", "eager"): Judgement(()),
    }
    text = tables([release], judged)
    assert "Right: 2 of 3 recordings." in text
    assert "| tensorflow 2.21.0 | 9 / 9, 1.50 / 1.75 ms | not recorded |" in text
    assert "| **wrong**: 4 cut by the window, starved 40% |" in text
    assert "| right |" in text


def test_every_program_is_expected_and_every_expectation_has_its_program() -> None:
    parts = {"__init__", "recording", "layers", "training"}
    scripts = {path.stem for path in PROGRAMS.glob("*.py")} - parts
    assert scripts == {each.program for each in EXPECTATIONS}


def test_the_interpreter_is_looked_for_in_the_folders_first(tmp_path: Path) -> None:
    python = tmp_path / "3.8.18" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert find_python("3.8", [tmp_path]) == python
    with pytest.raises(FileNotFoundError, match=r"no Python 3\.99"):
        find_python("3.99", [tmp_path])
