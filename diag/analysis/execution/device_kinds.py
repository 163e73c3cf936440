"""The kind of each event on a stream: a kernel, a copy with direction and size, a memset, or none.

The event's own details decide, else its name if the tracer named it after its type; any other event
is a kernel. On AMD GPUs a copy runs as a kernel (``__amd_rocclr_copyBuffer.kd``), and only the host
call with the same correlation id shows that it is a copy.

Spellings, in the stat ``memcpy_details`` (cupti_collector.cc, rocm_collector.cc)::

    size:112 dest:4 async:0                                        TensorFlow 2.2 to 2.4
    kind:Unknown size:0 dest:512 async:1                           ROCm; 0 means unknown
    kind_src:pageable kind_dst:device size:6144 dest:0 async:1     TensorFlow 2.5 to 2.21

xprof's own parser also reads ``num_bytes``. Each distinct text is parsed once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diag.formats.trace import event_names as ev
from diag.model.device import WORK_KINDS, WorkKind
from diag.model.events import EventTable, Int32s, Int64s, Ints

KERNEL = WORK_KINDS.index(WorkKind.KERNEL)
COPY_IN = WORK_KINDS.index(WorkKind.COPY_IN)
COPY_OUT = WORK_KINDS.index(WorkKind.COPY_OUT)
COPY_WITHIN = WORK_KINDS.index(WorkKind.COPY_WITHIN)
MEMSET = WORK_KINDS.index(WorkKind.MEMSET)
NOT_WORK = WORK_KINDS.index(WorkKind.NOT_WORK)
UNKNOWN_KIND = -1

Kinds = NDArray[np.int8]

# Names that GetTraceEventTypeName (cupti_tracer.cc) gives to events that are no work of an engine.
_NO_WORK_NAMES = frozenset(
    {
        "MemoryAlloc",
        "MemoryFree",
        "MemoryResidency",
        "UnifiedMemory",
        "HostRegister",
        "HostUnregister",
        "Overhead",
        "Generic",
    }
)
_SIZE = re.compile(r"\b(?:size|num_bytes|bytes):0*(\d+)")
# More than any machine copies at once; sums of many such sizes still fit int64.
_SIZE_LIMIT = 1 << 45
_SIZE_DIGITS = len(str(_SIZE_LIMIT))
_KIND = re.compile(r"\bkind_(src|dst):(\w+)")
# GetMemoryKindName (cupti_collector.cc). Managed memory, which both share, counts as the device's.
_ON_HOST = frozenset({"host", "pageable", "pinned"})
_ON_DEVICE = frozenset({"device", "device_static", "array", "managed", "managed_static"})
_INWARD = re.compile(r"h2d|htod|hosttodevice|host_to_device", re.IGNORECASE)
_OUTWARD = re.compile(r"d2h|dtoh|devicetohost|device_to_host", re.IGNORECASE)
_WITHIN = re.compile(r"d2d|dtod|p2p|peer|devicetodevice|device_to_device", re.IGNORECASE)


def judge_kinds(events: EventTable, row: Int64s, is_stream: NDArray[np.bool_]) -> Kinds:
    """(n,) index into ``WORK_KINDS`` of each event, by its own details or name.

    Args:
        events: Of the device plane.
        row: Ascending rows to judge.
        is_stream: (n,) whether the event may be work even without details.
    """
    kind = by_text(events.names, events.name_id[row], _kind_of_name, NOT_WORK).astype(np.int8)
    kind[~is_stream] = NOT_WORK
    by_stat = [(ev.STAT_KERNEL_DETAILS, KERNEL)]
    by_stat += [(name, MEMSET) for name in ev.STAT_MEMSET_DETAILS]
    by_stat += [(name, NOT_WORK) for name in ev.STAT_ALLOCATION_DETAILS]
    for name, code in by_stat:
        if len(events.stat(name).rows):
            kind[stat_at(events, name, row) >= 0] = code
    details = stat_at(events, ev.STAT_MEMCPY_DETAILS, row)
    copy = np.flatnonzero(details >= 0)
    kind[copy] = _directions(events, row[copy], details[copy])
    return kind


def judge_by_launch(kind: Kinds, launch: Int32s, host: EventTable) -> Kinds:
    """(n,) kinds, where kernels launched by a host call for a copy or a memset become that.

    Args:
        kind: (n,) by the events themselves.
        launch: (n,) row of the host event that launched each event, or -1.
        host: Events of the host plane.
    """
    kernel = np.flatnonzero((kind == KERNEL) & (launch >= 0))
    kind, launch = kind.copy(), launch[kernel]
    details = stat_at(host, ev.STAT_MEMCPY_DETAILS, launch)
    copy = np.flatnonzero(details >= 0)
    kind[kernel[copy]] = _directions(host, launch[copy], details[copy])
    for name in ev.STAT_MEMSET_DETAILS:
        if len(host.stat(name).rows):
            kind[kernel[stat_at(host, name, launch) >= 0]] = MEMSET
    return kind


def copied_bytes(
    events: EventTable, row: Int32s, kind: Kinds, launch: Int32s, host: EventTable
) -> Ints:
    """(n,) bytes of each copy by its own details, else by those of its launch; -1 if unknown."""
    copy = np.flatnonzero((kind == COPY_IN) | (kind == COPY_OUT) | (kind == COPY_WITHIN))
    details = stat_at(events, ev.STAT_MEMCPY_DETAILS, row[copy])
    size = by_text(events.names, details, _size, -1)
    unknown = np.flatnonzero((size < 0) & (launch[copy] >= 0))
    details = stat_at(host, ev.STAT_MEMCPY_DETAILS, launch[copy[unknown]])
    size[unknown] = by_text(host.names, details, _size, -1)
    is_narrow = int(size.max(initial=0)) <= np.iinfo(np.int32).max
    out = np.full(len(row), -1, np.int32 if is_narrow else np.int64)
    out[copy] = size
    return out


def stat_at(events: EventTable, name: str, row: Ints) -> Ints:
    """(n,) values of a stat at these rows, -1 without it; one pass for millions of rows."""
    stat = events.stat(name)
    if not len(stat.rows) or not len(row):
        return np.full(len(row), -1, stat.values.dtype)
    if len(row) < len(events) // 16:
        return stat.at(row)
    column = np.full(len(events), -1, stat.values.dtype)
    column[stat.rows] = stat.values
    return column[row]


def by_text(
    names: tuple[str, ...], index: NDArray[np.integer], judge: Callable[[str], int], missing: int
) -> Int64s:
    """(n,) ``judge`` of the text at each index, called once for each text; ``missing`` for -1."""
    used = np.zeros(len(names) + 1, np.bool_)
    used[index] = True  # the index -1 marks the last place, which no text has
    table = np.full(len(names) + 1, missing, np.int64)
    for i in np.flatnonzero(used[:-1]).tolist():
        table[i] = judge(names[i])
    return np.asarray(table[index], np.int64)


def known_directions(events: EventTable, row: Ints) -> Kinds:
    """(n,) direction of each copy by its kinds of memory, else by its name, or ``UNKNOWN_KIND``."""
    return _known(events, row, stat_at(events, ev.STAT_MEMCPY_DETAILS, row)).astype(np.int8)


def _directions(events: EventTable, row: Ints, details: Ints) -> Int64s:
    """(n,) direction of each copy; within the device where it is unknown."""
    found = _known(events, row, details)
    return np.where(found == UNKNOWN_KIND, COPY_WITHIN, found)


def _known(events: EventTable, row: Ints, details: Ints) -> Int64s:
    detailed = by_text(events.names, details, _direction_of_details, UNKNOWN_KIND)
    named = by_text(events.names, events.name_id[row], _direction, UNKNOWN_KIND)
    return np.where(detailed == UNKNOWN_KIND, named, detailed)


def _kind_of_name(name: str) -> int:
    if name in _NO_WORK_NAMES:
        return NOT_WORK
    if name == "Memset":
        return MEMSET
    if name.startswith("Memcpy"):
        direction = _direction(name)
        return COPY_WITHIN if direction == UNKNOWN_KIND else direction
    return KERNEL


def _direction_of_details(text: str) -> int:
    kinds = {side: kind.lower() for side, kind in _KIND.findall(text)}
    source, target = kinds.get("src"), kinds.get("dst")
    if source in _ON_HOST and target in _ON_DEVICE:
        return COPY_IN
    if source in _ON_DEVICE and target in _ON_HOST:
        return COPY_OUT
    if source in _ON_DEVICE and target in _ON_DEVICE:
        return COPY_WITHIN
    return _direction(text)


def _direction(text: str) -> int:
    for pattern, kind in ((_INWARD, COPY_IN), (_OUTWARD, COPY_OUT), (_WITHIN, COPY_WITHIN)):
        if pattern.search(text):
            return kind
    return UNKNOWN_KIND


def _size(text: str) -> int:
    found = _SIZE.search(text)
    if found is None or len(found[1]) > _SIZE_DIGITS:
        return -1
    size = int(found[1])
    return size if 0 < size < _SIZE_LIMIT else -1
