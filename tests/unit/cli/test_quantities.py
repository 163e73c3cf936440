from __future__ import annotations

import click
import pytest

from diag.cli.quantities import Duration, Size


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2s", 2 * 10**9),
        ("500ms", 5 * 10**8),
        ("1.5s", 15 * 10**8),
        ("5m", 300 * 10**9),
        ("0.1s", 10**8),
        ("2", 2 * 10**9),
        ("0.5", 5 * 10**8),
        (".5", 5 * 10**8),
        ("2.", 2 * 10**9),
    ],
)
def test_times_have_a_unit_or_are_seconds(text: str, ns: int) -> None:
    assert Duration().convert(text, None, None) == ns


@pytest.mark.parametrize(
    "text", ["", "s", ".", ".s", "1.2.3s", "-1s", "2h", "1e3s", "2 s s", "1_0s"]
)
def test_other_units_and_words_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time: write 500ms, 2s"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MB", 512 * 10**6), ("1GiB", 2**30), ("100", 100), ("1.5 kB", 1500), ("7B", 7)],
)
def test_sizes_are_decimal_or_binary(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "5TB", "1,000"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a size: write 512MB"):
        Size().convert(text, None, None)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (2 * 10**9, "2s"),
        (300 * 10**9, "5m"),
        (90 * 10**9, "1.5m"),
        (500 * 10**6, "500ms"),
        (1, "1ns"),
    ],
)
def test_a_time_is_written_as_it_can_be_typed(ns: int, text: str) -> None:
    assert Duration().text(ns) == text
    assert Duration().convert(text, None, None) == ns


@pytest.mark.parametrize(("size", "text"), [(512 * 10**6, "512MB"), (100, "100"), (1 << 30, None)])
def test_a_size_is_written_exactly(size: int, text: str | None) -> None:
    written = Size().text(size)
    assert text is None or written == text
    assert Size().convert(written, None, None) == size
