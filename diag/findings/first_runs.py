"""Which op and which batch size were slow in a first run, and how long later runs take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.execution.op_class import OpClass, classify
from diag.analysis.intervals.nesting import innermost
from diag.findings import thresholds
from diag.findings.disturbance import pieces_of
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Source
from diag.model.gaps import IdleCause
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import MODES, Mode

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Int64s, Ints

_NO_LINK = -1  # of an event without the stat, and of bursts that no run started
_NO_LATER = Unavailable("no later run of this size was recorded")


class FirstRuns(NamedTuple):
    """What was slow, of the op with most idle time for a cold start.

    Attributes:
        op: ``<node>:<OpType>``, or the event that shows the cold start outside of an op.
        op_ns: Duration of its longest event.
        start_ns: When that event began, ns since the capture's origin.
        thread: Name of its thread.
        model: Whose run it was; Unavailable where the trace does not link the op to a run.
        rows: Rows of that batch, padding included; Unavailable also without batching.
        run_ns: Duration of that batch's run, or of the request without batching.
        later_ns: Median of later ones with as many rows.
        later: Number of these.
        sizes: Rows of all batches with a cold start, ascending.
    """

    op: str
    op_ns: int
    start_ns: int
    thread: str
    model: str | Unavailable
    rows: int | Unavailable
    run_ns: int | Unavailable
    later_ns: float | Unavailable
    later: int
    sizes: tuple[int, ...]


class _Runs(NamedTuple):
    """Batches' runs, or requests without batching.

    Attributes:
        group: (n,) equal for runs that should take equally long.
        rows: (n,) -1 without batching.
    """

    start_ns: Int64s
    end_ns: Int64s
    model_index: Ints
    group: Int64s
    rows: Int64s

    def later_ns(self, row: int) -> Int64s:
        """Durations of the runs of the same group that began after this one had ended."""
        mine = (self.group == self.group[row]) & (self.start_ns >= self.end_ns[row])
        return np.asarray((self.end_ns - self.start_ns)[mine], np.int64)


def find_first_runs(inputs: RuleInputs) -> FirstRuns | None:
    """None where no event of the host shows what was slow."""
    analysis, events = inputs.analysis, inputs.analysis.host.events
    gaps = analysis.gaps
    mine = np.flatnonzero(pieces_of(inputs, IdleCause.COLD_START))
    mine = mine[gaps.evidence_row[mine] >= 0]
    if not len(mine):
        return None
    shown = _ops_around(analysis, gaps.evidence_row[mine].astype(np.int64))
    length_ns = (gaps.end_ns - gaps.start_ns)[mine]
    by_name = np.bincount(events.name_id[shown], weights=length_ns)
    slowest = events.name_id[shown] == by_name.argmax()
    event = int(shown[slowest][(events.end_ns - events.start_ns)[shown[slowest]].argmax()])
    runs = _runs(analysis)
    run_of = _runs_around(analysis, runs, shown)
    sizes = {int(rows) for rows in runs.rows[run_of[run_of >= 0]] if rows >= 0}
    run = int(run_of[np.flatnonzero(shown == event)[0]])
    return _described(analysis, event, runs, run, tuple(sorted(sizes)))


def _described(
    analysis: Analysis, event: int, runs: _Runs, run: int, sizes: tuple[int, ...]
) -> FirstRuns:
    events = analysis.host.events
    no_run = Unavailable("the trace does not tell which run it belongs to")
    known = run >= 0
    later_ns = runs.later_ns(run) if known else np.empty(0, np.int64)
    model = int(runs.model_index[run]) if known else -1
    rows = int(runs.rows[run]) if known else -1
    return FirstRuns(
        op=printable(events.names[events.name_id[event]], NAME_MAX_CHARS),
        op_ns=int(events.end_ns[event] - events.start_ns[event]),
        start_ns=int(events.start_ns[event]),
        thread=printable(analysis.host.lines[events.line_index[event]].name, NAME_MAX_CHARS),
        model=printable(analysis.requests.models[model], NAME_MAX_CHARS) if model >= 0 else no_run,
        rows=rows if rows >= 0 else Unavailable("the trace does not record it without batching"),
        run_ns=int(runs.end_ns[run] - runs.start_ns[run]) if known else no_run,
        later_ns=float(np.median(later_ns)) if len(later_ns) else _NO_LATER,
        later=len(later_ns),
        sizes=sizes,
    )


def _ops_around(analysis: Analysis, rows: Int64s) -> Int64s:
    """For each event the op that encloses it, or the event itself where it is one or has none."""
    events = analysis.host.events
    ops = events.rows_where(
        lambda name: classify(name) in (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE)
    )
    around = innermost(events, ops, rows)
    return np.where(around >= 0, ops[np.maximum(around, 0)], rows) if len(ops) else rows


def _runs_around(analysis: Analysis, runs: _Runs, rows: Int64s) -> Int64s:
    """For each event the run whose executor burst encloses it, or -1."""
    events = analysis.host.events
    bursts = events.rows_named(ev.EXECUTOR_PROCESS)
    roots = events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN)
    burst = innermost(events, bursts, rows)
    found = np.full(len(rows), -1, np.int64)
    if not len(roots) or not (burst >= 0).any():
        return found
    consumed = events.stat(ev.STAT_CONSUMER_ID).at(bursts[np.maximum(burst, 0)])
    produced = events.stat(ev.STAT_PRODUCER_ID).at(roots)
    started = dict(zip(produced.tolist(), events.start_ns[roots].tolist(), strict=True))
    run_at = {start: run for run, start in enumerate(runs.start_ns.tolist())}
    for i in np.flatnonzero((burst >= 0) & (consumed != _NO_LINK)).tolist():
        found[i] = run_at.get(started.get(int(consumed[i]), -1), -1)
    return found


def _runs(analysis: Analysis) -> _Runs:
    """The runs of batches, and the requests that have a run of their own."""
    batches, requests = analysis.batches, analysis.requests
    ran = np.flatnonzero(batches.run_start_ns >= 0)
    alone = np.flatnonzero(requests.mode_index == MODES.index(Mode.UNBATCHED))
    rows = np.concatenate((batches.executed_rows[ran], np.full(len(alone), -1)))
    owner = np.concatenate((batches.queue_index[ran], requests.model_index[alone]))
    _, group = np.unique(np.stack((owner, rows)), axis=1, return_inverse=True)
    return _Runs(
        start_ns=np.concatenate((batches.run_start_ns[ran], requests.start_ns[alone])),
        end_ns=np.concatenate((batches.run_end_ns[ran], requests.end_ns[alone])),
        model_index=np.concatenate((batches.model_index[ran], requests.model_index[alone])),
        group=group.reshape(-1),
        rows=rows,
    )


def first_run_sentence(found: FirstRuns) -> str:
    """What was slow, as the end of a sentence, with a leading colon."""
    op = f"`{found.op}`"
    if isinstance(found.run_ns, Unavailable):
        return f": the longest in {op}"
    what = "a request"
    if not isinstance(found.rows, Unavailable):
        what = f"a batch of {found.rows} {'row' if found.rows == 1 else 'rows'}"
    later = ""
    if not isinstance(found.later_ns, Unavailable):
        later = f", later ones {duration(found.later_ns)}"
    return f": the longest in {op}, in {what} that ran for {duration(found.run_ns)}{later}"


def first_run_evidence(found: FirstRuns) -> tuple[Evidence, ...]:
    """The op, the size of its batch, and both durations."""
    trace = Source("trace", found.thread, found.start_ns, found.start_ns + found.op_ns)
    table = Source("requests" if isinstance(found.rows, Unavailable) else "batches")
    values: tuple[tuple[str, int | float | str | Unavailable, str, Source], ...] = (
        ("slowest op of a first run", found.op, "", trace),
        ("time in that op", found.op_ns, "ns", trace),
        ("model of that run", found.model, "", table),
        ("rows of that batch, padding included", found.rows, "rows", table),
        ("duration of that run", found.run_ns, "ns", table),
        ("later runs of the same size, median", found.later_ns, "ns", table),
        ("later runs of the same size", found.later or _NO_LATER, "runs", table),
    )
    sizes = tuple(
        Evidence("rows of a batch with a cold start", size, "rows", table) for size in found.sizes
    )
    return (
        *(
            Evidence(name, value, unit, where)
            for name, value, unit, where in values
            if not isinstance(value, Unavailable)
        ),
        *sizes,
    )


def not_only_the_first(found: FirstRuns) -> CounterEvidence:
    """Whether later runs of the same size take about as long."""
    looked_for = "later runs of the same size that take about as long"
    if isinstance(found.run_ns, Unavailable):
        return CounterEvidence(looked_for, found.run_ns)
    if isinstance(found.later_ns, Unavailable):
        return CounterEvidence(looked_for, found.later_ns)
    return CounterEvidence(looked_for, found.later_ns >= thresholds.AS_SLOW_RATIO * found.run_ns)
