"""The text format with positions, next to protobuf's own parser."""

from __future__ import annotations

import contextlib

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from diag.formats.config.place import ConfigSyntaxError, Place
from diag.formats.config.text_proto import Field, parse_text_proto
from diag.formats.wire import batching_pb2

START = Place("f", 1, 1)


def parse(text: str) -> tuple[Field, ...]:
    return parse_text_proto(text, START)


def plain(fields: tuple[Field, ...]) -> list[object]:
    return [(f.name, plain(f.fields) if f.is_message else f.value) for f in fields]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a: 1", [("a", "1")]),
        ("a: -1 b: 1.5e3", [("a", "-1"), ("b", "1.5e3")]),
        ("a { b: true }", [("a", [("b", "true")])]),
        ("a: { b: X }", [("a", [("b", "X")])]),
        ("a < b: 1 > c: 2", [("a", [("b", "1")]), ("c", "2")]),
        ("a: [1, 2]", [("a", "1"), ("a", "2")]),
        ("a: [{ b: 1 }, { b: 2 }]", [("a", [("b", "1")]), ("a", [("b", "2")])]),
        ("a: []", []),
        ("a: \"x\" 'y'", [("a", "xy")]),
        (r'a: "q\"\n"', [("a", 'q"\n')]),
        ("a: 1; b: 2, c: 3", [("a", "1"), ("b", "2"), ("c", "3")]),
        ("# all\na: 1 # end", [("a", "1")]),
        ("\ufeffa: 1", [("a", "1")]),
        ("[type.googleapis.com/x.Y] { b: 1 }", [("type.googleapis.com/x.Y", [("b", "1")])]),
    ],
)
def test_forms(text, expected):
    assert plain(parse(text)) == expected


def test_places_are_lines_and_columns_from_one():
    (outer,) = parse("\n  a {\n    b: 8\n  }")
    (inner,) = outer.fields
    assert (outer.place.line, outer.place.column) == (2, 3)
    assert (inner.place.line, inner.place.column) == (3, 5)
    assert (inner.value_place.line, inner.value_place.column) == (3, 8)
    (moved,) = parse_text_proto("x: 1", Place("f", 10, 5))
    assert (moved.place.line, moved.value_place.column) == (10, 8)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a {", 1, 4),
        ("a: 1\n}", 2, 1),
        ("a 1", 1, 3),
        ("a:", 1, 3),
        (": 1", 1, 1),
        ('a: "x', 1, 4),
        ("a: [1 2]", 1, 7),
        ("a: [1", 1, 6),
        ("[a", 1, 3),
        ("a = 1", 1, 3),
    ],
)
def test_what_is_no_text_format_is_said_with_its_place(text, line, column):
    with pytest.raises(ConfigSyntaxError) as raised:
        parse(text)
    assert (raised.value.place.line, raised.value.place.column) == (line, column)


def test_nesting_is_bounded():
    with pytest.raises(ConfigSyntaxError, match="nested deeper"):
        parse("a {" * 5000)


sizes = st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        batching_pb2.BatchingParameters,
        allowed_batch_sizes=st.lists(sizes, max_size=5),
        pad_variable_length_inputs=st.booleans(),
    ),
    st.one_of(st.none(), sizes),
    st.one_of(st.none(), st.text(max_size=20)),
)
def test_what_protobuf_writes_is_read_back(message, size, name):
    if size is not None:
        message.max_batch_size.value = size
    if name is not None:
        message.thread_pool_name.value = name
    fields = parse(text_format.MessageToString(message, as_utf8=True))
    assert [int(f.value) for f in fields if f.name == "allowed_batch_sizes"] == list(
        message.allowed_batch_sizes
    )
    wrapped = {f.name: f.wrapped for f in fields if f.is_message}
    if size:
        assert int(wrapped["max_batch_size"].value) == size
    if name and "\\" not in text_format.MessageToString(message, as_utf8=True):
        assert wrapped["thread_pool_name"].value == name


@given(st.text(alphabet="abc:{}<>[],;-1\"'#\n \\", max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ConfigSyntaxError):
        parse(text)
