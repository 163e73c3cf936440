"""First runs of which one op takes far longer than later runs as a whole (us)."""

from __future__ import annotations

import pytest

from tests.unit.analysis.idle.tables import HOST, KERNEL, gpu, row_at, step
from tests.unit.analysis.traces import analyzed

END = "\nline end\n  Something 0..200000us\n"
FIRST_US = 1000


def runs(first_op: str, later_us: int, count: int, until_us: int = 61_000) -> str:
    """A first run, in an op until a while before its kernel, and shorter later ones."""
    host, kernels = "", []
    begin, until = FIRST_US, until_us
    for number in range(1, count + 2):
        op = first_op if number == 1 else "conv:Conv2D"
        launch = f"k {until - 20}..{until - 10}us correlation_id={number}"
        host += step(
            number, f"{op} {begin + 200}..{until}us", f"  {launch}", begin=begin, end=until + 1000
        )
        kernels.append(f"k {until}..{until + 500}us correlation_id={number} {KERNEL}")
        begin, until = until + 2000, until + 2000 + later_us
    return HOST + host + END + gpu(*kernels)


def at_30_ms(text: str) -> tuple[str, ...]:
    return row_at(analyzed(text), 30_000)[2:]


def test_a_first_run_ten_times_as_long_in_an_op_as_later_runs_tunes_it() -> None:
    found = at_30_ms(runs("conv:Conv2D", later_us=4000, count=3))
    assert found == ("cold-start", "medium", "preprocess", "conv:Conv2D")


def test_later_runs_of_a_tenth_or_more_show_that_it_always_takes_as_long() -> None:
    found = at_30_ms(runs("conv:Conv2D", later_us=7000, count=3))
    assert found == ("preprocess", "high", "", "conv:Conv2D")


def test_a_first_run_that_preprocesses_is_no_cold_start() -> None:
    found = at_30_ms(runs("d:DecodeJpeg", later_us=4000, count=3))
    assert found == ("preprocess", "high", "", "d:DecodeJpeg")


def test_too_few_later_runs_leave_it_open() -> None:
    found = at_30_ms(runs("conv:Conv2D", later_us=4000, count=2))
    assert found == ("preprocess", "medium", "", "conv:Conv2D")


@pytest.mark.parametrize(("until_us", "cause"), [(50_900, "preprocess"), (51_300, "cold-start")])
def test_less_than_50_ms_in_its_ops_is_ordinary(until_us: int, cause: str) -> None:
    assert at_30_ms(runs("conv:Conv2D", 1000, 3, until_us))[0] == cause
