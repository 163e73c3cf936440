"""Many small protobuf messages at once, as columns: one row of bytes a message, then packed.

A message is a row of a matrix of bytes, with a mask of the bytes that are used. A field fills some
columns of it; a variable-length integer (varint) uses as many of its columns as its value needs.
https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diag.model.events import Bools, Ints

VARINT, FIXED64, LENGTH_DELIMITED = 0, 1, 2
_PAYLOAD_BITS = 7
_MORE = 0x80


class Rows:
    """Messages under construction; fields are appended to all of them in the same order.

    Attributes:
        lengths: (n,) bytes of each message so far.
    """

    def __init__(self, count: int, width: int) -> None:
        """Room for messages.

        Args:
            count: Number of messages.
            width: The most bytes of one, with room for every varint's longest value.
        """
        self.lengths = np.zeros(count, np.int64)
        self._bytes = np.zeros((count, width), np.uint8)
        self._used = np.zeros((count, width), np.bool_)
        self._at = 0

    def constant(self, data: bytes, where: Bools | None = None) -> None:
        """The same bytes in every message, or in those of a mask."""
        columns = self._take(len(data))
        self._bytes[:, columns] = np.frombuffer(data, np.uint8)
        self._mark(columns, where)

    def varint(self, field: int, values: Ints, where: Bools | None = None) -> None:
        """A field of type uint64, uint32 or enum.

        Args:
            field: Its number.
            values: (n,) not negative.
            where: (n,) messages that have the field; None for all.
        """
        self.constant(tag(field, VARINT), where)
        rest = values.astype(np.uint64)
        columns = self._take(_varint_length(int(rest.max(initial=0))))
        for place in range(columns.start, columns.stop):
            is_first = place == columns.start
            used = where if is_first else rest > 0 if where is None else (rest > 0) & where
            self._mark(slice(place, place + 1), used)
            low = (rest & np.uint64(_MORE - 1)).astype(np.uint8)
            rest >>= np.uint64(_PAYLOAD_BITS)
            self._bytes[:, place] = low | np.where(rest > 0, np.uint8(_MORE), np.uint8(0))

    def fixed64(self, field: int, values: NDArray[Any], where: Bools | None = None) -> None:
        """A field of type fixed64 or double: 8 bytes, little endian."""
        self.constant(tag(field, FIXED64), where)
        columns = self._take(8)
        little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
        self._bytes[:, columns] = little.view(np.uint8).reshape(len(values), 8)
        self._mark(columns, where)

    @contextmanager
    def message(self, field: int) -> Iterator[None]:
        """A field that is a message of less than 128 bytes: what is appended until the end."""
        self.constant(tag(field, LENGTH_DELIMITED))
        length = self._take(1)
        self._mark(length, None)
        before = self.lengths.copy()
        yield
        self._bytes[:, length.start] = self.lengths - before

    def packed(self) -> bytes:
        """All messages, one after the other."""
        return self._bytes[:, : self._at][self._used[:, : self._at]].tobytes()

    def _take(self, width: int) -> slice:
        self._at += width
        return slice(self._at - width, self._at)

    def _mark(self, columns: slice, where: Bools | None) -> None:
        """Use these columns in all messages, or in those of a mask."""
        width = columns.stop - columns.start
        if where is None:
            self._used[:, columns] = True
            self.lengths += width
        else:
            self._used[:, columns] = where[:, None]
            self.lengths += width * where


def tag(field: int, wire_type: int) -> bytes:
    """The bytes before a field's value."""
    return varint(field << 3 | wire_type)


def varint(value: int) -> bytes:
    """One number, not negative."""
    found = bytearray()
    while value >= _MORE:
        found.append(value & (_MORE - 1) | _MORE)
        value >>= _PAYLOAD_BITS
    return bytes((*found, value))


def _varint_length(value: int) -> int:
    return max(1, -(-value.bit_length() // _PAYLOAD_BITS))
