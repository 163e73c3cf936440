"""Colour and width follow the terminal and the usual variables."""

from __future__ import annotations

import io

import pytest

from diag.cli.console import DEFAULT_WIDTH, MAX_WIDTH, MIN_WIDTH, output_width, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_terminal", "in_a_pipe"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_color(environ, on_terminal, in_a_pipe):
    assert wants_color(Terminal(), environ) is on_terminal
    assert wants_color(io.StringIO(), environ) is in_a_pipe


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        ("120", 120),
        ("7", MIN_WIDTH),
        ("100000", MAX_WIDTH),
        ("", DEFAULT_WIDTH),
        ("0", DEFAULT_WIDTH),
        ("wide", DEFAULT_WIDTH),
    ],
)
def test_width_comes_from_columns_within_limits(columns, width):
    assert output_width(io.StringIO(), {"COLUMNS": columns}) == width
