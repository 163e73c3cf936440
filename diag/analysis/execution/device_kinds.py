"""What each event on a stream is: a kernel, a copy of a direction and size, a memset, or no work.

The event's own details decide, else its name, where the tracer names an event after its type; what
neither tells is a kernel. On AMD GPUs a copy runs as a kernel (``__amd_rocclr_copyBuffer.kd``), and
only the host call of the same correlation id tells that it is one.

Spellings, in the stat ``memcpy_details`` (cupti_collector.cc, rocm_collector.cc)::

    size:112 dest:4 async:0                                        TensorFlow 2.2 to 2.4
    kind:Unknown size:0 dest:512 async:1                           ROCm; its 0 means not told
    kind_src:pageable kind_dst:device size:6144 dest:0 async:1     TensorFlow 2.5 to 2.21

xprof's own parser also knows ``num_bytes``. Everything is judged once a distinct text.
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
UNTOLD = -1

Kinds = NDArray[np.int8]

# Names that GetTraceEventTypeName (cupti_tracer.cc) gives to what is no work of an engine.
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
# No machine copies as much at once, and many of them still have a sum.
_SIZE_LIMIT = 1 << 45
_SIZE_DIGITS = len(str(_SIZE_LIMIT))
_KIND = re.compile(r"\bkind_(src|dst):(\w+)")
# GetMemoryKindName (cupti_collector.cc); managed memory, which both share, counts as the device's.
_ON_HOST = frozenset({"host", "pageable", "pinned"})
_ON_DEVICE = frozenset({"device", "device_static", "array", "managed", "managed_static"})
_INWARD = re.compile(r"h2d|htod|hosttodevice|host_to_device", re.IGNORECASE)
_OUTWARD = re.compile(r"d2h|dtoh|devicetohost|device_to_host", re.IGNORECASE)
_WITHIN = re.compile(r"d2d|dtod|p2p|peer|devicetodevice|device_to_device", re.IGNORECASE)


def judge_kinds(events: EventTable, row: Int64s, is_stream: NDArray[np.bool_]) -> Kinds:
    """Index into ``WORK_KINDS`` of each event, by what it says of itself.

    Args:
        events: Of the device plane.
        row: Ascending rows to judge.
        is_stream: By position in ``row``: whether an event without details may be work.
    """
    kind = by_text(events.names, events.name_id[row], _kind_of_name, NOT_WORK).astype(np.int8)
    kind[~is_stream] = NOT_WORK
    told = [(ev.STAT_KERNEL_DETAILS, KERNEL)]
    told += [(name, MEMSET) for name in ev.STAT_MEMSET_DETAILS]
    told += [(name, NOT_WORK) for name in ev.STAT_ALLOCATION_DETAILS]
    for name, code in told:
        if len(events.stat(name).rows):
            kind[stat_at(events, name, row) >= 0] = code
    details = stat_at(events, ev.STAT_MEMCPY_DETAILS, row)
    copy = np.flatnonzero(details >= 0)
    kind[copy] = _directions(events, row[copy], details[copy])
    return kind


def judge_by_launch(kind: Kinds, launch: Int32s, host: EventTable) -> Kinds:
    """Kinds, with kernels that a host call for a copy or a memset led to as what they are.

    Args:
        kind: By the events themselves.
        launch: Host row that launched each event, or -1.
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
    """(n,) bytes of each copy by its own details, else by its launch's; -1 where not told."""
    copy = np.flatnonzero((kind == COPY_IN) | (kind == COPY_OUT) | (kind == COPY_WITHIN))
    details = stat_at(events, ev.STAT_MEMCPY_DETAILS, row[copy])
    size = by_text(events.names, details, _size, -1)
    untold = np.flatnonzero((size < 0) & (launch[copy] >= 0))
    details = stat_at(host, ev.STAT_MEMCPY_DETAILS, launch[copy[untold]])
    size[untold] = by_text(host.names, details, _size, -1)
    is_narrow = int(size.max(initial=0)) <= np.iinfo(np.int32).max
    out = np.full(len(row), -1, np.int32 if is_narrow else np.int64)
    out[copy] = size
    return out


def stat_at(events: EventTable, name: str, row: Ints) -> Ints:
    """A stat's values at rows, -1 where there is none; one pass, for rows by the million."""
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
    """What ``judge`` says of the text at each index, asked once a text; -1 is ``missing``."""
    used = np.zeros(len(names) + 1, np.bool_)
    used[index] = True  # -1 marks the last place, which no text has
    table = np.full(len(names) + 1, missing, np.int64)
    for i in np.flatnonzero(used[:-1]).tolist():
        table[i] = judge(names[i])
    return np.asarray(table[index], np.int64)


def told_directions(events: EventTable, row: Ints) -> Kinds:
    """Of copies: by the kinds of memory, else by the name of the event, else ``UNTOLD``."""
    return _told(events, row, stat_at(events, ev.STAT_MEMCPY_DETAILS, row)).astype(np.int8)


def _directions(events: EventTable, row: Ints, details: Ints) -> Int64s:
    """Of copies: what they tell, else within the device."""
    told = _told(events, row, details)
    return np.where(told == UNTOLD, COPY_WITHIN, told)


def _told(events: EventTable, row: Ints, details: Ints) -> Int64s:
    told = by_text(events.names, details, _direction_of_details, UNTOLD)
    named = by_text(events.names, events.name_id[row], _direction, UNTOLD)
    return np.where(told == UNTOLD, named, told)


def _kind_of_name(name: str) -> int:
    if name in _NO_WORK_NAMES:
        return NOT_WORK
    if name == "Memset":
        return MEMSET
    if name.startswith("Memcpy"):
        direction = _direction(name)
        return COPY_WITHIN if direction == UNTOLD else direction
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
    return UNTOLD


def _size(text: str) -> int:
    found = _SIZE.search(text)
    if found is None or len(found[1]) > _SIZE_DIGITS:
        return -1
    size = int(found[1])
    return size if 0 < size < _SIZE_LIMIT else -1
