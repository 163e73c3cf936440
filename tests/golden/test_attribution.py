"""Recorded servers against the truth their own clocks wrote, with and without detail."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.formats.text.batching_parameters import read_batching_parameters
from diag.model.availability import Unavailable
from diag.model.events import EventTable, StatColumn
from diag.model.serving import Stage, StageGroup
from tests.unit.analysis.traces import tiles_exactly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.analysis import Analysis
    from diag.model.capture import Capture
    from diag.model.events import Plane

BATCHED = ("batch-timeout", "padding")
ALL = (*BATCHED, "in-graph-batching", "no-batching")
QUEUEING = (Stage.QUEUE_FILL, Stage.QUEUE_THREAD, Stage.QUEUE_DISPATCH)
# Everything that happens inside the batch's run counts as execution in the truth.
EXECUTION = (
    *(stage for stage in Stage if stage.group is StageGroup.COMPUTE),
    Stage.PREPROCESS,
    Stage.QUEUE_EXECUTOR,
    Stage.POSTPROCESS,
)
# tsl/profiler: what host tracer level 1 records of a server (batch scheduler, async ops, pool).
LEVEL_1 = frozenset(
    {
        "BatchingSessionRun",
        "MergeInputTensors",
        "ConcatInputTensors",
        "ScheduleWithoutSplit",
        "ScheduleWithEagerSplit",
        "ScheduleOutputTask",
        "ProcessBatch",
        "BatchTask::empty",
        "ExecutorState::ProcessAsync::Start",
        "ExecutorState::ProcessAsync::Done",
        "ThreadpoolListener::Record",
        "ThreadpoolListener::StartRegion",
        "ThreadpoolListener::StopRegion",
    }
)


@pytest.fixture(name="recorded", params=ALL)
def _recorded(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _capture(sample: Callable[[str], Path], name: str) -> Capture:
    return open_bundle(sample(name) / "server.xplane.pb")


def _level_1(capture: Capture) -> Capture:
    """The same recording as tracer level 1 would have left it."""
    planes = tuple(_only_level_1(plane) for plane in capture.planes)
    return replace(capture, planes=planes, tracer_level=1)


def _only_level_1(plane: Plane) -> Plane:
    events = plane.events
    keep = np.array([events.names[i] in LEVEL_1 for i in events.name_id.tolist()], np.bool_)
    moved = np.cumsum(keep) - 1
    stats = {
        name: StatColumn(moved[column.rows[keep[column.rows]]], column.values[keep[column.rows]])
        for name, column in events.stats.items()
    }
    table = EventTable(
        events.start_ns[keep],
        events.end_ns[keep],
        events.name_id[keep],
        events.line_index[keep],
        events.names,
        stats,
    )
    return replace(plane, events=table)


def _truth(sample: Callable[[str], Path], name: str) -> list[dict[str, Any]]:
    loaded = json.loads((sample(name) / "truth.json").read_text())
    return [request for request in loaded["requests"] if request["status_code"] == 0]


def _inside(truth: list[dict[str, Any]], capture: Capture) -> list[dict[str, Any]]:
    assert isinstance(capture.origin_unix_ns, int)
    low = capture.origin_unix_ns + capture.window.start_ns
    high = capture.origin_unix_ns + capture.window.end_ns
    return [r for r in truth if r["run_start_unix_ns"] >= low and r["run_end_unix_ns"] <= high]


def _share(analysis: Analysis, *stages: Stage) -> float:
    table = analysis.requests
    total = int(table.duration_ns[table.complete].sum())
    columns = [stage.index for stage in stages]
    return 100 * int(table.stage_ns[table.complete][:, columns].sum()) / total


def _true_shares(truth: list[dict[str, Any]]) -> tuple[float, float, float]:
    total = sum(r["run_end_unix_ns"] - r["run_start_unix_ns"] for r in truth)
    last = [max(r["tasks"], key=lambda task: task["process_end_unix_ns"]) for r in truth]
    queueing = sum(t["process_begin_unix_ns"] - t["enqueue_unix_ns"] for t in last)
    execution = sum(t["run_end_unix_ns"] - t["run_begin_unix_ns"] for t in last)
    batching = total - queueing - execution
    return 100 * queueing / total, 100 * execution / total, 100 * batching / total


def test_every_whole_request_is_found_and_tiled(
    sample: Callable[[str], Path], recorded: str
) -> None:
    capture = _capture(sample, recorded)
    analysis = analyze(capture)
    truth = _inside(_truth(sample, recorded), capture)
    assert len(analysis.requests) == pytest.approx(len(truth), rel=0.02)
    mean = float(np.mean([r["run_end_unix_ns"] - r["run_start_unix_ns"] for r in truth]))
    assert analysis.requests.duration_ns.mean() == pytest.approx(mean, rel=0.02)
    assert analysis.requests.complete.all()
    assert tiles_exactly(analysis)
    assert _share(analysis, Stage.UNATTRIBUTED) < 0.1


@pytest.mark.parametrize("name", BATCHED)
@pytest.mark.parametrize(("level", "tolerance"), [(2, 1.0), (1, 2.5)])
def test_shares_are_those_of_the_servers_own_clock(
    sample: Callable[[str], Path], name: str, level: int, tolerance: float
) -> None:
    capture = _capture(sample, name)
    queueing, execution, batching = _true_shares(_inside(_truth(sample, name), capture))
    analysis = analyze(capture if level == 2 else _level_1(capture))
    assert _share(analysis, *QUEUEING) == pytest.approx(queueing, abs=tolerance)
    assert _share(analysis, *EXECUTION) == pytest.approx(execution, abs=tolerance)
    rest = 100 - _share(analysis, *QUEUEING, *EXECUTION)
    assert rest == pytest.approx(batching, abs=tolerance)


@pytest.mark.parametrize("name", [*BATCHED, "in-graph-batching"])
def test_level_1_loses_no_batched_request_and_says_what_it_cannot_tell(
    sample: Callable[[str], Path], name: str
) -> None:
    capture = _capture(sample, name)
    full, coarse = analyze(capture), analyze(_level_1(capture))
    assert coarse.tracer_level == 1
    assert len(coarse.requests) == len(full.requests)
    assert coarse.requests.complete.all()
    assert tiles_exactly(coarse)
    assert "tracer-level-1" in [caveat.code for caveat in coarse.caveats]
    for stage in (Stage.PREPROCESS, Stage.QUEUE_EXECUTOR, Stage.POSTPROCESS):
        assert not coarse.requests.stage_known[:, stage.index].any()
    assert coarse.requests.stage_known[:, Stage.COMPUTE.index].all()


def test_level_1_knows_of_no_unbatched_request_and_claims_no_lack_of_them(
    sample: Callable[[str], Path],
) -> None:
    coarse = analyze(_level_1(_capture(sample, "no-batching")))
    assert isinstance(coarse.counts.requests, Unavailable)
    assert isinstance(coarse.counts.complete, Unavailable)
    assert "unbatched-not-recorded" in [caveat.code for caveat in coarse.caveats]
    assert all(idle.no_demand_ns == 0 for idle in coarse.idle)


def test_requests_are_linked_to_the_batches_they_were_in(sample: Callable[[str], Path]) -> None:
    for name in BATCHED:
        capture = _capture(sample, name)
        truth = _inside(_truth(sample, name), capture)
        analysis = analyze(capture)
        table, batches = analysis.requests, analysis.batches
        found = sorted(
            (int(batches.id[table.batch_index[table.batch_offsets[i]]]), int(table.rows[i]))
            for i in range(len(table))
        )
        true = [(int(r["tasks"][0]["batch_context_id"]), r["rows"]) for r in truth]
        missing = sorted(set(found) - set(true))
        assert not missing
        assert len(found) == pytest.approx(len(true), rel=0.02)


@dataclass
class Task:
    """One task of the truth; times in unix ns."""

    batch: int
    enqueue: int
    rows: int
    taken: int
    process_end: int


def _waits(tasks: list[Task], timeout: int, max_rows: int, threads: int) -> dict[int, list[int]]:
    """Fill, thread and dispatch wait of each task by its enqueue, replayed from the truth alone.

    The rules of shared_batch_scheduler.h, worked out task by task without any of diag's code.
    """
    by_batch: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda t: t.enqueue):
        by_batch.setdefault(task.batch, []).append(task)
    held = sorted({(ts[0].taken, ts[0].process_end) for ts in by_batch.values()})
    waits: dict[int, list[int]] = {}
    for number, members in by_batch.items():
        ready = members[0].enqueue + timeout
        rows = 0
        for task in members:
            rows += task.rows
            if rows >= max_rows:
                ready = min(ready, task.enqueue)
        following = by_batch.get(number + 1)
        if following:
            ready = min(ready, following[0].enqueue)
        taken = members[0].taken
        ready = min(ready, taken)
        for task in members:
            begin = max(task.enqueue, ready)
            edges = sorted({begin, taken, *(e for h in held for e in h if begin < e < taken)})
            busy = sum(
                high - low
                for low, high in pairwise(edges)
                if sum(s <= low and high <= e for s, e in held) >= threads
            )
            waits[task.enqueue] = [begin - task.enqueue, busy, taken - begin - busy]
    return waits


@pytest.mark.parametrize(("name", "timeout_us"), [("batch-timeout", 10_000), ("padding", 4_000)])
@pytest.mark.parametrize("told", [True, False])
def test_queue_waits_are_those_of_a_replay_from_the_truth(
    sample: Callable[[str], Path], name: str, timeout_us: int, told: bool
) -> None:
    truth = _truth(sample, name)
    tasks = [
        Task(
            batch=int(task["batch_context_id"]),
            enqueue=task["enqueue_unix_ns"],
            rows=task["rows"],
            taken=task["batch_close_unix_ns"],
            process_end=task["process_end_unix_ns"],
        )
        for request in truth
        for task in request["tasks"]
    ]
    waits = _waits(tasks, timeout_us * 1000, max_rows=32, threads=2)
    capture = _capture(sample, name)
    inside = _inside(truth, capture)
    expected = np.mean([waits[r["tasks"][0]["enqueue_unix_ns"]] for r in inside], axis=0)
    file = sample(name) / "batching_parameters.txt"
    if told:
        capture = capture.with_batching_parameters(read_batching_parameters(file))
    analysis = analyze(capture)
    columns = [stage.index for stage in QUEUEING]
    found = analysis.requests.stage_ns[:, columns].mean(axis=0)
    # 0.15 ms a request, the accuracy promised for these waits.
    assert np.abs(found - expected).max() < 150_000, (found.tolist(), expected.tolist())
