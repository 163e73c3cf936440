"""Runs that load or warm up a model rather than answer a request.

A thread that loads a model restores its variables, runs its init graph, and then replays the
warm-up records one after the other (S:tensorflow_serving/servables/tensorflow/
saved_model_warmup_util.cc). So the runs that follow a restore on one line are warm-ups. The name of
a line alone proves nothing: the ids of threads that ended are used again, and a line may bear the
name of either thread. Clients' runs stood on a line of ``tf_ModelDiskSizePool``, warm-ups on a line
of ``grpcpp_sync_ser`` (live server of 9d981c5c, TensorFlow 2.21). So it counts only after a load:
one that the trace shows, or one that the server tells of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.op_class import rows_of_type
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import innermost
from diag.analysis.thresholds import LOAD_PAUSE_MAX_NS, REPLAY_PAUSE_MAX_NS
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class ModelLoading:
    """What loads or warms up models.

    Attributes:
        steps: (steps,) whether the step does.
        sessions: Ascending rows of ``BatchingSessionRun`` events that replay a warm-up record.
    """

    steps: Bools
    sessions: Int64s


def find_model_loading(
    events: EventTable, lines: tuple[str, ...], steps: Steps, loads_told: int = 0
) -> ModelLoading:
    """Find the runs with an op that loads a model, and the warm-ups that follow them.

    Args:
        events: Of the host plane.
        lines: Names of its lines.
        steps: All steps.
        loads_told: Loads that the server tells of: begun before the capture's end, and not ended
            before its begin.
    """
    loading = _with_load_ops(events, steps)
    run = np.flatnonzero(~steps.is_orphan & ~steps.is_function & steps.is_root)
    sessions = events.rows_named(ev.BATCHING_SESSION_RUN)
    batches = events.rows_named(ev.PROCESS_BATCH)
    run = run[innermost(events, np.union1d(sessions, batches), steps.row[run]) < 0]
    row = np.concatenate((steps.row[run], sessions))
    step = np.concatenate((run, np.full(len(sessions), -1)))
    order = np.argsort(row, kind="stable")
    row, step = row[order], step[order]
    is_load = np.append(loading, False)[step]
    began_before = bool(loads_told > np.count_nonzero(is_load))
    replayed = _follow_a_load(events, lines, row, is_load, began_before=began_before)
    own = replayed & (step >= 0)
    loading[step[own]] = True
    return ModelLoading(loading, row[replayed & (step < 0)])


def _with_load_ops(events: EventTable, steps: Steps) -> Bools:
    """(steps,) whether a step runs an op that restores variables or fills a table."""
    loading = np.zeros(len(steps), np.bool_)
    row = rows_of_type(events, ev.LOAD_OPS)
    burst = innermost(events, steps.burst_row, row)
    loading[steps.burst_step[burst[burst >= 0]]] = True
    runs = np.flatnonzero(~steps.is_orphan)
    runs = runs[np.argsort(steps.row[runs], kind="stable")]
    around = innermost(events, steps.row[runs], row[burst < 0])  # run inline, without a burst
    loading[steps.root[runs[around[around >= 0]]]] = True
    return loading


def _follow_a_load(
    events: EventTable,
    lines: tuple[str, ...],
    row: Int64s,
    is_load: Bools,
    *,
    began_before: bool,
) -> Bools:
    """(n,) whether a run is a load, or follows one on its line without a long pause.

    A line that bears the name of a loading thread may have been in a load as the window began, and
    one of the warm-up pool follows a load on another line: there the first run counts as well.
    Threads of the pool end with their load. So after a load that is not in the trace, runs on their
    lines count only while they begin soon after the window's begin: later ones may be a client's.

    Args:
        events: Of the host plane.
        lines: Names of its lines.
        row: (n,) ascending rows of runs that no batch and no session made.
        is_load: (n,) whether each has an op that loads a model.
        began_before: Whether a load began before the window.
    """
    if not len(row):
        return np.zeros(0, np.bool_)
    line, start, end = events.line_index[row], events.start_ns[row], events.end_ns[row]
    replays = np.array([name.startswith(ev.WARM_UP_THREADS) for name in lines], np.bool_)[line]
    loads = np.array([name.startswith(ev.LOAD_THREADS) for name in lines], np.bool_)[line]
    is_first = np.append(True, line[1:] != line[:-1])
    window_ns = int(events.start_ns.min())
    before_ns = window_ns if began_before else window_ns - LOAD_PAUSE_MAX_NS - 1
    load_ended = np.sort(np.append(end[is_load], before_ns))
    latest = np.searchsorted(load_ended, start, side="right") - 1
    is_soon = start - load_ended[latest] <= LOAD_PAUSE_MAX_NS
    begun = is_soon & (replays | (is_first & loads & (latest == 0)))
    pause = np.append(0, start[1:] - end[:-1])
    broken = is_first | (pause > np.where(replays, REPLAY_PAUSE_MAX_NS, LOAD_PAUSE_MAX_NS))
    # A replay thread's first run in a row counts if it is soon after a load; its others follow it.
    seed = is_load | (begun & (broken | ~replays))
    chain = np.cumsum(broken) - 1
    first = np.full(int(chain[-1]) + 1, len(row), np.int64)
    np.minimum.at(first, chain[seed], np.flatnonzero(seed))
    is_uncertain = replays & (latest == 0) & ~is_soon & ~is_load
    return np.asarray((np.arange(len(row)) >= first[chain]) & ~is_uncertain, np.bool_)
