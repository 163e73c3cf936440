"""Which model held what another model's requests waited for.

All models of a server share two kinds of threads: those of TensorFlow's inter-op pool, which
executor bursts occupy, and the batch threads of the batching session, which batches occupy. Models
on one GPU share its compute stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.execution import Execution
from diag.analysis.requests.attribution import AttributedRequests
from diag.model.events import Bools, EventTable, Int64s
from diag.model.serving import MODES, Mode, Stage

# Models with most waiting, or with most held time, that are told apart; further ones are left out.
MODELS_MAX = 10
_BATCHED = MODES.index(Mode.BATCHING_SESSION)


@dataclass(frozen=True, slots=True)
class Blocking:
    """What one model held while another one waited for it.

    Attributes:
        stage: ``QUEUE_EXECUTOR``: inter-op threads; ``QUEUE_THREAD``: batch threads;
            ``DEVICE_WAIT``: one GPU.
        waiting: The model that waited.
        holding: The model whose work it waited for; it may be the same.
        held_ns: Time of its threads or of its work on the GPU, summed over the waits of all
            requests or batches.
        share: Part of such time of all models in these waits, 0 to 1.
    """

    stage: Stage
    waiting: str
    holding: str
    held_ns: int
    share: float


@dataclass(frozen=True, slots=True)
class _Spans:
    """Intervals of models: columns (n,); the model is -1 where it is not known."""

    model: Int64s
    start_ns: Int64s
    end_ns: Int64s

    def of(self, model: int) -> tuple[Int64s, Int64s]:
        mine = self.model == model
        return self.start_ns[mine], self.end_ns[mine]

    def largest(self) -> list[int]:
        """The models with most time."""
        known = self.model >= 0
        length = (self.end_ns - self.start_ns)[known]
        if not len(length):
            return []
        total = np.bincount(self.model[known], weights=length)
        ranked = np.argsort(-total, kind="stable")[:MODELS_MAX].tolist()
        return [index for index in ranked if total[index] > 0]


def find_blocking(execution: Execution, requests: AttributedRequests) -> tuple[Blocking, ...]:
    """Every pair of models, for threads and GPUs; empty with fewer than two models."""
    models = requests.table.models
    if len(models) < 2:
        return ()
    of_step = _models_of_steps(requests)
    pairs = (
        (
            Stage.QUEUE_EXECUTOR,
            _waits(execution, of_step, Stage.QUEUE_EXECUTOR),
            _bursts(execution, of_step),
        ),
        (Stage.QUEUE_THREAD, *_batch_spans(requests)),
        *_device_spans(execution, of_step),
    )
    return tuple(
        each for stage, waits, holds in pairs for each in _compare(stage, waits, holds, models)
    )


def _compare(stage: Stage, waits: _Spans, holds: _Spans, models: tuple[str, ...]) -> list[Blocking]:
    out = []
    everything = HeldTime(holds.start_ns, holds.end_ns)
    holders = [(index, HeldTime(*holds.of(index))) for index in holds.largest()]
    for waiting in waits.largest():
        start, end = waits.of(waiting)
        total = everything.within_ns(start, end)
        for holding, held_time in holders:
            held = held_time.within_ns(start, end)
            if held:
                share = held / total
                out.append(Blocking(stage, models[waiting], models[holding], held, share))
    return out


class HeldTime:
    """Thread time of a set of spans, which may overlap; sorted once, then asked often.

    Args:
        start_ns: (n,) begins.
        end_ns: (n,) half-open ends.
    """

    def __init__(self, start_ns: Int64s, end_ns: Int64s) -> None:
        self._begins, self._ends = _Instants(start_ns), _Instants(end_ns)

    def within_ns(self, start_ns: Int64s, end_ns: Int64s) -> int:
        """The time that these spans share with those of the set, summed over all pairs."""
        return int((self._until(end_ns) - self._until(start_ns)).sum())

    def _until(self, at_ns: Int64s) -> Int64s:
        """(n,) thread time held before each instant."""
        return self._begins.elapsed_ns(at_ns) - self._ends.elapsed_ns(at_ns)


class _Instants:
    def __init__(self, at_ns: Int64s) -> None:
        self._at = np.sort(at_ns)
        self._base = int(self._at[0]) if len(at_ns) else 0  # keeps the sums small
        self._sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(self._at - self._base)))

    def elapsed_ns(self, at_ns: Int64s) -> Int64s:
        """(n,) sum of the time from each earlier instant of the set."""
        before = np.searchsorted(self._at, at_ns)
        return np.asarray(before * (at_ns - self._base) - self._sums[before], np.int64)


def _models_of_steps(requests: AttributedRequests) -> Int64s:
    """(steps,) model of each root step that is a request or the run of a batch; -1 for others."""
    linked = requests.linked
    model = np.full(len(linked.steps), -1, np.int64)
    step = requests.sources.step
    model[step[step >= 0]] = requests.table.model_index[step >= 0]
    batches = linked.batches
    of_batch = np.empty(len(batches), np.int64)
    order = np.lexsort((batches.end_ns, batches.start_ns))  # as batch_table.tabulate has it
    of_batch[order] = requests.batches.model_index
    model[batches.run_step] = of_batch[batches.run_batch]
    return model


def _waits(execution: Execution, of_step: Int64s, stage: Stage) -> _Spans:
    """When steps were in a stage."""
    pieces, parts = execution.staged.pieces, execution.staged.parts
    waits = np.flatnonzero(pieces.code == stage.index)
    model = of_step[parts.step[pieces.owner[waits]]]
    return _Spans(model, pieces.start_ns[waits], pieces.end_ns[waits])


def _device_spans(execution: Execution, of_step: Int64s) -> Iterator[tuple[Stage, _Spans, _Spans]]:
    """Of each GPU, when the steps that use it waited for one, and all work on it.

    A step that uses several GPUs counts with its wait at each of them.
    """
    for device in execution.device.devices:
        uses = device.first_ns < device.last_ns
        waits = _waits(execution, np.where(uses, of_step, -1), Stage.DEVICE_WAIT)
        work = device.events
        model = np.where(work.step >= 0, of_step[work.step], -1)
        yield Stage.DEVICE_WAIT, waits, _Spans(model, work.start_ns, work.end_ns)


def _bursts(execution: Execution, of_step: Int64s) -> _Spans:
    """When executor bursts held a thread; without those inside another one on the same thread."""
    events, steps = execution.events, execution.steps
    row = steps.burst_row
    alone = ~_is_inside(events, row)
    model = of_step[steps.burst_step[alone]]
    return _Spans(model, events.start_ns[row[alone]], events.end_ns[row[alone]])


def _is_inside(events: EventTable, row: Int64s) -> Bools:
    """(n,) whether the event begins inside an earlier one of these on its line.

    Args:
        events: Ordered by line, then start.
        row: (n,) ascending rows.
    """
    if not len(row):
        return np.zeros(0, np.bool_)
    start, end, line = events.start_ns[row], events.end_ns[row], events.line_index[row]
    first = np.flatnonzero(np.diff(line, prepend=-1))
    inside = np.zeros(len(row), np.bool_)
    for begin, stop in zip(first, (*first[1:], len(row)), strict=True):
        reach = np.maximum.accumulate(end[begin:stop])
        inside[begin + 1 : stop] = start[begin + 1 : stop] < reach[:-1]
    return inside


def _batch_spans(requests: AttributedRequests) -> tuple[_Spans, _Spans]:
    """When batches of the batching session were ready without a thread, and when they held one.

    Batch functions may have threads of their own, and are left out.
    """
    table, batches = requests.table, requests.batches
    first = np.flatnonzero(np.diff(table.batch_offsets) > 0)
    batched = first[table.mode_index[first] == _BATCHED]
    in_session = np.zeros(len(batches.queues), np.bool_)
    in_session[batches.queue_index[table.batch_index[table.batch_offsets[batched]]]] = True
    mine = in_session[batches.queue_index] if len(batches) else np.zeros(0, np.bool_)
    waited = mine & (batches.ready_ns >= 0) & (batches.ready_ns < batches.start_ns)
    model = batches.model_index.astype(np.int64)
    return (
        _Spans(model[waited], batches.ready_ns[waited], batches.start_ns[waited]),
        _Spans(model[mine], batches.start_ns[mine], batches.end_ns[mine]),
    )
