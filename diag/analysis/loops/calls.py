"""What Python threads ask of TensorFlow: their eager ops, and the outermost event of each call."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s, Plane

_NUMBER_ENDING = re.compile(r"_\d+\Z")
THREADS_MAX = 256  # lines; more threads of one program do not call models at a time


@dataclass(frozen=True, slots=True, eq=False)
class PythonThread:
    """One Python thread, as columns.

    Attributes:
        line: Index of its line in the host plane.
        tokens: (k,) int64, rows of its eager ops, in order.
        token_id: (k,) int64, which op; equal for the same op, retraced or not.
        token_names: By ``token_id``.
        top: (m,) int64, rows of outermost events, in order; without housekeeping and annotations.
        top_of_token: (k,) int64, position in ``top`` of the event around each op.
        calls_function: (m,) bool, whether the outermost event calls a tf.function.
    """

    line: int
    tokens: Int64s
    token_id: Int64s
    token_names: tuple[str, ...]
    top: Int64s
    top_of_token: Int64s
    calls_function: Bools


def find_threads(host: Plane) -> tuple[PythonThread, ...]:
    """The threads that run eager ops and are none of the runtime's own."""
    events = host.events
    eager = _eager_rows(events)
    found = [
        _thread(events, line, eager[events.line_index[eager] == line])
        for line in np.unique(events.line_index[eager]).tolist()
        if not host.lines[line].name.startswith(ev.TF_DATA_THREADS)
    ]
    found.sort(key=lambda thread: -len(thread.tokens))
    return tuple(sorted(found[:THREADS_MAX], key=lambda thread: thread.line))


def _eager_rows(events: EventTable) -> Int64s:
    """Rows of eager ops: of ``EagerExecute``, or where that was not recorded of ``EAGER_CALL``.

    Of a JAX program, the calls of jitted functions.
    """
    rows = events.rows_where(
        lambda name: name == ev.EAGER_EXECUTE or name.startswith(ev.EAGER_EXECUTE_EARLIER)
    )
    if len(rows):
        return rows
    rows = events.rows_where(lambda name: name.startswith(ev.EAGER_CALL))
    if len(rows):
        return rows
    return events.rows_where(lambda name: name.startswith(ev.JIT_FUNCTIONS))


def _thread(events: EventTable, line: int, tokens: Int64s) -> PythonThread:
    names, top = events.names, _outermost(events, line)
    if names[int(events.name_id[tokens[0]])].startswith(ev.JIT_FUNCTIONS):
        tokens = tokens[np.isin(tokens, top)]  # each call has two events, one in the other
    told = events.stat(ev.STAT_EAGER_OP).at(tokens)
    ids = np.where(told >= 0, told, events.name_id[tokens])
    known: dict[str, int] = {}
    by_id = {i: known.setdefault(_op(names[i]), len(known)) for i in np.unique(ids).tolist()}
    token_id = np.array([by_id[i] for i in ids.tolist()], np.int64)
    return PythonThread(
        line=line,
        tokens=tokens,
        token_id=token_id,
        token_names=tuple(known),
        top=top,
        top_of_token=np.searchsorted(top, tokens, side="right") - 1,
        calls_function=_functions(events, top, tokens, token_id, tuple(known)),
    )


def _op(name: str) -> str:
    """The op without what a retrace changes."""
    if name.startswith(ev.JIT_FUNCTIONS):
        return function_name(name)
    for prefix in (ev.EAGER_EXECUTE_EARLIER, ev.EAGER_CALL):
        name = name.removeprefix(prefix)
    return _NUMBER_ENDING.sub("", name)


def function_name(name: str) -> str:
    """``infer`` of JAX's ``PjitFunction(infer)``; else the name itself."""
    return name.partition("(")[2].rstrip(")") if name.startswith(ev.JIT_FUNCTIONS) else name


def _outermost(events: EventTable, line: int) -> Int64s:
    first, stop = np.searchsorted(events.line_index, [line, line + 1]).tolist()
    wanted = np.array([_is_call(name) for name in events.names], np.bool_)
    rows = np.arange(first, stop)
    rows = rows[wanted[events.name_id[rows]]]
    if not len(rows):
        return rows
    reach = np.maximum.accumulate(events.end_ns[rows])
    is_top = np.append(True, events.start_ns[rows[1:]] >= reach[:-1])
    return np.asarray(rows[is_top], np.int64)


def _is_call(name: str) -> bool:
    """Not housekeeping, an annotation, or a function seen by the Python tracer."""
    outside = (*ev.HOUSEKEEPING, ev.THREADPOOL_PREFIX, "diag.", "$")
    return not name.startswith(outside)


def _functions(
    events: EventTable, top: Int64s, tokens: Int64s, token_id: Int64s, names: tuple[str, ...]
) -> Bools:
    jitted = np.array([name.startswith(ev.JIT_FUNCTIONS) for name in events.names], np.bool_)
    out = (events.stat(ev.STAT_FUNCTION_CALL).at(top) >= 0) | jitted[events.name_id[top]]
    runs = np.array([name.startswith("__inference_") for name in names], np.bool_)
    at = np.searchsorted(top, tokens[runs[token_id]], side="right") - 1
    out[at[at >= 0]] = True
    return out
