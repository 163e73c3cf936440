"""What charts draw: bounded in number, exact in sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, GapTable, IdleCause, Timeline
from diag.model.samples import SampleSeries
from diag.model.serving import Stage
from diag.model.window import ClockSync, Window
from diag.report.interval_series import SLICES, interval_series
from diag.report.level_series import in_flight_series
from diag.report.model import Report, Series
from diag.report.span_series import LONGEST, batch_spans, chosen_spans, request_spans
from diag.report.stretch_series import stretch_series
from tests.unit.report.factory import (
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_report,
    make_requests,
)
from tests.unit.report.gpu_factory import make_gpu_analysis


def series_of(report: Report, id_: str) -> Series:
    (found,) = [s for section in report.sections for s in section.series if s.id == id_]
    assert {len(values) for values in found.values.values()} == {
        len(found.values[found.columns[0].key])
    }
    return found


def time_by_state(series: Series) -> Counter[str]:
    sums: Counter[str] = Counter()
    for state, time_ns in zip(series.values["state"], series.values["time_ns"], strict=True):
        sums[state] += time_ns
    return sums


def make_gaps(pieces: int, seed: int = 0) -> tuple[Timeline, GapTable]:
    """Random busy and idle time in turn."""
    random = np.random.default_rng(seed)
    edges = np.cumsum(random.integers(1, 10_000, 2 * pieces)).astype(np.int64) + 500
    start_ns, end_ns = edges[0::2], edges[1::2]
    window = Window(500, int(edges[-1]) + 77)
    zeros = np.zeros(pieces, np.int32)
    table = GapTable(
        timeline_index=zeros,
        start_ns=start_ns,
        end_ns=end_ns,
        cause_index=random.integers(0, len(IDLE_CAUSES), pieces).astype(np.int32),
        waiting_requests=zeros,
        confidence_index=zeros,
        runner_up_index=zeros - 1,
        evidence_row=zeros - 1,
    )
    busy_ns = window.duration_ns - int((end_ns - start_ns).sum())
    return Timeline("gpu", True, window, busy_ns), table


def test_intervals_are_the_window_in_order():
    series = series_of(make_report(make_gpu_analysis()), "intervals./device:GPU:0")
    starts, ends = series.values["start_ns"], series.values["end_ns"]
    assert starts == tuple(sorted(starts))
    assert (starts[0], ends[-1]) == (0, 100 * MS)
    assert starts[1:] == ends[:-1]
    assert series.values["state"][:3] == ("queue-executor", "preprocess", "busy")
    assert time_by_state(series)["busy"] == 34 * MS
    assert series.note == ""


def test_idle_time_by_length_counts_stretches_and_adds_up():
    """Pieces of 4 and 3 µs that touch are one stretch; one of 20 ms is alone."""
    timeline, table = make_gaps(3)
    start_ns, end_ns = np.array([500, 4_500, 100_000]), np.array([4_500, 7_500, 20_100_000])
    causes = np.array([IdleCause.PREPROCESS.index, IdleCause.INGRESS.index, 0], np.int32)
    table = replace(table, start_ns=start_ns, end_ns=end_ns, cause_index=causes)
    values = stretch_series(timeline, table, np.ones(3, np.bool_)).values
    rows = set(zip(*values.values(), strict=True))
    assert rows == {
        ("up to 10 µs", "preprocess", 4_000, 1, 7_000),
        ("up to 10 µs", "ingress", 3_000, 1, 7_000),
        ("10 to 100 ms", IDLE_CAUSES[0].value, 20_000_000, 1, 20_000_000),
    }
    none = stretch_series(timeline, table, np.zeros(3, np.bool_))
    assert none.values["length"] == ()


@pytest.mark.parametrize("rows_max", [10**6, 50])
def test_the_time_of_every_confidence_is_kept(rows_max):
    timeline, table = make_gaps(400)
    levels = np.arange(400) % len(CONFIDENCES)
    table = replace(table, confidence_index=levels.astype(np.int32))
    series = interval_series(timeline, table, np.ones(400, np.bool_), rows_max)
    found: Counter[str] = Counter()
    columns = (series.values[key] for key in ("confidence", "time_ns", "state"))
    for level, time_ns, state in zip(*columns, strict=True):
        assert (level == "") == (state == "busy")
        found[level] += time_ns
    for index, confidence in enumerate(CONFIDENCES):
        wanted = (table.end_ns - table.start_ns)[levels == index].sum()
        assert found[confidence.value] == wanted
    assert found[""] == timeline.busy_ns


@pytest.mark.parametrize("pieces", [1, 7, 300, 5000])
def test_many_intervals_are_summed_to_the_nanosecond(pieces):
    timeline, table = make_gaps(pieces)
    mine = np.ones(pieces, np.bool_)
    whole = interval_series(timeline, table, mine, rows_max=10**9)
    thin = interval_series(timeline, table, mine, rows_max=100)
    assert time_by_state(thin) == time_by_state(whole)
    assert time_by_state(whole)["busy"] == timeline.busy_ns
    assert sum(time_by_state(whole).values()) == timeline.window.duration_ns
    assert bool(thin.note) == (2 * pieces + 1 > 100)


def test_the_longest_intervals_stay_as_they_are_and_blocks_are_short():
    timeline, table = make_gaps(5000)
    series = interval_series(timeline, table, np.ones(5000, np.bool_), rows_max=1000)
    rows = list(zip(*(series.values[column.key] for column in series.columns), strict=True))
    whole = [row for row in rows if row[1] - row[0] == row[3]]
    assert len(whole) >= 500
    longest = np.sort(table.end_ns - table.start_ns)[-100:]
    assert set(longest.tolist()) <= {row[3] for row in whole}
    limit = timeline.window.duration_ns // SLICES + 10_000
    assert max(row[1] - row[0] for row in rows if row not in whole) <= limit
    assert series.note.startswith("500 of 10,001 intervals; the other 9,501 are shorter")


def test_a_window_without_anything_is_one_interval():
    window = Window(5, 5)
    _, table = make_gaps(1)
    series = interval_series(Timeline("gpu", True, window, 0), table, np.zeros(1, np.bool_))
    assert series.values["time_ns"] == ()


def test_requests_in_flight_are_steps():
    series = series_of(make_report(), "in_flight")
    assert series.kind == "steps"
    level = dict(zip(series.values["time_ns"], series.values["in_flight"], strict=True))
    assert [level[time * MS] for time in (0, 12, 20, 32, 40, 52)] == [1, 0, 1, 0, 1, 0]
    assert set(series.values["in_flight"]) == {0, 1}


def test_a_request_that_begins_as_another_ends_is_no_second_one():
    requests = make_requests()
    start_ns = np.array([0, 12 * MS, 24 * MS], np.int64)
    requests = replace(requests, start_ns=start_ns, end_ns=start_ns + 12 * MS)
    series = series_of(make_report(replace(make_analysis(), requests=requests)), "in_flight")
    assert max(series.values["in_flight"]) == 1


def test_many_requests_in_flight_are_mean_and_peak_by_slice():
    series = in_flight_series(make_analysis(), steps_max=2, slices=10)
    assert series.kind == "bars"
    assert series.values["start_ns"] == tuple(i * 10 * MS for i in range(10))
    assert series.values["in_flight"][:4] == (1.0, 0.2, 1.0, 0.2)
    assert series.values["peak"][:5] == (1, 1, 1, 1, 1)
    total = sum(mean * 10 * MS for mean in series.values["in_flight"])
    assert total == 3 * 12 * MS
    assert "slices" in series.note


def test_samples_lie_on_the_windows_axis_by_device_and_core_means():
    host = SampleSeries(
        "host",
        50 * MS,
        {"cpu_percent": "%", "memory_bytes": "bytes"},
        (
            {"unix_ns": ORIGIN_UNIX_NS + 2 * MS, "cpu_percent": [50.0, 100.0], "memory_bytes": 1},
            {"unix_ns": ORIGIN_UNIX_NS + 52 * MS, "cpu_percent": [10.0, 20.0]},
        ),
    )
    capture = replace(
        make_capture(), host_samples=host, clocks=(ClockSync("host", MS, 0),), window=Window(MS, 99)
    )
    report = make_report(make_analysis(capture=capture))
    series = series_of(report, "samples.host.cpu_percent")
    assert series.values == {"time_ns": (2 * MS, 52 * MS), "value": (75.0, 15.0)}
    gpus = series_of(make_report(make_gpu_analysis()), "samples.gpu.utilization_percent.0")
    assert gpus.values["value"] == (70, 80)


def test_rows_of_batches_come_by_the_reason_they_were_closed():
    series = series_of(make_report(), "batch_rows.4f3a0001")
    assert series.values == {
        "rows": (2, 3),
        "reason": ("timeout", "unknown"),
        "batches": (1, 1),
        "limit": (32, 32),
    }


def test_bars_by_percentile_add_up_to_their_requests():
    analysis = make_analysis()
    analysis = replace(analysis, requests=make_requests(n=200))
    series = series_of(make_report(analysis), "stages_by_percentile.convnet")
    bands = series.values["band"]
    assert set(bands) == {"mean", "p50", "p90", "p99"}
    for band in set(bands):
        times = [
            time for name, time in zip(bands, series.values["mean_ns"], strict=True) if name == band
        ]
        assert sum(times) == pytest.approx(12 * MS)
    counts = dict(zip(bands, series.values["requests"], strict=True))
    assert counts == {"mean": 199, "p50": 19, "p90": 9, "p99": 1}


def test_requests_are_queued_until_their_batch_is_taken():
    """Batches are taken at 9 and 29 ms, after 6 ms of waiting in the queue."""
    stage_ns = make_requests().stage_ns
    stage_ns[:, [Stage.QUEUE_FILL.index, Stage.QUEUE_THREAD.index, Stage.QUEUE_DISPATCH.index]] = (
        np.array([3, 2, 1]) * MS
    )
    requests = replace(
        make_requests(),
        stage_ns=stage_ns,
        batch_offsets=np.array([0, 1, 2, 2], np.int64),
        batch_index=np.array([0, 1], np.int32),
    )
    series = series_of(make_report(replace(make_analysis(), requests=requests)), "in_flight")
    assert series.values["time_ns"] == tuple(
        time * MS for time in (0, 3, 9, 12, 20, 23, 29, 32, 40, 52)
    )
    assert series.values["in_flight"] == (1, 1, 1, 0, 1, 1, 1, 0, 1, 0)
    assert series.values["queued"] == (0, 1, 0, 0, 0, 1, 0, 0, 0, 0)


def test_spans_of_requests_add_up_to_their_length():
    analysis = make_analysis()
    series = request_spans(analysis)
    stages = [column.key for column in series.columns if column.key.startswith("stage_")]
    sums = [sum(times) for times in zip(*(series.values[key] for key in stages), strict=True)]
    edges = zip(series.values["start_ns"], series.values["end_ns"], strict=True)
    assert sums == [end - start for start, end in edges]
    assert len(sums) == len(analysis.requests)
    assert series.note == ""


def test_batches_in_one_lane_never_overlap():
    analysis = make_analysis()
    batches = analysis.batches
    start_ns = np.array([10 * MS, 11 * MS], np.int64)
    batches = replace(batches, start_ns=start_ns, end_ns=start_ns + 5 * MS)
    series = batch_spans(replace(analysis, batches=batches))
    assert series.values["lane"] == (0, 1)
    batches = replace(batches, end_ns=start_ns + MS)
    assert batch_spans(replace(analysis, batches=batches)).values["lane"] == (0, 0)


def test_of_many_spans_the_longest_are_kept_and_no_part_of_the_window_is_empty():
    n = 50_000
    random = np.random.default_rng(1)
    start_ns = np.sort(random.integers(0, 400 * MS, n))
    duration_ns = random.integers(1, 1000, n)
    duration_ns[n // 2 : n // 2 + LONGEST] += 5000  # all in one slice of the window
    mine = chosen_spans(start_ns, start_ns + duration_ns, Window(0, 400 * MS), 4_000)
    assert len(mine) <= 4_000
    assert set(range(n // 2, n // 2 + LONGEST)) <= set(mine.tolist())
    assert set((start_ns[mine] // MS).tolist()) == set(range(400))
    assert (np.diff(start_ns[mine]) >= 0).all()


def test_a_source_that_is_absent_says_why():
    capture = make_capture()
    series = series_of(make_report(make_analysis(capture=capture)), "samples.gpu")
    assert series.values == {"time_ns": (), "value": ()}
    assert series.note == f"not known: {capture.gpu_samples.reason}"
