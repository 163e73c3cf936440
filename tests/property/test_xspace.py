"""Any XSpace protobuf can write decodes as protobuf reads it; any other bytes end in one error."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.errors import XSpaceDecodeError
from diag.formats.trace.event_names import INTEGER_STATS, TEXT_STATS, TYPED_EVENTS
from diag.formats.trace.xspace import SPAN_MAX_NS, TIME_MAX_NS, decode_space
from diag.testing.wire_format import bytes_field
from diag.testing.xspace_builder import build_space
from tests.oracle.xspace_comparison import WANTED, assert_agrees_with_oracle
from tests.oracle.xspace_messages import XSpace
from tests.oracle.xspace_oracle import OracleRefusedError, decode_plainly, parse

EPOCH_NS = 1_600_000_000_000_000_000

INT64 = st.integers(-(2**63), 2**63 - 1)
IDS = st.sampled_from([0, 1, 2, 3, 5, 63, 64, 1000, 2**40, -1, -(2**63), 2**63 - 1])
NAMES = st.one_of(
    st.sampled_from([*TYPED_EVENTS, "", "SessionRun", "\u00e9t\u00e9 \U0001f600"]),
    st.text(max_size=4),
)
STAT_NAMES = st.one_of(st.sampled_from([*INTEGER_STATS, *TEXT_STATS]), st.sampled_from(["", "_r"]))
TIMESTAMPS = st.one_of(
    st.integers(0, 10**9), st.integers(EPOCH_NS, EPOCH_NS + 10**12), st.just(2**62)
)
VALUES = st.one_of(
    st.fixed_dictionaries({"int64_value": INT64}),
    st.fixed_dictionaries({"uint64_value": st.integers(0, 2**64 - 1)}),
    st.fixed_dictionaries({"double_value": st.floats()}),
    st.fixed_dictionaries({"double_value": st.integers(-(2**64), 2**65).map(float)}),
    st.fixed_dictionaries({"str_value": st.text(max_size=5)}),
    st.fixed_dictionaries({"str_value": st.from_regex(r"\A-?[0-9]{0,20}\Z")}),
    st.fixed_dictionaries({"bytes_value": st.binary(max_size=4)}),
    st.fixed_dictionaries({"ref_value": IDS.map(lambda number: number % 2**64)}),
    st.just({}),
)
STATS = st.lists(
    st.builds(lambda number, value: {"metadata_id": number, **value}, IDS, VALUES), max_size=4
)


def message(name: str) -> Any:
    """An empty message of the oracle's private package."""
    space = XSpace()
    plane = space.planes.add()
    line = plane.lines.add()
    return {"plane": plane, "line": line, "event": line.events.add()}[name]


def field(kind: str, **values: Any) -> bytes:
    """One piece of a message; protobuf merges pieces that stand one after the other."""
    return bytes(type(message(kind))(**values).SerializeToString())


@st.composite
def shuffled(draw: st.DrawFn, pieces: list[bytes]) -> bytes:
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def event(draw: st.DrawFn) -> bytes:
    pieces = [
        field("event", metadata_id=draw(IDS)),
        field("event", duration_ps=draw(st.integers(-2000, 10**12))),
        *(field("event", stats=[stat]) for stat in draw(STATS)),
    ]
    if draw(st.integers(0, 9)):
        pieces.append(field("event", offset_ps=draw(st.integers(-(10**6), 10**15))))
    if not draw(st.integers(0, 9)):
        pieces.append(field("event", num_occurrences=draw(st.integers(0, 9))))
    return draw(shuffled(pieces))


@st.composite
def line(draw: st.DrawFn) -> bytes:
    pieces = [
        field("line", id=draw(INT64)),
        field("line", name=draw(NAMES)),
        field("line", display_name=draw(NAMES), duration_ps=5, display_id=6),
        field("line", timestamp_ns=draw(TIMESTAMPS)),
        *(bytes_field(4, body) for body in draw(st.lists(event(), max_size=6))),
    ]
    return draw(shuffled(pieces))


@st.composite
def plane(draw: st.DrawFn) -> bytes:
    pieces = [
        field("plane", id=draw(INT64)),
        field("plane", name=draw(st.sampled_from(["/host:CPU", "/device:GPU:0", ""]))),
        *(bytes_field(3, body) for body in draw(st.lists(line(), max_size=3))),
        *(field("plane", stats=[stat]) for stat in draw(STATS)),
    ]
    for number in draw(st.sets(IDS, max_size=6)):
        piece = message("plane")
        piece.event_metadata[number].name = draw(NAMES)
        piece.event_metadata[number].display_name = draw(NAMES)
        piece.event_metadata[number].stats.add(metadata_id=1, str_value="ignored")
        pieces.append(piece.SerializeToString())
    for number in draw(st.sets(IDS, max_size=8)):
        piece = message("plane")
        piece.stat_metadata[number].name = draw(STAT_NAMES)
        piece.stat_metadata[number].description = "ignored"
        pieces.append(piece.SerializeToString())
    return draw(shuffled(pieces))


@st.composite
def space(draw: st.DrawFn) -> bytes:
    pieces = [bytes_field(1, body) for body in draw(st.lists(plane(), max_size=3))]
    pieces += [
        bytes(XSpace(**{kind: [draw(st.text(max_size=5))]}).SerializeToString())
        for kind in draw(st.lists(st.sampled_from(["errors", "warnings", "hostnames"]), max_size=3))
    ]
    if draw(st.booleans()):
        began = draw(st.sampled_from([0, 1, EPOCH_NS, EPOCH_NS + 10**9, 2**63]))
        pieces.append(build_space(f"env profile_start_time={began}u"))
    return draw(shuffled(pieces))


def is_sane(data: bytes) -> bool:
    """Whether all times lie within a day of each other and of the origin, if there is one."""
    truth = decode_plainly(data, WANTED)
    times = [0] if truth.origin_unix_ns is not None else []
    events = [event for plane in truth.planes for event in plane.events]
    times += [time for event in events for time in (event.start_ns, event.end_ns)]
    if not events:
        return True
    return max(times) - min(times) <= SPAN_MAX_NS and max(map(abs, times)) <= TIME_MAX_NS


@given(space())
def test_whatever_protobuf_writes_decodes_as_protobuf_reads_it(data: bytes) -> None:
    if is_sane(data):
        assert_agrees_with_oracle(decode_space(data), data)
    else:
        with pytest.raises(XSpaceDecodeError, match="times reach from"):
            decode_space(data)


@given(space(), st.randoms(use_true_random=False))
def test_damaged_bytes_end_in_one_error_or_in_what_protobuf_sees(
    data: bytes, chance: random.Random
) -> None:
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if damaged:
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    assert_error_or_agreement(bytes(damaged[: chance.randint(0, len(damaged))]))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_end_in_one_error_or_in_what_protobuf_sees(data: bytes) -> None:
    assert_error_or_agreement(data)


def assert_error_or_agreement(data: bytes) -> None:
    try:
        decoded = decode_space(data)
    except XSpaceDecodeError:
        return
    try:
        parse(data)
    except OracleRefusedError:
        return  # damage within what diag does not read
    assert_agrees_with_oracle(decoded, data)
