"""The part of protobuf's wire format that an XSpace needs.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct

_MASK = (1 << 64) - 1
_SMALL = tuple(bytes((value,)) for value in range(128))


def varint(value: int) -> bytes:
    """The base-128 encoding of 64 bits; a negative number takes ten bytes, as in int64."""
    if 0 <= value < 128:
        return _SMALL[value]
    value &= _MASK
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(number: int, value: int) -> bytes:
    """A varint field; empty for 0, which proto3 omits."""
    return varint(number << 3) + varint(value) if value else b""


def present_number_field(number: int, value: int) -> bytes:
    """A varint field that is written also for 0, as for members of a oneof."""
    return varint(number << 3) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """A length-delimited field: text, bytes or a message."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    """A text field; empty for the empty text."""
    return bytes_field(number, value.encode()) if value else b""


def double_field(number: int, value: float) -> bytes:
    """A double field, written also for 0."""
    return varint(number << 3 | 1) + struct.pack("<d", value)
