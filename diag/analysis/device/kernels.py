"""The kernels, and the ops, that took a GPU's time.

An op is what the device event says (``tf_op``; of XLA, ``hlo_op`` and ``hlo_module``), else what
its launch says, else the innermost op event around the launch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diag.analysis.columns.nesting import innermost
from diag.analysis.device.summary import seen_in
from diag.analysis.execution.device_kinds import KERNEL, by_text, stat_at
from diag.analysis.execution.device_links import DeviceEvents
from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.execution.op_class import OpClass
from diag.formats import event_names as ev
from diag.model.availability import Unavailable
from diag.model.device import KernelTime
from diag.model.events import EventTable, Int64s
from diag.model.window import Window

LIMIT = 20
_NO_OP = Unavailable("neither the device events nor their launches name an op")


def rank_device_time(
    device: DeviceWork, host: EventTable, op_class: NDArray[np.int8], window: Window
) -> tuple[tuple[KernelTime, ...], tuple[KernelTime, ...]]:
    """The kernels, and the ops, with most device time: at most ``LIMIT`` of each, longest first.

    Args:
        device: Work.
        host: Events of the host plane.
        op_class: By name, what an op event counts as.
        window: Events are clipped to it.
    """
    if not device.devices:
        return (), ()
    names = device.devices[0].plane.events.names  # shared by all planes
    ops = _Ops(host, names, op_class)
    parts = [_clipped(each, ops, window) for each in device.devices]
    name, code, length, kernel = (np.concatenate(column) for column in zip(*parts, strict=True))
    kernel = kernel.astype(np.bool_)
    of_kernel, op_of_kernel = name[kernel], code[kernel]
    kernels = [
        KernelTime(names[i], ops.most(op_of_kernel, of_kernel == i), count, total)
        for i, count, total in _top(of_kernel, length[kernel], names.__getitem__)
    ]
    told = code >= 0
    by_op = [
        KernelTime(ops.label(i), Unavailable("it is an op"), count, total)
        for i, count, total in _top(code[told], length[told], ops.label)
    ]
    return tuple(kernels), tuple(by_op)


def _clipped(device: Device, ops: _Ops, window: Window) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Name, op and length of each event within the window, and whether it is a kernel."""
    work = device.events
    seen = np.flatnonzero(seen_in(window, work))
    start = np.maximum(work.start_ns[seen], window.start_ns)
    return (
        device.plane.events.name_id[work.row[seen]].astype(np.int64),
        ops.of(device)[seen],
        np.maximum(np.minimum(work.end_ns[seen], window.end_ns) - start, 0),
        (work.kind[seen] == KERNEL).astype(np.int64),
    )


class _Ops:
    """Codes of ops: the index of a text, or beyond all texts one for each pair of XLA's."""

    def __init__(
        self, host: EventTable, names: tuple[str, ...], op_class: NDArray[np.int8]
    ) -> None:
        self._host = host
        self._names = names
        self._op_rows = np.flatnonzero(op_class[host.name_id] != OpClass.NOT_AN_OP)
        self._texts = len(names)
        self._pairs: dict[int, int] = {}

    def of(self, device: Device) -> Int64s:
        """(n,) code of each event's op, -1 where nothing says."""
        work, events, host = device.events, device.plane.events, self._host
        seen = work.launch >= 0
        code = self._told(events, work.row)
        rest = np.flatnonzero((code < 0) & seen)
        code[rest] = self._told(host, work.launch[rest])
        rest = rest[code[rest] < 0]
        code[rest] = self._around(work, rest)
        return code

    def label(self, code: int) -> str:
        """What to call the op."""
        if code < self._texts:
            return self._names[code]
        pair = list(self._pairs)[code - self._texts]
        module, op = divmod(pair, self._texts + 1)
        name = self._names[op]
        return f"{name} ({self._names[module]})" if module < self._texts else name

    def most(self, code: Int64s, keep: NDArray[np.bool_]) -> str | Unavailable:
        """The most frequent op of those kept; of several, the first by name."""
        known = code[keep]
        known = known[known >= 0]
        if not len(known):
            return _NO_OP
        count = np.bincount(known)
        return min(map(self.label, np.flatnonzero(count == count.max()).tolist()))

    def _told(self, events: EventTable, row: Int64s) -> Int64s:
        code = stat_at(events, ev.STAT_TF_OP, row)
        named = by_text(events.names, code, _is_node, 0) > 0
        code = np.where(named, code, -1)
        hlo = stat_at(events, ev.STAT_HLO_OP, row)
        module = stat_at(events, ev.STAT_HLO_MODULE, row)
        compiled = np.flatnonzero(hlo >= 0)
        if len(compiled):
            module = np.where(module >= 0, module, self._texts)
            pair = module[compiled] * (self._texts + 1) + hlo[compiled]
            distinct, inverse = np.unique(pair, return_inverse=True)
            known = [self._pairs.setdefault(p, len(self._pairs)) for p in distinct.tolist()]
            code[compiled] = self._texts + np.array(known, np.int64)[inverse]
        return code

    def _around(self, work: DeviceEvents, position: Int64s) -> Int64s:
        if not len(self._op_rows) or not len(position):
            return np.full(len(position), -1, np.int64)
        op = innermost(self._host, self._op_rows, work.launch[position])
        row = self._op_rows[np.maximum(op, 0)]
        return np.where(op >= 0, self._host.name_id[row].astype(np.int64), -1)


def _is_node(text: str) -> int:
    """1 for ``<node>:<OpType>``; XLA's ``XlaModule:`` and names of whole functions are no op."""
    node, colon, kind = text.rpartition(":")
    return int(bool(node) and bool(colon) and bool(kind))


def _top(code: Int64s, length: Int64s, label: Callable[[int], str]) -> list[tuple[int, int, int]]:
    """Code, count and total of the codes with most time; of equal ones, the first by name."""
    if not len(code):
        return []
    count = np.bincount(code)
    total = np.bincount(code, weights=length).astype(np.int64)
    used = np.flatnonzero(count)
    least = np.sort(total[used])[-min(LIMIT, len(used))]
    best = [(-int(total[i]), label(int(i)), int(i)) for i in used[total[used] >= least]]
    return [(i, int(count[i]), -negative) for negative, _, i in sorted(best)[:LIMIT]]
