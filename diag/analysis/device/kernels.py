"""The kernels and the ops with most device time.

The op of a device event is in its details (``tf_op``; for XLA ``hlo_op`` and ``hlo_module``) or in
those of its launch; otherwise it is the innermost op event around the launch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diag.analysis.device.summary import seen_in
from diag.analysis.execution.device_kinds import KERNEL, by_text, stat_at
from diag.analysis.execution.device_links import DeviceEvents
from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.execution.op_class import OpClass
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sweep import slices
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.device import KernelTime
from diag.model.events import EventTable, Int32s, Int64s
from diag.model.window import Window

LIMIT = 20
_NO_OP = Unavailable("neither the device events nor their launches name an op")


def rank_device_time(
    device: DeviceWork, host: EventTable, op_class: NDArray[np.int8], window: Window
) -> tuple[tuple[KernelTime, ...], tuple[KernelTime, ...]]:
    """The kernels, and the ops, with most device time: at most ``LIMIT`` of each, longest first.

    Args:
        device: Device work in the trace.
        host: Events of the host plane.
        op_class: By name, what an op event counts as.
        window: Events are clipped to it.
    """
    if not device.devices:
        return (), ()
    names = device.devices[0].plane.events.names  # shared by all planes
    ops = Ops(host, names, op_class)
    parts = [_clipped(each, ops, window) for each in device.devices]
    name, code, length = (
        columns[0] if len(columns) == 1 else np.concatenate(columns)
        for columns in zip(*parts, strict=True)
    )
    kernels = [
        KernelTime(names[i], *ops.of_kernel(code, name == i), count, total)
        for i, count, total in _top(name, length, names.__getitem__)
    ]
    by_op = [
        KernelTime(ops.label(i), Unavailable("it is an op"), 1, count, total)
        for i, count, total in _top(code, length, ops.label)
    ]
    return tuple(kernels), tuple(by_op)


def _clipped(device: Device, ops: Ops, window: Window) -> tuple[Int32s, Int32s, Int64s]:
    """Name and op of each event in the window, and its length there; name -1 if not a kernel."""
    work = device.events
    seen = seen_in(window, work)
    length = np.minimum(work.end_ns, window.end_ns)
    length -= np.maximum(work.start_ns, window.start_ns)
    np.maximum(length, 0, out=length)
    name = device.plane.events.name_id[work.row]
    name[work.kind != KERNEL] = -1
    code = ops.of(device)
    return (name, code, length) if seen.all() else (name[seen], code[seen], length[seen])


class Ops:
    """Codes of ops: the index of a name, or above all names one for each module and op of XLA."""

    def __init__(
        self, host: EventTable, names: tuple[str, ...], op_class: NDArray[np.int8]
    ) -> None:
        self._host = host
        self._names = names
        self._op_rows = np.flatnonzero(op_class[host.name_id] != OpClass.NOT_AN_OP)
        self._texts = len(names)
        self._pairs: dict[int, int] = {}

    def of(self, device: Device) -> Int32s:
        """(n,) code of each event's op, -1 where none is recorded."""
        work, events, host = device.events, device.plane.events, self._host
        seen = work.launch >= 0
        code = self._recorded(events, work.row)
        rest = np.flatnonzero((code < 0) & seen)
        if not len(rest):
            return code
        code[rest] = self._recorded(host, work.launch[rest])
        rest = rest[code[rest] < 0]
        code[rest] = self._around(work, rest)
        return code

    def label(self, code: int) -> str:
        """The op's name."""
        if code < self._texts:
            return self._names[code]
        pair = list(self._pairs)[code - self._texts]
        module, op = divmod(pair, self._texts + 1)
        name = self._names[op]
        return f"{name} ({self._names[module]})" if module < self._texts else name

    def of_kernel(self, code: Int32s, keep: NDArray[np.bool_]) -> tuple[str | Unavailable, int]:
        """The most frequent op of the selected events, the first by name of several; and how many.

        One library's kernel serves many ops.
        """
        known = code[keep]
        known = known[known >= 0]
        if not len(known):
            return _NO_OP, 0
        count = np.bincount(known)
        most = min(map(self.label, np.flatnonzero(count == count.max()).tolist()))
        return most, int(np.count_nonzero(count))

    def _recorded(self, events: EventTable, row: Int32s) -> Int32s:
        code = stat_at(events, ev.STAT_TF_OP, row).astype(np.int32, copy=False)
        code[by_text(events.names, code, _is_node, 0) == 0] = -1
        if not len(events.stat(ev.STAT_HLO_OP).rows):
            return code
        hlo = stat_at(events, ev.STAT_HLO_OP, row)
        module = stat_at(events, ev.STAT_HLO_MODULE, row)
        compiled = np.flatnonzero(hlo >= 0)
        if len(compiled):
            # A pair of two texts may need 64 bits; there are far fewer pairs than events.
            of_module = np.where(module >= 0, module, self._texts)[compiled].astype(np.int64)
            pair = of_module * (self._texts + 1) + hlo[compiled]
            distinct, inverse = np.unique(pair, return_inverse=True)
            known = [self._pairs.setdefault(p, len(self._pairs)) for p in distinct.tolist()]
            code[compiled] = self._texts + np.array(known, np.int32)[inverse]
        return code

    def _around(self, work: DeviceEvents, position: Int64s) -> Int32s:
        if not len(self._op_rows) or not len(position):
            return np.full(len(position), -1, np.int32)
        op = innermost(self._host, self._op_rows, work.launch[position])
        row = self._op_rows[np.maximum(op, 0)]
        return np.where(op >= 0, self._host.name_id[row], np.int32(-1))


def _is_node(text: str) -> int:
    """1 for ``<node>:<OpType>``, 0 for XLA's ``XlaModule:`` and for names of whole functions."""
    node, colon, kind = text.rpartition(":")
    return int(bool(node) and bool(colon) and bool(kind))


def _top(code: Int32s, length: Int64s, label: Callable[[int], str]) -> list[tuple[int, int, int]]:
    """Code, count and total of the codes with most time; of equal ones, the first by name.

    Codes of -1 do not count.
    """
    codes = int(code.max(initial=-1)) + 2
    count, total = np.zeros(codes, np.int64), np.zeros(codes, np.int64)
    for some in slices(len(code)):
        count += np.bincount(code[some] + 1, minlength=codes)
        total += np.bincount(code[some] + 1, weights=length[some], minlength=codes).astype(np.int64)
    count, total = count[1:], total[1:]
    used = np.flatnonzero(count)
    if not len(used):
        return []
    least = np.sort(total[used])[-min(LIMIT, len(used))]
    best = [(-int(total[i]), label(int(i)), int(i)) for i in used[total[used] >= least]]
    return [(i, int(count[i]), -negative) for negative, _, i in sorted(best)[:LIMIT]]
