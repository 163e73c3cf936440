"""Fields of protobuf messages in place, so that a graph with large constants needs no memory.

A generated message would copy every constant of a graph. Wire format:
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(Exception):
    """The bytes are not a protobuf message."""


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, wire type and value of each field, in order; nothing is copied.

    Values of type ``VARINT`` are unsigned, those of the fixed types raw bytes.

    Raises:
        WireError: A field ends beyond the data, or has an unknown wire type.
    """
    position, size = 0, len(data)
    while position < size:
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, position = _varint(data, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, position = _varint(data, position)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"a field of wire type {kind}")
        end = position + length
        if end > size:
            raise WireError(f"a field of {length} bytes where {size - position} are left")
        yield number, kind, data[position:end]
        position = end


def messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    """The values of one length-delimited field.

    Raises:
        WireError: As for ``fields``.
    """
    for number, kind, value in fields(data):
        if number == wanted and kind == BYTES and isinstance(value, memoryview):
            yield value


def text(data: memoryview, wanted: int) -> str:
    """The last text in one field; "" without any. Bytes that are no UTF-8 are escaped.

    Raises:
        WireError: As for ``fields``.
    """
    found = b""
    for value in messages(data, wanted):
        found = bytes(value[:_TEXT_MAX_BYTES])
    return found.decode("utf-8", "backslashreplace")


def number(data: memoryview, wanted: int, default: int = 0) -> int:
    """The last value of an int64 field.

    Raises:
        WireError: As for ``fields``.
    """
    for field, kind, value in fields(data):
        if field == wanted and kind == VARINT and isinstance(value, int):
            default = signed(value)
    return default


def signed(value: int) -> int:
    """An int64 from its unsigned varint."""
    return value - (1 << 64) if value >= 1 << 63 else value


_TEXT_MAX_BYTES = 4096
_VARINT_MAX_BYTES = 10


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    try:
        byte = data[position]
        if byte < 0x80:
            return byte, position + 1
        value, shift, end = byte & 0x7F, 7, position + _VARINT_MAX_BYTES
        while position < end:
            position += 1
            byte = data[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, position + 1
            shift += 7
    except IndexError as exc:
        raise WireError("a number is cut") from exc
    raise WireError("a number of more than 10 bytes")
