"""Words as a shell splits them, next to shlex, and where they stand."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.formats.config.place import Place
from diag.formats.config.shell_words import split_commands

START = Place("f", 1, 1)


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command] for command in split_commands(text, START)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a; b && c | d", [["a"], ["b"], ["c"], ["d"]]),
        ("# no\na # comment\nb", [["a"], ["b"]]),
        ("--x='a b' --y=\"c d\"", [["--x=a b", "--y=c d"]]),
        ('a"b"c', [["abc"]]),
        ("a ${B:-x y} c", [["a", "${B:-x y}", "c"]]),
        ("a#b", [["a#b"]]),
        ('"unclosed', [['"unclosed']]),
    ],
)
def test_forms(text, expected):
    assert words(text) == expected


def test_places():
    ((first, second), (third,)) = split_commands("a --b=1\n  c", START)
    assert [(w.place.line, w.place.column) for w in (first, second, third)] == [
        (1, 1),
        (1, 3),
        (2, 3),
    ]


@given(st.lists(st.text(alphabet="ab-=' \"$/", min_size=1, max_size=8), min_size=1, max_size=5))
def test_quoted_words_come_back(given_words):
    assert words(shlex.join(given_words)) == [given_words]


@given(st.text(max_size=80))
def test_any_text_is_split(text):
    for command in split_commands(text, START):
        assert command
