# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""XSpace bytes to columns: a hand-written reader of the protobuf messages that an XSpace contains.

Input: the bytes of one serialized ``tensorflow.profiler.XSpace``. Output: a ``RawSpace``, whose
planes hold NumPy columns.

Every byte is read through a typed memoryview with bounds checks, and every position is checked
against the end of its message. The input bounds the memory: events are counted before their columns
are allocated, and implausible counts are refused.

Source of all field numbers: tsl/profiler/protobuf/xplane.proto, TensorFlow 2.21.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import numpy as np

from diag.errors import XSpaceDecodeError

cdef extern from *:
    """
    static int diag_add_overflows(long long a, long long b, long long *total)
    { return __builtin_add_overflow(a, b, total); }
    """
    bint diag_add_overflows(long long a, long long b, long long *total) nogil

cdef enum Wire:  # https://protobuf.dev/programming-guides/encoding/#structure
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5

cdef enum Value:  # XStat.value, by field number; 0: none is set
    NOTHING = 0
    DOUBLE = 2
    UINT64 = 3
    INT64 = 4
    TEXT = 5
    BLOB = 6
    REF = 7

cdef struct Stat:
    int64_t id
    int kind
    uint64_t bits  # of a number or a reference
    size_t start  # of a text or a blob
    size_t end

# Far above real traces (a host has one plane per device, one line per thread, one name per op), and
# low enough that what is kept for each (up to 300 bytes for two in the file) cannot exhaust memory
# or time.
cdef Py_ssize_t MAX_PLANES = 4096
cdef Py_ssize_t MAX_LINES = 100_000
cdef Py_ssize_t MAX_METADATA = 4_000_000
cdef Py_ssize_t MAX_NAMES = 2_000_000
cdef Py_ssize_t MAX_MESSAGES = 100_000
# An event without a time takes 4 bytes with its id; recorded events average 12 to 30. A lower mean
# over a whole file is an attack on memory, not a trace.
cdef Py_ssize_t MIN_BYTES_AN_EVENT = 4
# Line timestamps between March 1973 and 2100 are wall clock, all others are relative.
cdef int64_t EPOCH_MIN_NS = 100_000_000_000_000_000
cdef int64_t EPOCH_MAX_NS = 4_102_444_800_000_000_000
cdef int64_t UNKNOWN_NAME = -2  # a reference that was not resolved yet


cdef object _broken(str what, size_t at):
    return XSpaceDecodeError(
        f"not a whole XSpace: {what} at byte {at}",
        hint="check that the file was copied whole and is a serialised XSpace, or capture again",
    )


cdef object _too_many(Py_ssize_t limit, str what):
    return XSpaceDecodeError(
        f"the XSpace holds more than {limit} {what}, which no trace does",
        hint="capture again; if the trace is real, please report it",
    )


@cython.final
cdef class Numbers:
    """A growing array of integers; NumPy reads it in place through the buffer protocol.

    Integers are stored in 32 bits until one needs 64. Rows, texts and correlation ids never do, and
    a GPU has millions of them. realloc moves large blocks by remapping, and untouched pages take no
    memory, so growth never holds two copies.
    """

    cdef char* items
    cdef bint is_wide
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t views

    def __dealloc__(self):
        free(self.items)

    cdef inline int append(self, int64_t value) except -1:
        if self.count == self.capacity:
            self.resize(64 if self.capacity == 0 else 2 * self.capacity)
        if not self.is_wide and value != <int32_t> value:
            self.widen()
        if self.is_wide:
            (<int64_t*> self.items)[self.count] = value
        else:
            (<int32_t*> self.items)[self.count] = <int32_t> value
        self.count += 1
        return 0

    cdef inline Py_ssize_t width(self) noexcept:
        return sizeof(int64_t) if self.is_wide else sizeof(int32_t)

    cdef int widen(self) except -1:
        cdef Py_ssize_t i
        self.is_wide = True
        self.resize(self.capacity)
        for i in range(self.count - 1, -1, -1):  # backwards, so that nothing is overwritten before it is read
            (<int64_t*> self.items)[i] = (<int32_t*> self.items)[i]
        return 0

    cdef int resize(self, Py_ssize_t capacity) except -1:
        cdef char* items
        if self.views:
            raise BufferError("the array is in use")
        items = <char*> realloc(self.items, max(capacity, 1) * self.width())
        if items == NULL:
            raise MemoryError
        self.items = items
        self.capacity = capacity
        return 0

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.items, self.count * self.width(), 0, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer* buffer):
        self.views -= 1

    cdef object array(self):
        dtype = np.int64 if self.is_wide else np.int32
        if self.count == 0:
            return np.empty(0, dtype)
        self.resize(self.count)
        return np.frombuffer(self, dtype)


@cython.final
cdef class Sink:
    """One wanted stat of one plane, while it is being read."""

    cdef Numbers rows
    cdef Numbers values
    cdef int64_t last_row

    def __cinit__(self):
        self.rows = Numbers()
        self.values = Numbers()
        self.last_row = -1


@cython.final
cdef class RawLine:
    """An XLine without its events: its name and its position in the data."""

    cdef readonly int64_t id
    cdef readonly str name
    cdef readonly int64_t timestamp_ns
    cdef Py_ssize_t event_count
    cdef size_t start
    cdef size_t end

    cdef bint is_wall_clock(self):
        return EPOCH_MIN_NS < self.timestamp_ns < EPOCH_MAX_NS


@cython.final
cdef class RawPlane:
    """An XPlane with the columns of an EventTable, in file order.

    Attributes:
        line_origin_ns: By line, XLine.timestamp_ns relative to the capture's origin.
        untimed_events: Number of aggregated events (num_occurrences); they have no time and are
            left out.
        reversed_events: Number of events with a negative duration; they become marks.
    """

    cdef readonly int64_t id
    cdef readonly str name
    cdef readonly list lines
    cdef readonly list line_origin_ns
    cdef readonly dict stats
    cdef readonly object start_ns
    cdef readonly object end_ns
    cdef readonly object name_id
    cdef readonly object line_index
    cdef readonly dict columns
    cdef readonly Py_ssize_t untimed_events
    cdef readonly Py_ssize_t reversed_events
    cdef Py_ssize_t event_count
    cdef size_t start
    cdef size_t end


@cython.final
cdef class RawSpace:
    """An XSpace; ``origin_unix_ns`` is None if it records no wall clock."""

    cdef readonly list planes
    cdef readonly list names
    cdef readonly list errors
    cdef readonly list warnings
    cdef readonly list hostnames
    cdef readonly object origin_unix_ns
    cdef readonly Py_ssize_t event_count


@cython.final
cdef class _IdMap:
    """Metadata id to number: an array for small ids, which are usual, and a dict for others."""

    cdef int32_t[::1] dense
    cdef dict sparse

    def __cinit__(self, Py_ssize_t entries, int missing):
        # Sized by the number of entries in the file, so that a plane cannot request more memory.
        self.dense = np.full(64 + 2 * entries, missing, np.int32)
        self.sparse = {}

    cdef inline int64_t get(self, int64_t id, int64_t missing) except? -7:
        if 0 <= id < self.dense.shape[0]:
            return self.dense[id]
        if not self.sparse:
            return missing
        return self.sparse.get(id, missing)

    cdef int put(self, int64_t id, int32_t value) except -1:
        if 0 <= id < self.dense.shape[0]:
            self.dense[id] = value
        else:
            self.sparse[id] = value
        return 0


@cython.final
cdef class _Decoder:
    """Reads one XSpace; holds the state that all planes share."""

    cdef const uint8_t[::1] data
    cdef dict name_ids
    cdef list names
    cdef tuple integer_stats
    cdef tuple text_stats
    cdef int64_t typed_count  # names 1..typed_count are those whose type stats are kept
    cdef frozenset type_stats
    cdef Py_ssize_t lines_seen
    cdef Py_ssize_t metadata_seen
    # Of the plane being read:
    cdef _IdMap event_names  # event metadata id → index into names
    cdef _IdMap stat_slots  # stat metadata id → slot of the wanted stat, -1 if not wanted
    cdef _IdMap ref_names  # stat metadata id → index into names, once it was referred to
    cdef dict stat_names  # stat metadata id → name
    cdef list sinks
    cdef int64_t first_text_slot
    cdef uint64_t typed_slots  # bit set of the slots kept only for typed events

    # -- wire --------------------------------------------------------------------------------

    cdef inline uint64_t varint(self, size_t* at, size_t end) except? 0xFAB5FAB5FAB5FAB5:
        cdef size_t i = at[0]
        cdef uint64_t byte
        cdef uint64_t value
        cdef int shift = 7
        if i >= end:
            raise _broken("a number is cut off", i)
        byte = self.data[i]
        if byte < 0x80:
            at[0] = i + 1
            return byte
        value = byte & 0x7F
        while shift < 70:
            i += 1
            if i >= end:
                raise _broken("a number is cut off", i)
            byte = self.data[i]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                at[0] = i + 1
                return value
            shift += 7
        raise _broken("a number of more than ten bytes", at[0])

    cdef inline size_t message(self, size_t* at, size_t end) except? 0xFAB5FAB5FAB5FAB5:
        """End of the length-delimited field whose length is at ``at``; ``at`` moves past it."""
        cdef size_t began = at[0]
        cdef uint64_t size = self.varint(at, end)
        if size > end - at[0]:
            raise _broken(f"a field of {size} bytes where {end - at[0]} are left", began)
        return at[0] + size

    cdef inline uint64_t tag(self, size_t* at, size_t end) except? 0xFAB5FAB5FAB5FAB5:
        cdef size_t began = at[0]
        cdef uint64_t tag = self.varint(at, end)
        if tag < 8 or tag > 0xFFFFFFFF:
            raise _broken("an impossible field number", began)
        return tag

    cdef int skip(self, uint64_t tag, size_t* at, size_t end) except -1:
        cdef uint64_t wire = tag & 7
        cdef size_t size
        if wire == VARINT:
            self.varint(at, end)
        elif wire == BYTES:
            at[0] = self.message(at, end)
        elif wire == FIXED64 or wire == FIXED32:
            size = 8 if wire == FIXED64 else 4
            if size > end - at[0]:
                raise _broken("a fixed number is cut off", at[0])
            at[0] += size
        else:
            raise _broken(f"wire type {wire}, which no XSpace has", at[0])
        return 0

    cdef str text(self, size_t start, size_t end, const char* errors=NULL):
        if start == end:
            return ""
        try:
            return PyUnicode_DecodeUTF8(<const char*> &self.data[start], end - start, errors)
        except UnicodeDecodeError as problem:
            raise _broken("text that is not UTF-8", start + problem.start) from None

    cdef double real(self, uint64_t bits) noexcept:
        cdef double value
        memcpy(&value, &bits, sizeof(value))
        return value

    cdef uint64_t fixed64(self, size_t* at, size_t end) except? 0xFAB5FAB5FAB5FAB5:
        cdef uint64_t value = 0
        cdef int i
        if end - at[0] < 8:
            raise _broken("a fixed number is cut off", at[0])
        for i in range(8):
            value |= (<uint64_t> self.data[at[0] + i]) << (8 * i)
        at[0] += 8
        return value

    cdef int64_t intern(self, str name) except -1:
        cdef object known = self.name_ids.get(name)
        if known is not None:
            return known
        if len(self.names) >= MAX_NAMES:
            raise _too_many(MAX_NAMES, "different names")
        self.name_ids[name] = len(self.names)
        self.names.append(name)
        return len(self.names) - 1

    # -- stats -------------------------------------------------------------------------------

    cdef inline int read_stat(self, size_t at, size_t end, Stat* stat) except -1:
        cdef uint64_t tag
        stat.id = 0
        stat.kind = NOTHING
        while at < end:
            tag = self.tag(&at, end)
            if tag == (1 << 3 | VARINT):
                stat.id = <int64_t> self.varint(&at, end)
            elif (
                tag == (UINT64 << 3 | VARINT)
                or tag == (INT64 << 3 | VARINT)
                or tag == (REF << 3 | VARINT)
            ):
                stat.kind = tag >> 3
                stat.bits = self.varint(&at, end)
            elif tag == (TEXT << 3 | BYTES) or tag == (BLOB << 3 | BYTES):
                stat.kind = tag >> 3
                stat.end = self.message(&at, end)
                stat.start = at
                at = stat.end
            elif tag == (DOUBLE << 3 | FIXED64):
                stat.kind = DOUBLE
                stat.bits = self.fixed64(&at, end)
            else:
                self.skip(tag, &at, end)
        return 0

    cdef object stat_value(self, Stat* stat):
        """The stat as a Python value; None if it has none."""
        if stat.kind == UINT64:
            return stat.bits
        if stat.kind == INT64:
            return <int64_t> stat.bits
        if stat.kind == DOUBLE:
            return self.real(stat.bits)
        if stat.kind == TEXT:
            return self.text(stat.start, stat.end)
        if stat.kind == BLOB:
            return bytes(self.data[stat.start:stat.end])
        if stat.kind == REF:
            return self.stat_names.get(<int64_t> stat.bits, "")
        return None

    cdef object integer(self, Stat* stat):
        """64 bits of a wanted integer that came as something else; None if it is none."""
        cdef object value = self.stat_value(stat)
        if isinstance(value, float):
            value = int(value) if value.is_integer() else None
        elif isinstance(value, str):
            digits = value[1:] if value.startswith("-") else value
            plain = digits.isascii() and digits.isdigit() and len(digits) <= 20
            value = int(value) if plain else None
        if not isinstance(value, int) or not -(1 << 63) <= value < 1 << 64:
            return None
        return value - (1 << 64) if value >= 1 << 63 else value

    cdef int64_t text_id(self, Stat* stat) except -2:
        """Index into names of a wanted text; -1 if it has no value."""
        cdef int64_t known
        cdef object value
        if stat.kind == REF:
            known = self.ref_names.get(<int64_t> stat.bits, UNKNOWN_NAME)
            if known == UNKNOWN_NAME:
                known = self.intern(self.stat_names.get(<int64_t> stat.bits, ""))
                if <int64_t> stat.bits in self.stat_names:
                    self.ref_names.put(<int64_t> stat.bits, known)
            return known
        if stat.kind == BLOB:
            return self.intern(self.text(stat.start, stat.end, "backslashreplace"))
        value = self.stat_value(stat)
        if value is None:
            return -1
        return self.intern(value if isinstance(value, str) else str(value))

    cdef int read_event_stats(self, size_t at, size_t end, int64_t row, int64_t name) except -1:
        cdef Stat stat
        cdef uint64_t tag
        cdef size_t stat_end
        cdef int64_t slot
        cdef int64_t value
        cdef object number
        cdef Sink sink
        while at < end:
            tag = self.tag(&at, end)
            if tag != (4 << 3 | BYTES):
                self.skip(tag, &at, end)
                continue
            stat_end = self.message(&at, end)
            self.read_stat(at, stat_end, &stat)
            at = stat_end
            slot = self.stat_slots.get(stat.id, -1)
            if slot < 0:
                continue
            if (self.typed_slots >> slot) & 1 and not 0 < name <= self.typed_count:
                continue
            sink = self.sinks[slot]
            if sink.last_row == row:
                continue  # as upstream's readers do, the first one counts
            if slot >= self.first_text_slot:
                value = self.text_id(&stat)
                if value < 0:
                    continue
            elif stat.kind == INT64 or stat.kind == UINT64:
                value = <int64_t> stat.bits
            else:
                number = self.integer(&stat)
                if number is None:
                    continue
                value = number
            sink.last_row = row
            sink.rows.append(row)
            sink.values.append(value)
        return 0

    # -- metadata ----------------------------------------------------------------------------

    cdef tuple read_metadata(self, size_t at, size_t end):
        """(key, name, display name) of an entry of either metadata map.

        XEventMetadata and XStatMetadata share field 2; field 4 exists in the former only.
        """
        cdef uint64_t tag
        cdef uint64_t inner
        cdef size_t value_end
        cdef size_t text_end
        cdef int64_t key = 0
        cdef str name = ""
        cdef str display_name = ""
        while at < end:
            tag = self.tag(&at, end)
            if tag == (1 << 3 | VARINT):
                key = <int64_t> self.varint(&at, end)
            elif tag == (2 << 3 | BYTES):
                value_end = self.message(&at, end)
                while at < value_end:
                    inner = self.tag(&at, value_end)
                    if inner == (2 << 3 | BYTES):
                        text_end = self.message(&at, value_end)
                        name = self.text(at, text_end)
                        at = text_end
                    elif inner == (4 << 3 | BYTES):
                        text_end = self.message(&at, value_end)
                        display_name = self.text(at, text_end)
                        at = text_end
                    else:
                        self.skip(inner, &at, value_end)
            else:
                self.skip(tag, &at, end)
        return key, name, display_name

    cdef int read_plane_metadata(self, RawPlane plane, Py_ssize_t entries) except -1:
        cdef size_t at = plane.start
        cdef size_t inner_end
        cdef uint64_t tag
        cdef tuple wanted = self.integer_stats + self.text_stats
        cdef dict slots = {name: slot for slot, name in enumerate(wanted)}
        self.event_names = _IdMap(entries, 0)
        self.stat_slots = _IdMap(entries, -1)
        self.ref_names = _IdMap(entries, UNKNOWN_NAME)
        self.stat_names = {}
        self.sinks = [Sink() for _ in wanted]
        self.first_text_slot = len(self.integer_stats)
        self.typed_slots = 0
        for name, slot in slots.items():
            if name in self.type_stats:
                self.typed_slots |= <uint64_t> 1 << <int> slot
        while at < plane.end:
            tag = self.tag(&at, plane.end)
            if tag == (4 << 3 | BYTES):
                inner_end = self.message(&at, plane.end)
                key, name, display_name = self.read_metadata(at, inner_end)
                self.event_names.put(key, self.intern(name or display_name))
                at = inner_end
            elif tag == (5 << 3 | BYTES):
                inner_end = self.message(&at, plane.end)
                key, name, _ = self.read_metadata(at, inner_end)
                self.stat_names[key] = name
                self.stat_slots.put(key, slots.get(name, -1))
                at = inner_end
            else:
                self.skip(tag, &at, plane.end)
        return 0

    cdef int read_plane_stats(self, RawPlane plane) except -1:
        cdef size_t at = plane.start
        cdef size_t inner_end
        cdef uint64_t tag
        cdef Stat stat
        plane.stats = {}
        while at < plane.end:
            tag = self.tag(&at, plane.end)
            if tag == (6 << 3 | BYTES):
                inner_end = self.message(&at, plane.end)
                self.read_stat(at, inner_end, &stat)
                at = inner_end
                value = self.stat_value(&stat)
                if value is not None:
                    plane.stats[self.stat_names.get(stat.id, "")] = value
            else:
                self.skip(tag, &at, plane.end)
        return 0

    # -- lines and events --------------------------------------------------------------------

    cdef RawLine scan_line(self, size_t at, size_t end):
        cdef RawLine line = RawLine()
        cdef uint64_t tag
        cdef size_t inner_end
        cdef str display_name = ""
        self.lines_seen += 1
        if self.lines_seen > MAX_LINES:
            raise _too_many(MAX_LINES, "lines")
        line.name = ""
        line.start = at
        line.end = end
        while at < end:
            tag = self.tag(&at, end)
            if tag == (4 << 3 | BYTES):
                at = self.message(&at, end)
                line.event_count += 1
            elif tag == (1 << 3 | VARINT):
                line.id = <int64_t> self.varint(&at, end)
            elif tag == (3 << 3 | VARINT):
                line.timestamp_ns = <int64_t> self.varint(&at, end)
            elif tag == (2 << 3 | BYTES) or tag == (11 << 3 | BYTES):
                inner_end = self.message(&at, end)
                if tag >> 3 == 2:
                    line.name = self.text(at, inner_end)
                else:
                    display_name = self.text(at, inner_end)
                at = inner_end
            else:
                self.skip(tag, &at, end)
        if not line.name:
            line.name = display_name
        return line

    cdef RawPlane scan_plane(self, size_t at, size_t end):
        cdef RawPlane plane = RawPlane()
        cdef RawLine line
        cdef uint64_t tag
        cdef size_t inner_end
        plane.name = ""
        plane.lines = []
        plane.start = at
        plane.end = end
        while at < end:
            tag = self.tag(&at, end)
            if tag == (3 << 3 | BYTES):
                inner_end = self.message(&at, end)
                line = self.scan_line(at, inner_end)
                plane.lines.append(line)
                plane.event_count += line.event_count
                at = inner_end
            elif tag == (1 << 3 | VARINT):
                plane.id = <int64_t> self.varint(&at, end)
            elif tag == (2 << 3 | BYTES):
                inner_end = self.message(&at, end)
                plane.name = self.text(at, inner_end)
                at = inner_end
            else:
                self.skip(tag, &at, end)
        return plane

    cdef Py_ssize_t metadata_entries(self, RawPlane plane) except -1:
        cdef size_t at = plane.start
        cdef uint64_t tag
        cdef Py_ssize_t entries = 0
        while at < plane.end:
            tag = self.tag(&at, plane.end)
            self.skip(tag, &at, plane.end)
            entries += tag == (4 << 3 | BYTES) or tag == (5 << 3 | BYTES)
        self.metadata_seen += entries
        if self.metadata_seen > MAX_METADATA:
            raise _too_many(MAX_METADATA, "names of events and stats")
        return entries

    cdef int read_events(self, RawPlane plane) except -1:
        cdef Py_ssize_t row = 0
        cdef Py_ssize_t index
        cdef RawLine line
        starts = np.empty(plane.event_count, np.int64)
        ends = np.empty(plane.event_count, np.int64)
        name_ids = np.empty(plane.event_count, np.int32)
        line_indexes = np.empty(plane.event_count, np.int32)
        for index, line in enumerate(plane.lines):
            origin_ns = plane.line_origin_ns[index]
            row = self.read_line(
                plane, line, index, origin_ns, row, starts, ends, name_ids, line_indexes
            )
        plane.start_ns = starts[:row]
        plane.end_ns = ends[:row]
        plane.name_id = name_ids[:row]
        plane.line_index = line_indexes[:row]
        plane.columns = {}
        for name, item in zip(self.integer_stats + self.text_stats, self.sinks):
            if (<Sink> item).rows.count:
                plane.columns[name] = ((<Sink> item).rows.array(), (<Sink> item).values.array())
        return 0

    cdef Py_ssize_t read_line(
        self,
        RawPlane plane,
        RawLine line,
        int32_t index,
        int64_t origin_ns,
        Py_ssize_t row,
        int64_t[::1] starts,
        int64_t[::1] ends,
        int32_t[::1] name_ids,
        int32_t[::1] line_indexes,
    ) except -1:
        cdef size_t at = line.start
        cdef size_t event_at
        cdef size_t event_end
        cdef size_t field_at
        cdef size_t first_stat
        cdef uint64_t tag
        cdef int64_t id
        cdef int64_t offset_ps
        cdef int64_t duration_ps
        cdef int64_t name
        cdef bint timed
        cdef long long end_ps
        cdef long long start_ns
        cdef long long end_ns
        while at < line.end:
            tag = self.tag(&at, line.end)
            if tag != (4 << 3 | BYTES):
                self.skip(tag, &at, line.end)
                continue
            event_end = self.message(&at, line.end)
            event_at = at
            at = event_end
            id = offset_ps = duration_ps = 0
            first_stat = event_end
            timed = True
            while event_at < event_end:
                field_at = event_at
                tag = self.tag(&event_at, event_end)
                if tag == (1 << 3 | VARINT):
                    id = <int64_t> self.varint(&event_at, event_end)
                elif tag == (2 << 3 | VARINT):
                    offset_ps = <int64_t> self.varint(&event_at, event_end)
                    timed = True
                elif tag == (3 << 3 | VARINT):
                    duration_ps = <int64_t> self.varint(&event_at, event_end)
                elif tag == (4 << 3 | BYTES):
                    if first_stat == event_end:
                        first_stat = field_at
                    event_at = self.message(&event_at, event_end)
                elif tag == (5 << 3 | VARINT):
                    self.varint(&event_at, event_end)
                    timed = False
                else:
                    self.skip(tag, &event_at, event_end)
            if not timed:
                plane.untimed_events += 1
                continue
            if duration_ps < 0:
                duration_ps = 0
                plane.reversed_events += 1
            if (
                diag_add_overflows(offset_ps, duration_ps, &end_ps)
                or diag_add_overflows(origin_ns, offset_ps // 1000, &start_ns)
                or diag_add_overflows(origin_ns, end_ps // 1000, &end_ns)
            ):
                raise _broken("an event's time does not fit 64 bits", event_end)
            name = self.event_names.get(id, 0)
            starts[row] = start_ns
            ends[row] = end_ns
            name_ids[row] = <int32_t> name
            line_indexes[row] = index
            if first_stat < event_end:
                self.read_event_stats(first_stat, event_end, row, name)
            row += 1
        return row

    # -- the whole ---------------------------------------------------------------------------

    cdef object find_origin(self, RawSpace space):
        """Wall clock of time 0 in ns, or None."""
        cdef RawPlane plane
        cdef RawLine line
        for plane in space.planes:
            if plane.name == "Task Environment":
                self.read_plane_metadata(plane, self.metadata_entries(plane))
                self.read_plane_stats(plane)
                began = plane.stats.get("profile_start_time")
                if isinstance(began, int) and 0 < began < EPOCH_MAX_NS:
                    return began
        absolute = [
            line.timestamp_ns
            for plane in space.planes
            for line in plane.lines
            if line.event_count and line.is_wall_clock()
        ]
        return min(absolute, default=None)

    cdef RawSpace decode(self, Py_ssize_t max_events):
        cdef RawSpace space = RawSpace()
        cdef RawPlane plane
        cdef RawLine line
        cdef size_t at = 0
        cdef size_t end = self.data.shape[0]
        cdef size_t inner_end
        cdef uint64_t tag
        space.planes = []
        space.errors = []
        space.warnings = []
        space.hostnames = []
        texts = {2: space.errors, 3: space.warnings, 4: space.hostnames}
        while at < end:
            tag = self.tag(&at, end)
            if tag == (1 << 3 | BYTES):
                inner_end = self.message(&at, end)
                if len(space.planes) == MAX_PLANES:
                    raise _too_many(MAX_PLANES, "planes")
                plane = self.scan_plane(at, inner_end)
                space.planes.append(plane)
                space.event_count += plane.event_count
                at = inner_end
            elif tag & 7 == BYTES and 2 <= tag >> 3 <= 4:
                inner_end = self.message(&at, end)
                found = texts[tag >> 3]
                if len(found) == MAX_MESSAGES:
                    raise _too_many(MAX_MESSAGES, "messages")
                found.append(self.text(at, inner_end))
                at = inner_end
            else:
                self.skip(tag, &at, end)
        if space.event_count > max_events:
            raise XSpaceDecodeError(
                f"the trace holds {space.event_count} events, the limit is {max_events}",
                hint="capture a shorter window, or with a lower `host_tracer_level`",
            )
        if space.event_count * MIN_BYTES_AN_EVENT > self.data.shape[0] + 4096:
            raise _broken(f"{space.event_count} events in {end} bytes, too many to be real", end)
        space.origin_unix_ns = self.find_origin(space)
        origin_ns = 0 if space.origin_unix_ns is None else space.origin_unix_ns
        for plane in space.planes:
            plane.line_origin_ns = [
                line.timestamp_ns - (origin_ns if line.is_wall_clock() else 0)
                for line in plane.lines
            ]
            self.read_plane_metadata(plane, self.metadata_entries(plane))
            self.read_plane_stats(plane)
            self.read_events(plane)
        space.names = self.names
        return space


def decode(data, *, max_events, integer_stats, text_stats, typed_events, type_stats):
    """Columns of an XSpace, still in file order.

    Args:
        data: The serialized XSpace, any object with a contiguous buffer of bytes.
        max_events: A trace with more events is refused before anything is allocated.
        integer_stats: Stats to keep as 64-bit integers.
        text_stats: Stats to keep as indices into the names.
        typed_events: Events for which ``type_stats`` are kept; other events drop them.
        type_stats: A subset of ``integer_stats``.

    Raises:
        XSpaceDecodeError: The bytes are truncated, corrupt or hostile.
    """
    cdef _Decoder decoder = _Decoder()
    if len(integer_stats) + len(text_stats) > 64:
        raise ValueError("at most 64 stats can be kept")
    decoder.data = memoryview(data).cast("B")
    decoder.names = []
    decoder.name_ids = {}
    decoder.intern("")  # the name of events without metadata: index 0
    for name in typed_events:
        decoder.intern(name)
    decoder.typed_count = len(decoder.names) - 1
    decoder.integer_stats = tuple(integer_stats)
    decoder.text_stats = tuple(text_stats)
    decoder.type_stats = frozenset(type_stats)
    return decoder.decode(max_events)
