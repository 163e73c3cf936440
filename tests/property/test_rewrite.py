"""The copy of an XSpace: with the same texts it is the same, and any bytes end in one error."""

from __future__ import annotations

import contextlib
import random

from hypothesis import given
from hypothesis import strategies as st

from diag.errors import XSpaceDecodeError
from diag.formats.trace._rewrite import rewrite
from diag.testing.wire_format import bytes_field
from tests.conftest import sample_path
from tests.oracle.xspace_messages import XSpace
from tests.property.test_xspace import space


def same(told: bytes) -> bytes:
    return told


def copied(data: bytes) -> bytes:
    return rewrite(data, same, same, same, same)


@given(space())
def test_with_the_same_texts_protobuf_reads_the_same(data: bytes) -> None:
    assert XSpace.FromString(copied(data)) == XSpace.FromString(data)


@given(space(), st.text(max_size=9))
def test_every_text_is_asked_for(data: bytes, text: str) -> None:
    told = text.encode()
    out = rewrite(data, *[lambda _: told] * 4)
    parsed = str(XSpace.FromString(out))
    expected = str(XSpace.FromString(rewrite(copied(data), *[lambda _: told] * 4)))
    assert parsed == expected
    for each in XSpace.FromString(out).planes:
        names = {each.name, *(line.name for line in each.lines)}
        assert names <= {text, ""}


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_copy_or_in_one_error(data: bytes) -> None:
    with contextlib.suppress(XSpaceDecodeError):
        assert isinstance(copied(data), bytes)


@given(st.integers(0, 2**32))
def test_a_damaged_trace_ends_in_a_copy_or_in_one_error(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray((sample_path("no-batching") / "server.xplane.pb").read_bytes()[:4000])
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with contextlib.suppress(XSpaceDecodeError):
        copied(bytes(data[: chance.randint(0, len(data))]))


def test_messages_within_messages_go_no_deeper_than_the_schema() -> None:
    data = b""
    for _ in range(2000):
        data = bytes_field(1, bytes_field(3, bytes_field(4, bytes_field(4, data))))
    assert len(copied(data)) < len(data)
