"""Bytes made to break a decoder end in XSpaceDecodeError, soon and without much memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from diag.errors import XSpaceDecodeError
from diag.formats.trace.xspace import decode_space
from diag.testing.wire_format import bytes_field, number_field, present_number_field, varint
from diag.testing.xspace_builder import build_space
from tests.conftest import sample_path
from tests.oracle.xspace_comparison import assert_agrees_with_oracle
from tests.oracle.xspace_oracle import OracleRefusedError, parse

SMALL = build_space(
    """
    env profile_start_time=1700000000000000000 note="n"
    plane /host:CPU id=3
    line grpc-1 id=-5 at=40us
      BatchingSessionRun 50..12000us
        ScheduleOutputTask 60..61.5us size=2 _p=10457364553866936326
    line batch_threads_/1
      ProcessBatch 4000..11000us _c=10457364553866936326 ratio=0.5
    stat device_vendor=nobody
    warning something was dropped
    hostname vm
    """
)


def event_space(event: bytes, head: bytes = b"") -> bytes:
    return bytes_field(1, bytes_field(3, head + bytes_field(4, event)))


HOSTILE = {
    "a number of eleven bytes": b"\x08" + b"\xff" * 10 + b"\x01",
    "a number that never ends": b"\x08" + b"\xff" * 1000,
    "a length of 2^64 - 1": b"\x0a" + varint(2**64 - 1) + b"abc",
    "a length of 2^63": b"\x0a" + varint(2**63) + b"abc",
    "a length one too long": b"\x0a\x04abc",
    "a length without a body": b"\x0a\x01",
    "a tag without a value": b"\x0a",
    "field number 0": b"\x02\x00",
    "a field number of 40 bits": varint(1 << 40) + b"\x00",
    "the start of a group": b"\x0b",
    "the end of a group": b"\x0c",
    "wire type 6": b"\x0e\x00",
    "wire type 7 deep inside": event_space(b"\x0f\x00"),
    "a cut fixed64": b"\x09\x00\x00",
    "a cut fixed32": b"\x0d\x00",
    "a cut double in a stat": event_space(bytes_field(4, b"\x11\x00")),
    "a plane name that is not UTF-8": bytes_field(1, bytes_field(2, b"\xff\xfe")),
    "a line name that is a surrogate": bytes_field(
        1, bytes_field(3, bytes_field(2, b"\xed\xa0\x80"))
    ),
    "an event name that is not UTF-8": bytes_field(
        1, bytes_field(4, bytes_field(2, bytes_field(2, b"\xc0\x80")))
    ),
    "an error that is not UTF-8": bytes_field(2, b"\x80"),
    "an offset whose end overflows": event_space(
        present_number_field(2, 2**63 - 1) + number_field(3, 1)
    ),
    "a line at the end of time": event_space(
        present_number_field(2, 2**62), head=number_field(3, 2**63 - 1)
    ),
    "a line at the end of time, without an offset": event_space(
        b"", head=number_field(3, 2**63 - 1)
    ),
    "a line at the beginning of time": event_space(
        present_number_field(2, -1), head=number_field(3, -(2**63))
    ),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_end_in_a_decode_error(data: bytes) -> None:
    with pytest.raises(XSpaceDecodeError, match="XSpace"):
        decode_space(data)


def test_the_error_names_the_byte_and_the_next_step() -> None:
    data = build_space("plane p\nline a\na 0..1us") + b"\x0a\x7fcut"
    with pytest.raises(
        XSpaceDecodeError, match=rf"127 bytes where 3 are left at byte {len(data) - 4}"
    ) as caught:
        decode_space(data)
    assert "capture again" in caught.value.hint


def survives(data: bytes) -> bool:
    """Whether it decodes, and then to what protobuf sees; protobuf refuses what we refuse."""
    try:
        decoded = decode_space(data)
    except XSpaceDecodeError:
        with pytest.raises(OracleRefusedError):
            parse(data)
        return False
    assert_agrees_with_oracle(decoded, data)
    return True


def test_every_prefix_of_a_trace_ends_in_an_error_or_in_what_protobuf_sees() -> None:
    outcomes = [survives(SMALL[:size]) for size in range(len(SMALL))]
    assert outcomes.count(True) == 4  # nothing, or a cut between two fields of the space


def is_refused(data: bytes) -> bool:
    try:
        decode_space(data)
    except XSpaceDecodeError:
        return True
    return False


def with_flips(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    damaged = bytearray(data)
    for position, flip in flips:
        damaged[position] ^= flip
    return bytes(damaged)


def test_every_flipped_byte_of_a_trace_ends_in_an_error_or_in_a_space() -> None:
    refused = [
        is_refused(with_flips(SMALL, [(position, flip)]))
        for position in range(len(SMALL))
        for flip in (0x01, 0x80, 0xFF)
    ]
    assert len(SMALL) < refused.count(True) < len(refused)


def test_random_damage_to_a_recorded_trace_ends_in_an_error_or_in_a_space() -> None:
    data = (sample_path("batch-timeout") / "server.xplane.pb").read_bytes()
    chance = random.Random(20261122)
    refused = []
    for _ in range(150):
        count = chance.choice((1, 1, 3, 20))
        flips = [(chance.randrange(len(data)), chance.randrange(1, 256)) for _ in range(count)]
        refused.append(is_refused(with_flips(data, flips)))
    assert 10 < refused.count(True) < len(refused)


def memory_peak_bytes(data: bytes) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(XSpaceDecodeError):
            decode_space(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_events_of_two_bytes_are_refused_before_columns_are_made_for_them() -> None:
    data = bytes_field(1, bytes_field(3, b"\x22\x00" * 1_000_000))
    assert memory_peak_bytes(data) < 1_000_000


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x00" * 1_000_000,
        b"\x12\x00" * 1_000_000,
        bytes_field(1, b"\x1a\x00" * 1_000_000),
        bytes_field(1, b"\x22\x00" * 4_000_001),
    ],
    ids=["planes", "messages", "lines", "names"],
)
def test_what_is_tiny_in_the_file_but_not_in_memory_is_limited(data: bytes) -> None:
    assert memory_peak_bytes(data) < 30_000_000


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b'{"traceEvents": []}', "JSON"),
        (b"<html>", "HTML"),
        (b"\n\xef\xbf\xbd\xef\xbf\xbd" + b"\xef\xbf\xbd" * 9, "binary mode"),
    ],
)
def test_the_hint_says_what_the_bytes_look_like_instead(data: bytes, hint: str) -> None:
    with pytest.raises(XSpaceDecodeError) as caught:
        decode_space(data)
    assert hint in caught.value.hint


def test_metadata_ids_at_the_ends_of_64_bits_take_no_memory_to_look_up() -> None:
    entries = b"".join(
        bytes_field(4, number_field(1, number) + bytes_field(2, bytes_field(2, name)))
        for number, name in ((2**63 - 1, b"top"), (-(2**63), b"bottom"))
    )
    events = bytes_field(4, number_field(1, 2**63 - 1)) + bytes_field(4, number_field(1, -(2**63)))
    (plane,) = decode_space(bytes_field(1, bytes_field(3, events) + entries)).planes
    assert [plane.events.names[name] for name in plane.events.name_id] == ["top", "bottom"]


def test_known_fields_of_a_wrong_wire_type_are_skipped_as_unknown() -> None:
    plane = bytes_field(
        3, b"\x0d\x00\x00\x00\x00" + bytes_field(1, b"id") + present_number_field(4, 1)
    )
    data = bytes_field(1, plane + present_number_field(2, 7)) + present_number_field(1, 7)
    assert assert_agrees_with_oracle(decode_space(data), data) == 0
