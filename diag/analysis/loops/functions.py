"""Python functions of the program by time, from samples of the stacks."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from diag.analysis.intervals.sets import is_covered, union
from diag.analysis.loops.iterations import ThreadIterations
from diag.analysis.loops.map_functions import PYTHON_OPS
from diag.analysis.loops.stack_kinds import is_pool
from diag.model.availability import Unavailable
from diag.model.events import Int64s, Plane
from diag.model.loops import LOOP_STAGES, FunctionPlace, LoopStage, PythonFunction
from diag.model.stacks import StackSamples

FUNCTIONS_MAX = 20


def find_functions(
    host: Plane, found: tuple[ThreadIterations, ...], samples: StackSamples | Unavailable
) -> tuple[PythonFunction, ...] | Unavailable:
    """The functions with most time, of loops, pipelines and pools."""
    if isinstance(samples, Unavailable):
        return samples
    functions = (
        *_of_loops(found, samples),
        *_of_maps(host, samples),
        *_of_pools(host, found, samples),
    )
    ranked = sorted(functions, key=lambda each: (-each.share, each.label))
    return tuple(ranked[:FUNCTIONS_MAX])


def _of_loops(found: tuple[ThreadIterations, ...], samples: StackSamples) -> list[PythonFunction]:
    total = sum(int(each.stage_ns[each.complete].sum()) for each in found)
    seen = sum(len(each.python.rows) for each in found)
    groups: dict[tuple[int, int], list[tuple[Int64s, Int64s, Int64s]]] = {}
    for each in found:
        python = each.python
        if python.kinds is None:
            continue
        stacks = samples.stack_id[python.rows]
        function = python.kinds.function[stacks]
        for frame in np.unique(function[function >= 0]).tolist():
            for stage in np.unique(python.stage[function == frame]).tolist():
                chosen = (function == frame) & (python.stage == stage)
                leaf = python.kinds.leaf[stacks[chosen]].astype(np.int64)
                groups.setdefault((frame, stage), []).append(
                    (python.rows[chosen], python.share_ns[chosen], leaf)
                )
    out = []
    for (frame, stage), parts in groups.items():
        if LOOP_STAGES[stage] in (LoopStage.DISPATCH, LoopStage.MODEL):
            continue
        rows, time, leaf = (np.concatenate(column) for column in zip(*parts, strict=True))
        share = int(time.sum()) / total if total else 0.0
        out.append(_function(samples, frame, rows, leaf, share, seen, FunctionPlace.LOOP, stage))
    return out


def _of_maps(host: Plane, samples: StackSamples) -> list[PythonFunction]:
    """Functions that run inside the ops that call Python, on any thread."""
    events = host.events
    ops = events.rows_where(lambda name: name.rpartition(":")[2] in PYTHON_OPS)
    inside: list[int] = []
    for line in np.unique(events.line_index[ops]).tolist():
        own = ops[events.line_index[ops] == line]
        rows = np.flatnonzero(samples.line_id == host.lines[line].id)
        covered = is_covered(union(events.start_ns[own], events.end_ns[own]), samples.time_ns[rows])
        inside += rows[covered].tolist()
    return _of_threads(samples, np.array(inside, np.int64), FunctionPlace.MAP, LoopStage.INPUT_WAIT)


def _of_pools(
    host: Plane, found: tuple[ThreadIterations, ...], samples: StackSamples
) -> list[PythonFunction]:
    """Functions on threads of pools that no loop runs on."""
    loops = {host.lines[each.thread.line].id for each in found}
    frames = [[samples.frames[i] for i in stack] for stack in samples.stacks]
    pools = np.array([is_pool(each) and any(f.is_user for f in each) for each in frames], np.bool_)
    rows = np.flatnonzero(pools[samples.stack_id] & ~np.isin(samples.line_id, list(loops)))
    return _of_threads(samples, rows, FunctionPlace.POOL, LoopStage.RESULT_WAIT)


def _of_threads(
    samples: StackSamples, rows: Int64s, place: FunctionPlace, stage: LoopStage
) -> list[PythonFunction]:
    """The program's outermost functions of these rows."""
    own = [[i for i in stack if samples.frames[i].is_user] for stack in samples.stacks]
    outer = np.array([each[0] if each else -1 for each in own], np.int64)
    inner = np.array([each[-1] if each else -1 for each in own], np.int64)
    function, leaf = outer[samples.stack_id[rows]], inner[samples.stack_id[rows]]
    weight = samples.weight[rows].astype(np.int64)
    out = []
    for frame in np.unique(function[function >= 0]).tolist():
        chosen = function == frame
        share = float(weight[chosen].sum() / weight.sum())
        part = rows[chosen], leaf[chosen]
        out.append(_function(samples, frame, *part, share, len(rows), place, stage.index))
    return out


def _function(
    samples: StackSamples,
    frame: int,
    rows: Int64s,
    leaves: Int64s,
    share: float,
    seen: int,
    place: FunctionPlace,
    stage: int,
) -> PythonFunction:
    shown = samples.frames[frame]
    weights: Counter[int] = Counter()
    for leaf, weight in zip(leaves.tolist(), samples.weight[rows].tolist(), strict=True):
        weights[leaf] += weight
    inner = samples.frames[weights.most_common(1)[0][0]]
    within = min(1.0, share)
    return PythonFunction(
        file=shown.file,
        line=shown.first_line,
        name=shown.function,
        place=place,
        stage=LOOP_STAGES[stage],
        leaf=f"{inner.file}:{inner.first_line} {inner.function}",
        samples=len(rows),
        share=share,
        error=math.sqrt(within * (1 - within) / max(1, seen)),
        cpu_ratio=_cpu_ratio(samples, rows),
    )


def _cpu_ratio(samples: StackSamples, rows: Int64s) -> float | Unavailable:
    """CPU time over the time that the same samples stand for.

    The CPU time since the row before may hold some of another function; that of many rows is right
    on average.
    """
    known = rows[samples.cpu_ns[rows] >= 0]
    time_ns = int(samples.weight[known].sum()) * samples.period_ns
    if not time_ns:
        return Unavailable("the CPU time of the thread was not sampled")
    return min(1.0, float(samples.cpu_ns[known].sum()) / time_ns)
