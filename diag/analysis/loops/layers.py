"""What the events of a Python thread show of its iterations, stage by stage."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import EMPTY, covered_between, merge, union
from diag.analysis.loops import thresholds
from diag.analysis.loops.calls import PythonThread, function_name
from diag.analysis.loops.spans import Spans
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s, Plane
from diag.model.intervals import IntervalSet
from diag.model.loops import EAGER_OPS, PREDICT, LoopStage

_NEXT = "IteratorGetNext"
_CONSTANT = "_EagerConst"
_PREDICTS = ("one_step_on_data", "predict_function")


def call_of(events: EventTable, thread: PythonThread, executed: IntervalSet) -> str:
    """What is called: the function with most time, ``predict``, or op by op.

    Of JAX, the function that XLA executes longest until the next one is called.
    """
    if _predicts(thread):
        return PREDICT
    tops = thread.top[thread.calls_function]
    if not len(tops):
        return EAGER_OPS
    begin, end = events.start_ns[tops], events.end_ns[tops]
    weight = end - begin
    if len(executed):
        weight = covered_between(executed, begin, np.append(begin[1:], executed.end_ns[-1]))
    time = np.bincount(events.name_id[tops], weights=weight)
    return function_name(events.names[int(time.argmax())])


def _predicts(thread: PythonThread) -> bool:
    """Whether it calls Keras' ``predict``, which makes a dataset for each call."""
    names = [name for name in thread.token_names if name.startswith("__inference_")]
    makes = any("MakeIterator" in op or op.endswith("Dataset") for op in thread.token_names)
    return makes and any(word in name for name in names for word in _PREDICTS)


def find_layers(
    events: EventTable, thread: PythonThread, spans: Spans
) -> list[tuple[LoopStage, IntervalSet]]:
    """What the thread's events show, in order of precedence."""
    start, end = events.start_ns, events.end_ns
    top, names = thread.top, thread.token_names
    has_token = np.zeros(len(top), np.bool_)
    has_token[np.maximum(thread.top_of_token, 0)] = True

    def having(test: list[bool]) -> Bools:
        """Outermost events with an op of these."""
        mask = np.zeros(len(top), np.bool_)
        chosen = np.array(test, np.bool_)[thread.token_id]
        mask[np.maximum(thread.top_of_token[chosen], 0)] = True
        return mask

    # predict makes a dataset and reads it: that is a part of its call, as all of its ops are.
    predicts = _predicts(thread)
    is_next = having([name == _NEXT and not predicts for name in names])
    is_other = having([predicts or name not in (_NEXT, _CONSTANT) for name in names])
    ends = ("Dataset", "DatasetV2", "IteratorV3")
    is_setup = having([predicts or "MakeIterator" in n or n.endswith(ends) for n in names])
    calls = thread.calls_function
    converts = np.isin(events.name_id[top], _ids(events, ev.CONVERSIONS)) | (
        has_token & ~is_other & ~is_next
    )
    model = calls if calls.any() else (is_other & ~is_setup & ~is_next)
    # A constant between ops of the model is the model's own.
    owner = np.searchsorted(spans.start_ns, start[top], side="right") - 1
    first_model = _first(start[top], owner, model, len(spans.start_ns))
    early = start[top] < first_model[np.maximum(owner, 0)]
    ops_before = is_other & ~model & ~is_next & early & ~is_setup
    # predict converts its input itself.
    convert = converts & early & (not predicts)
    rest = has_token & ~is_next & ~convert & ~model & ~ops_before
    last_model = _last(end[top], owner, model, len(spans.start_ns))
    after = rest & ~early & (start[top] >= last_model[np.maximum(owner, 0)]) & ~is_setup
    building = events.rows_named(ev.GRAPH_BUILDING)
    building = building[events.line_index[building] == thread.line]

    def of(mask: Bools) -> IntervalSet:
        return union(start[top[mask]], end[top[mask]])

    layers = [
        (LoopStage.TRACING, union(start[building], end[building])),
        (LoopStage.INPUT_WAIT, EMPTY if predicts else _input_waits(events, thread)),
        (LoopStage.INPUT_FETCH, of(is_next)),
        (LoopStage.INPUT_FETCH, _before_next(start[top], end[top], is_next)),
        (LoopStage.CONVERT, of(convert)),
        (LoopStage.MODEL, of(model)),
        (LoopStage.PREPROCESS, of(ops_before)),
        (LoopStage.POSTPROCESS, of(after & calls.any())),
        (LoopStage.DISPATCH, of(rest)),
    ]
    layers.append((LoopStage.DISPATCH, _short_blanks(events, thread, owner)))
    layers.append((LoopStage.UNATTRIBUTED, of(np.ones(len(top), np.bool_))))
    return layers


def _first(at: Int64s, owner: Int64s, mask: Bools, owners: int) -> Int64s:
    out = np.full(owners, np.iinfo(np.int64).max)
    chosen = mask & (owner >= 0)
    np.minimum.at(out, owner[chosen], at[chosen])
    return out


def _last(at: Int64s, owner: Int64s, mask: Bools, owners: int) -> Int64s:
    out = np.full(owners, np.iinfo(np.int64).min)
    chosen = mask & (owner >= 0)
    np.maximum.at(out, owner[chosen], at[chosen])
    return out


def _ids(events: EventTable, names: tuple[str, ...]) -> Int64s:
    return np.array([i for i, name in enumerate(events.names) if name in names], np.int64)


def _before_next(start: Int64s, end: Int64s, is_next: Bools) -> IntervalSet:
    """Blanks before ``next()`` that are too short for samples: mostly its own Python."""
    begin, stop = end[:-1], start[1:]
    short = is_next[1:] & (stop - begin <= thresholds.SAMPLED_MIN_NS)
    return union(begin[short], stop[short])


def _short_blanks(events: EventTable, thread: PythonThread, owner: Int64s) -> IntervalSet:
    """Python between two calls of one group, too short for anything but dispatching them."""
    start, end = events.start_ns[thread.top], events.end_ns[thread.top]
    if len(start) < 2:
        return EMPTY
    gap = start[1:] - end[:-1]
    inside = (owner[1:] == owner[:-1]) & (gap <= thresholds.DISPATCH_MAX_NS)
    return union(end[:-1][inside], start[1:][inside])


def _input_waits(events: EventTable, thread: PythonThread) -> IntervalSet:
    """In ``next()`` until an element is ready.

    From the begin of the outermost ``Prefetch`` to that of the ``PrefetchConsume`` in it. Without a
    Prefetch the whole call of ``Iterator::Root`` waits; without any iterator's event, as at level
    1, the whole op.
    """
    roots = events.rows_named(ev.ITERATOR_ROOT)
    roots = roots[events.line_index[roots] == thread.line]
    ops = thread.tokens[
        np.array([name == _NEXT for name in thread.token_names], np.bool_)[thread.token_id]
    ]
    if not len(roots):
        return union(events.start_ns[ops], events.end_ns[ops])
    consumes = events.rows_named(ev.PREFETCH_CONSUME)
    consumes = consumes[events.line_index[consumes] == thread.line]
    buffers = events.rows_where(
        lambda name: name.startswith(ev.ITERATOR_ROOT) and name.endswith("::Prefetch")
    )
    buffers = buffers[events.line_index[buffers] == thread.line]
    inside = innermost(events, buffers, consumes)
    begin = events.start_ns[buffers[np.maximum(inside, 0)]][inside >= 0]
    waits = union(begin, events.start_ns[consumes[inside >= 0]])
    of_buffer = innermost(events, roots, buffers)
    plain = np.ones(len(roots), np.bool_)
    plain[of_buffer[of_buffer >= 0]] = False
    return merge(waits, union(events.start_ns[roots[plain]], events.end_ns[roots[plain]]))


def executing(host: Plane) -> IntervalSet:
    """When XLA executes a JAX program's functions on the CPU, on threads of its own."""
    events = host.events
    lines = [i for i, each in enumerate(host.lines) if each.name.startswith(ev.XLA_CPU_THREADS)]
    is_work = np.array([_is_work(name) for name in events.names], np.bool_)
    rows = np.flatnonzero(np.isin(events.line_index, lines) & is_work[events.name_id])
    return union(events.start_ns[rows], events.end_ns[rows])


def _is_work(name: str) -> bool:
    return not name.startswith((ev.THREADPOOL_PREFIX, "end: "))


def model_bounds(
    layers: list[tuple[LoopStage, IntervalSet]], executed: IntervalSet, spans: Spans
) -> tuple[Int64s, Int64s]:
    """(n,) begin and end of the model call; those of the iteration where none is known."""
    model = merge(*(each for stage, each in layers if stage is LoopStage.MODEL), executed)
    owner = np.searchsorted(spans.start_ns, model.start_ns, side="right") - 1
    chosen = owner >= 0
    first = _first(model.start_ns, owner, chosen, len(spans.start_ns))
    last = _last(model.end_ns, owner, chosen, len(spans.start_ns))
    none = first > spans.end_ns
    first[none], last[none] = spans.start_ns[none], spans.end_ns[none]
    return first, np.minimum(last, spans.end_ns)


def stage_annotations(
    events: EventTable, thread: PythonThread
) -> list[tuple[LoopStage, IntervalSet]]:
    """Stages that the program marks itself."""
    out = []
    for name in events.names:
        if name.startswith(ev.STAGE_ANNOTATION):
            rows = events.rows_named(name)
            rows = rows[events.line_index[rows] == thread.line]
            out.append((stage_of(name), union(events.start_ns[rows], events.end_ns[rows])))
    return out


def stage_of(name: str) -> LoopStage:
    """The stage that an annotation's name means; preprocessing where it says nothing else."""
    word = name.removeprefix(ev.STAGE_ANNOTATION).lower()
    for stage, words in (
        (LoopStage.POSTPROCESS, ("post", "answer", "respon", "write", "encode")),
        (LoopStage.MODEL, ("model", "infer", "predict")),
        (LoopStage.CONVERT, ("convert", "tensor", "copy")),
        (LoopStage.REQUEST_WAIT, ("wait", "idle", "queue")),
    ):
        if any(each in word for each in words):
            return stage
    return LoopStage.PREPROCESS
