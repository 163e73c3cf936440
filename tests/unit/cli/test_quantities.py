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
    ],
)
def test_times_have_a_unit(text: str, ns: int) -> None:
    assert Duration().convert(text, None, None) == ns


@pytest.mark.parametrize("text", ["2", "", "s", "-1s", "2h", "1e3s", "2 s s", "1_0s"])
def test_times_without_one_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no time"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MB", 512 * 10**6), ("1GiB", 2**30), ("100", 100), ("1.5 kB", 1500), ("7B", 7)],
)
def test_sizes_are_decimal_or_binary(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "5TB", "1,000"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no size"):
        Size().convert(text, None, None)
