"""Top-level fields of a protobuf message, without its classes.

The profiler's messages pass through the demo server as bytes; two of their fields decide whether
they may. Field numbers: tsl/profiler/protobuf/profiler_service.proto, TensorFlow 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def top_level_fields(message: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Yields (field number, value, the field's bytes as encoded) in order.

    Fixed-width values are given as their bytes.

    Raises:
        ValueError: The bytes are not a protobuf message.
    """
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        kind = tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, position = _varint(message, position)
        else:
            if kind == _BYTES:
                length, position = _varint(message, position)
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
            else:
                raise ValueError(f"wire type {kind} at byte {start}")
            value = message[position : position + length]
            position += length
            if position > len(message):
                raise ValueError(f"field at byte {start} runs past the end")
        yield tag >> 3, value, message[start:position]


def without_field(message: bytes, number: int) -> bytes:
    """The message without any occurrence of one top-level field.

    Raises:
        ValueError: The bytes are not a protobuf message.
    """
    return b"".join(raw for field, _, raw in top_level_fields(message) if field != number)


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("the message ends inside a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is longer than ten bytes")
