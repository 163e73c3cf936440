# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""A copy of an XSpace with other texts: a hand-written reader and writer of its messages.

Numbers are copied. Every text is asked of a function; the answer for equal bytes is asked once.
Bytes are asked of another one. Fields that tsl/profiler/protobuf/xplane.proto (TensorFlow 2.21)
does not define are left out, so nothing that is not understood gets into the copy.

Every byte is read through a typed memoryview with bounds checks, and every position is checked
against the end of its message. The depth of messages is that of the schema.
"""

cimport cython
from libc.stdint cimport uint8_t, uint64_t

from diag.errors import XSpaceDecodeError

cdef enum Wire:  # https://protobuf.dev/programming-guides/encoding/#structure
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5

cdef enum Kind:  # what a field holds
    UNKNOWN = 0
    NUMBER = 1  # a varint
    DOUBLE = 2
    TEXT = 3
    BLOB = 4
    NUMBERS = 5  # packed or single varints
    MESSAGE = 6

cdef enum Message:
    SPACE = 0
    PLANE = 1
    LINE = 2
    EVENT = 3
    STAT = 4
    EVENT_ENTRY = 5
    EVENT_METADATA = 6
    STAT_ENTRY = 7
    STAT_METADATA = 8

cdef enum Use:  # what a text is
    NAME = 0
    SENTENCE = 1
    HOST = 2

# By message and field number up to 15: its kind, and which message or use it has.
cdef int KINDS[9][16]
cdef int INNER[9][16]


cdef int _define() except -1:
    fields = {
        SPACE: {1: (MESSAGE, PLANE), 2: (TEXT, SENTENCE), 3: (TEXT, SENTENCE), 4: (TEXT, HOST)},
        PLANE: {
            1: (NUMBER, 0), 2: (TEXT, 0), 3: (MESSAGE, LINE), 4: (MESSAGE, EVENT_ENTRY),
            5: (MESSAGE, STAT_ENTRY), 6: (MESSAGE, STAT),
        },
        LINE: {
            1: (NUMBER, 0), 2: (TEXT, 0), 3: (NUMBER, 0), 4: (MESSAGE, EVENT), 9: (NUMBER, 0),
            10: (NUMBER, 0), 11: (TEXT, 0),
        },
        EVENT: {1: (NUMBER, 0), 2: (NUMBER, 0), 3: (NUMBER, 0), 4: (MESSAGE, STAT), 5: (NUMBER, 0)},
        STAT: {
            1: (NUMBER, 0), 2: (DOUBLE, 0), 3: (NUMBER, 0), 4: (NUMBER, 0), 5: (TEXT, 0),
            6: (BLOB, 0), 7: (NUMBER, 0),
        },
        EVENT_ENTRY: {1: (NUMBER, 0), 2: (MESSAGE, EVENT_METADATA)},
        EVENT_METADATA: {
            1: (NUMBER, 0), 2: (TEXT, 0), 3: (BLOB, 0), 4: (TEXT, 0), 5: (MESSAGE, STAT),
            6: (NUMBERS, 0),
        },
        STAT_ENTRY: {1: (NUMBER, 0), 2: (MESSAGE, STAT_METADATA)},
        STAT_METADATA: {1: (NUMBER, 0), 2: (TEXT, 0), 3: (TEXT, 0)},
    }
    for message in range(9):
        for number in range(16):
            kind, inner = fields[message].get(number, (UNKNOWN, 0))
            KINDS[message][number] = kind
            INNER[message][number] = inner
    return 0

_define()


cdef object _broken(str what, size_t at):
    return XSpaceDecodeError(
        f"not a whole XSpace: {what} at byte {at}",
        hint="check that the file was copied whole and is a serialised XSpace, or capture again",
    )


@cython.final
cdef class _Copier:
    cdef const uint8_t[::1] data
    cdef tuple texts_of  # by use
    cdef object blob_of
    cdef tuple known  # by use: text as bytes → its replacement

    cdef uint64_t varint(self, size_t* at, size_t end) except? 0xFAB5FAB5FAB5FAB5:
        cdef uint64_t value = 0
        cdef uint64_t byte
        cdef int shift = 0
        cdef size_t i = at[0]
        while shift < 70:
            if i >= end:
                raise _broken("a number is cut off", i)
            byte = self.data[i]
            i += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                at[0] = i
                return value
            shift += 7
        raise _broken("a number of more than ten bytes", at[0])

    cdef int skip_fixed(self, size_t size, size_t* at, size_t end) except -1:
        if size > end - at[0]:
            raise _broken("a fixed number is cut off", at[0])
        at[0] += size
        return 0

    cdef bytes slice(self, size_t start, size_t end):
        return bytes(self.data[start:end])

    cdef int copy(self, int message, size_t at, size_t end, bytearray out) except -1:
        """Append the message from ``at`` to ``end``, in other words."""
        cdef size_t began, begin, stop
        cdef uint64_t tag, number, wire, size
        cdef int kind
        cdef bytearray inner
        cdef bytes told
        while at < end:
            began = at
            tag = self.varint(&at, end)
            number, wire = tag >> 3, tag & 7
            if number == 0 or tag > 0xFFFFFFFF:
                raise _broken("an impossible field number", began)
            kind = KINDS[message][number] if number < 16 else UNKNOWN
            if wire == VARINT:
                self.varint(&at, end)
                if kind == NUMBER or kind == NUMBERS:
                    out += self.data[began:at]
            elif wire == FIXED64 or wire == FIXED32:
                self.skip_fixed(8 if wire == FIXED64 else 4, &at, end)
                if kind == DOUBLE and wire == FIXED64:
                    out += self.data[began:at]
            elif wire == BYTES:
                begin = at
                size = self.varint(&at, end)
                if size > end - at:
                    raise _broken(f"a field of {size} bytes where {end - at} are left", begin)
                begin, stop = at, at + size
                at = stop
                if kind == MESSAGE and self.is_plain(INNER[message][number], begin, stop):
                    out += self.data[began:at]
                elif kind == MESSAGE:
                    inner = bytearray()
                    self.copy(INNER[message][number], begin, stop, inner)
                    _append(out, tag, inner)
                elif kind == TEXT:
                    told = self.slice(begin, stop)
                    _append(out, tag, self.text(INNER[message][number], told))
                elif kind == BLOB:
                    told = self.blob_of(self.slice(begin, stop))
                    _append(out, tag, told)
                elif kind == NUMBERS:
                    while begin < stop:
                        self.varint(&begin, stop)
                    out += self.data[began:at]
            else:
                raise _broken(f"wire type {wire}, which no XSpace has", began)
        return 0

    cdef bint is_plain(self, int message, size_t at, size_t end) except -1:
        """Whether a message holds numbers alone, as most events do: then it stays as it is."""
        cdef size_t began
        cdef uint64_t tag, number, wire, size
        cdef int kind
        while at < end:
            began = at
            tag = self.varint(&at, end)
            number, wire = tag >> 3, tag & 7
            kind = KINDS[message][number] if 0 < number < 16 else UNKNOWN
            if wire == VARINT and (kind == NUMBER or kind == NUMBERS):
                self.varint(&at, end)
            elif wire == FIXED64 and kind == DOUBLE:
                self.skip_fixed(8, &at, end)
            elif wire == BYTES and kind == MESSAGE:
                size = self.varint(&at, end)
                if size > end - at:
                    raise _broken(f"a field of {size} bytes where {end - at} are left", began)
                if not self.is_plain(INNER[message][number], at, at + size):
                    return False
                at += size
            else:
                return False
        return True

    cdef bytes text(self, int use, bytes told):
        cdef dict known = self.known[use]
        found = known.get(told)
        if found is None:
            found = self.texts_of[use](told)
            known[told] = found
        return found


cdef int _append(bytearray out, uint64_t tag, object content) except -1:
    _varint(out, tag)
    _varint(out, len(content))
    out += content
    return 0


cdef int _varint(bytearray out, uint64_t value) except -1:
    while value >= 0x80:
        out.append(<uint8_t> ((value & 0x7F) | 0x80))
        value >>= 7
    out.append(<uint8_t> value)
    return 0


def rewrite(data, name_of, sentence_of, host_of, blob_of):
    """The XSpace with other texts; see ``_rewrite.pyi``."""
    cdef _Copier copier = _Copier()
    cdef bytearray out = bytearray()
    copier.data = data
    copier.texts_of = (name_of, sentence_of, host_of)
    copier.blob_of = blob_of
    copier.known = ({}, {}, {})
    copier.copy(SPACE, 0, copier.data.shape[0], out)
    return bytes(out)
