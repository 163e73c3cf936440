"""The section of slow requests: what it says, and when it says nothing."""

from __future__ import annotations

from diag.report.build import build_report
from diag.report.model import Section
from diag.report.rendering import render
from tests.unit.analysis.test_tail import APART_US, batches_of_rows, unbatched


def section(analysis: object) -> Section:
    return build_report(analysis).section("slow_requests")  # type: ignore[arg-type]


def test_what_slow_requests_have_in_common_is_told_with_its_strength() -> None:
    found = section(batches_of_rows(set(range(4, 200, 16))))
    assert not found.is_detail
    texts = [note.text for note in found.notes]
    assert texts[0] == "The slowest 10 of 200 requests take 4.02 ms to 4.02 ms."
    start = "10 of 10 ran in a batch of more than 8 rows, against 1.6% of the rest: "
    assert any(text.startswith(start) for text in texts)
    table = found.tables[-1]
    assert table.is_data_only
    assert {row["property"] for row in table.rows} == {"large-batch", "large-request"}
    assert all(row["rest"] == 3 for row in table.rows)


def test_the_three_slowest_are_shown_and_ten_are_there() -> None:
    found = section(batches_of_rows(set(range(4, 200, 16))))
    slowest = found.tables[0]
    assert len(slowest.rows) == 10
    assert slowest.detail_rows == tuple(range(3, 10))
    assert slowest.rows[0]["at"] == "20.000"
    assert [table.is_detail for table in found.tables] == [False, True, True, False]


def test_where_they_have_nothing_in_common_the_section_is_a_detail() -> None:
    analysis = unbatched(set(range(7, 200, 20)))
    assert section(analysis).is_detail
    report = build_report(analysis)
    assert "Slow requests" not in render(report)
    assert "They have nothing recorded in common." in render(report, verbose=True)


def test_requests_that_are_slow_in_one_moment_are_told_with_the_moment() -> None:
    starts = [i * APART_US for i in range(100)]
    starts += [500_000 + i for i in range(12)]
    starts += [510_000 + i * APART_US for i in range(100)]
    found = section(unbatched(set(range(100, 112)), count=212, starts=starts))
    assert not found.is_detail
    assert found.notes[1].text == (
        "All of them were open from 500.000 to 504.009 ms. What happened then slowed all that "
        "were open."
    )


def test_none_of_the_rest_gives_no_upper_end() -> None:
    starts, slow = [], set()
    for i in range(200):
        starts.append(i * APART_US - (4500 if i % 20 == 10 else 0))
        if i % 20 == 10:
            slow.add(i)
    texts = [note.text for note in section(unbatched(slow, starts=starts)).notes]
    assert texts[1] == (
        "10 of 10 arrived while others were open, against none of the rest: at least 9.55 times "
        "as often"
    )
