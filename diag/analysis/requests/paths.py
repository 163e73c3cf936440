"""The whole way of single requests: the pieces behind a row of the request table, in time order.

The edges are those that the row was made of: ``kinds/`` of the request, ``batcher_visits.py`` of a
visit to a batcher, ``step_stages.py`` of a run. Made for a few requests at a time.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from diag.analysis.batching.batch_table import order_of_rows
from diag.analysis.execution.execution import Execution
from diag.analysis.execution.op_class import OpClass
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import clip
from diag.analysis.requests.attribution import AttributedRequests
from diag.analysis.requests.batcher_visits import find_visits
from diag.analysis.requests.owners import DeviceOwners, QueueWaits, device_owners, queue_waits
from diag.analysis.requests.path_chain import Chain
from diag.formats.trace import event_names as ev
from diag.model.events import Int64s, Ints
from diag.model.paths import RequestPath
from diag.model.serving import MODES, Mode, Stage

_OPS = (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE)


class RequestPaths:
    """Looks up the paths of single requests, 0.1 to 0.3 ms each, and what is behind the tables."""

    def __init__(self, execution: Execution, requests: AttributedRequests) -> None:
        self._execution = execution
        self._requests = requests

    def of(self, request: int) -> RequestPath:
        """The path of a row of the request table."""
        table, sources = self._requests.table, self._requests.sources
        start_ns, end_ns = int(table.start_ns[request]), int(table.end_ns[request])
        root, step = int(sources.root[request]), int(sources.step[request])
        line = self._line(root)
        chain = Chain(start_ns, end_ns)
        if step >= 0:
            steps = self._requests.linked.steps
            chain.add(Stage.SCHEDULE, int(steps.start_ns[step]), line=line)
            self._add_step(chain, step, batch=-1, has_calls=True)
            chain.add(Stage.UNATTRIBUTED, int(steps.end_ns[step]))
            is_function = MODES[table.mode_index[request]] is Mode.BATCH_FUNCTION
            chain.add(Stage.POSTPROCESS if is_function else Stage.BATCH_SPLIT, end_ns, line=line)
        else:
            self._add_visit(chain, end_ns, int(self._critical_task[request]), line, has_calls=True)
        hidden = np.flatnonzero(~table.stage_known[request])
        return chain.path(request, hidden)

    def holders(self, batch: int, start_ns: int, end_ns: int) -> Int64s:
        """Rows of the batch table that held the threads of a batch's pool in an interval."""
        table, queues = self._requests.batches, self._requests.linked.queues
        of_pool = queues.pool_of_queue[table.queue_index]
        mine = of_pool == queues.pool_of_queue[table.queue_index[batch]]
        return np.flatnonzero(mine & (table.start_ns < end_ns) & (table.end_ns > start_ns))

    def longest_op(self, step: int, start_ns: int, end_ns: int) -> tuple[str, int] | None:
        """Name and time of the op of a run that lasts longest within an interval, if it has any."""
        row, of_step = self._ops
        row, events = row[_group(of_step, step)], self._execution.events
        inside = np.minimum(events.end_ns[row], end_ns) - np.maximum(events.start_ns[row], start_ns)
        if not len(row) or inside.max() <= 0:
            return None
        longest = int(inside.argmax())
        return events.names[events.name_id[row[longest]]], int(inside[longest])

    def step_id(self, step: int) -> int | None:
        """TensorFlow's number of a run, as its executor bursts bear it; None where none does."""
        row, of_step = self._bursts
        bursts = row[_group(of_step, step)][:1]
        found = self._execution.events.stat(ev.STAT_ID).at(bursts).tolist()
        return next((each for each in found if each not in ev.SPECIAL_STEP_IDS), None)

    def device_owners(self) -> tuple[DeviceOwners, ...]:
        """Whose work each event of the GPUs is; one entry for each GPU plane with work."""
        return device_owners(self._execution, self._requests)

    def queue_waits(self) -> QueueWaits:
        """When each task waited in a batching queue."""
        return queue_waits(self._requests)

    @cached_property
    def _critical_task(self) -> Int64s:
        """(requests,) as in ``BatcherVisits.task``."""
        table, linked = self._requests.table, self._requests.linked
        of_task = self._requests.sources.of_task
        return find_visits(table.start_ns, table.end_ns, of_task, linked.tasks, linked.batches).task

    @cached_property
    def _row_of_batch(self) -> Int64s:
        """(batches,) row of the batch table of each position in ``Batches``."""
        order = order_of_rows(self._requests.linked.batches)
        row = np.empty(len(order), np.int64)
        row[order] = np.arange(len(order))
        return row

    @cached_property
    def _ops(self) -> tuple[Int64s, Int64s]:
        """Event rows of ops inside runs, and the run of each, ordered by run."""
        events, steps = self._execution.events, self._requests.linked.steps
        row = np.flatnonzero(np.isin(self._execution.op_class, _OPS)[events.name_id])
        burst = innermost(events, steps.burst_row, row)
        row, step = row[burst >= 0], steps.burst_step[burst[burst >= 0]]
        order = np.argsort(step, kind="stable")
        return row[order], step[order]

    @cached_property
    def _bursts(self) -> tuple[Int64s, Int64s]:
        """Event rows of bursts and the step of each, ordered by step, then start."""
        steps = self._requests.linked.steps
        order = np.lexsort((self._execution.events.start_ns[steps.burst_row], steps.burst_step))
        return steps.burst_row[order], steps.burst_step[order]

    @cached_property
    def _runs(self) -> tuple[Int64s, Int64s]:
        """Root steps inside batches, and the batch of each, ordered by batch."""
        batches = self._requests.linked.batches
        order = np.argsort(batches.run_batch, kind="stable")
        return batches.run_step[order], batches.run_batch[order]

    @cached_property
    def _calls(self) -> tuple[Int64s, Int64s]:
        """Calls of in-graph batchers between parts, and the step of each, ordered by step."""
        calls, ops = self._execution.staged.parts.calls, self._requests.linked.ops
        order = np.argsort(ops.step[calls], kind="stable")
        return calls[order], ops.step[calls][order]

    def _line(self, row: int) -> int:
        return int(self._execution.events.line_index[row]) if row >= 0 else -1

    def _add_visit(
        self, chain: Chain, end_ns: int, task: int, line: int, *, has_calls: bool
    ) -> None:
        """A visit to a batcher, from where the chain has come to; edges of ``stage_visits``."""
        linked = self._requests.linked
        tasks, batches, queues = linked.tasks, linked.batches, linked.queues
        if task < 0:
            chain.add(Stage.UNATTRIBUTED, end_ns, line=line)
            return
        chain.add(Stage.SCHEDULE, min(int(tasks.enqueue_ns[task]), end_ns), line=line)
        batch = int(tasks.batch[task])
        if batch < 0:
            chain.add(Stage.UNATTRIBUTED, end_ns, line=line)
            return
        group, row = int(queues.arrivals.group[task]), int(self._row_of_batch[batch])
        ready_ns = min(int(queues.readiness.ready_ns[group]), end_ns)
        taken_ns = min(int(batches.start_ns[batch]), end_ns)
        chain.add(Stage.QUEUE_FILL, min(ready_ns, taken_ns), batch=row)
        pool = queues.pools[int(queues.pool_of_queue[queues.arrivals.queue[group]])]
        busy = clip(pool.all_busy, min(ready_ns, taken_ns), taken_ns)
        for since_ns, until_ns in zip(busy.start_ns.tolist(), busy.end_ns.tolist(), strict=True):
            chain.add(Stage.QUEUE_DISPATCH, since_ns, batch=row)
            chain.add(Stage.QUEUE_THREAD, until_ns, batch=row)
        chain.add(Stage.QUEUE_DISPATCH, taken_ns, batch=row)
        thread = int(batches.line[batch])
        run_start_ns, run_end_ns = int(batches.run_start_ns[batch]), int(batches.run_end_ns[batch])
        chain.add(Stage.BATCH_FORMATION, min(run_start_ns, end_ns), line=thread, batch=row)
        is_whole = run_end_ns <= end_ns and run_start_ns >= chain.at_ns
        if batches.first_step[batch] >= 0 and is_whole:
            self._add_run(chain, batch, row, has_calls=has_calls)
        is_run = batches.first_step[batch] < 0 and not (is_whole and batches.is_failed[batch])
        rest = Stage.COMPUTE if is_run else Stage.UNATTRIBUTED
        chain.add(rest, min(run_end_ns, end_ns), line=thread, batch=row)
        chain.add(Stage.BATCH_SPLIT, end_ns, line=line, batch=row)

    def _add_run(self, chain: Chain, batch: int, row: int, *, has_calls: bool) -> None:
        """The steps of a batch's run; nothing where they are longer than it."""
        linked = self._requests.linked
        batches = linked.batches
        run_step, of_batch = self._runs
        step = run_step[_group(of_batch, batch)]
        of_step = linked.step_stage_ns if has_calls else self._execution.staged.stage_ns
        length_ns = int(batches.run_end_ns[batch] - batches.run_start_ns[batch])
        if int(of_step[step].sum()) > length_ns:
            return
        for each in step[np.argsort(linked.steps.start_ns[step], kind="stable")].tolist():
            self._add_step(chain, each, batch=row, has_calls=has_calls)

    def _add_step(self, chain: Chain, step: int, batch: int, *, has_calls: bool) -> None:
        """The parts of a step, and its calls of in-graph batchers between them."""
        linked, staged = self._requests.linked, self._execution.staged
        parts, ops, steps = staged.parts, linked.ops, linked.steps
        first, last = parts.first_of_step[step : step + 2].tolist()
        call, of_step = self._calls
        call = call[_group(of_step, step)]
        end_ns = np.where(ops.done_ns[call] >= 0, ops.done_ns[call], ops.start_ns[call])
        used_ns = int((end_ns - ops.start_ns[call]).sum() + staged.stage_ns[step].sum())
        # As in ``link_steps``: calls that reach beyond their step are not part of its row.
        is_excess = used_ns > int(steps.end_ns[step] - steps.start_ns[step])
        for part in range(first, last):
            self._add_part(chain, part, step, batch)
            if part + 1 == last:
                break
            resumes_ns = int(parts.start_ns[part + 1])
            mine = part - first
            if has_calls and not is_excess:
                chain.add(Stage.UNATTRIBUTED, int(ops.start_ns[call[mine]]), batch=batch)
                self._add_visit(
                    chain,
                    min(int(end_ns[mine]), resumes_ns),
                    int(linked.calls.task[call[mine]]),
                    self._line(int(ops.row[call[mine]])),
                    has_calls=False,
                )
            chain.add(Stage.UNATTRIBUTED, resumes_ns, batch=batch)

    def _add_part(self, chain: Chain, part: int, step: int, batch: int) -> None:
        pieces = self._execution.staged.pieces
        mine = _group(pieces.owner, part)
        start_ns = pieces.start_ns[mine]
        line = self._lines_of_bursts(step, start_ns)
        end_ns, stage = pieces.end_ns[mine], pieces.code[mine].astype(np.int64)
        chain.add_run(start_ns, end_ns, stage, line, batch, step)

    def _lines_of_bursts(self, step: int, at_ns: Int64s) -> Int64s:
        """(n,) thread of a burst of the step that is open at each instant, -1 where none is.

        Of several, the one that ends last.
        """
        events, steps = self._execution.events, self._requests.linked.steps
        row, of_step = self._bursts
        row = row[_group(of_step, step)]
        if not len(row):
            return np.full(len(at_ns), self._line(int(steps.row[step])))
        end_ns = events.end_ns[row]
        reach_ns = np.maximum.accumulate(end_ns)
        latest = np.maximum.accumulate(np.where(end_ns == reach_ns, np.arange(len(row)), 0))
        index = np.searchsorted(events.start_ns[row], at_ns, side="right") - 1
        is_open = (index >= 0) & (reach_ns[np.maximum(index, 0)] > at_ns)
        return np.where(is_open, events.line_index[row[latest[np.maximum(index, 0)]]], -1)


def _group(ordered: Ints, owner: int) -> slice:
    """Where the entries of one owner stand in an ascending column."""
    # Of the same dtype, or the search would first copy the column.
    low, high = np.searchsorted(ordered, np.array([owner, owner + 1], ordered.dtype)).tolist()
    return slice(low, high)
