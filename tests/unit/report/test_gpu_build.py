"""A Report of GPUs holds what the Analysis says, with the sums that are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.model.availability import Unavailable
from diag.model.gaps import LongGap
from tests.unit.report.factory import (
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_report,
)
from tests.unit.report.gpu_factory import make_gpu_analysis, make_silent_device
from tests.unit.report.test_build import rows_by, value_of


def test_a_devices_shares_are_of_the_window_and_add_up():
    (device,) = make_report(make_gpu_analysis()).table("devices").rows
    assert device["busy"] + device["idle"] == pytest.approx(1)
    assert device["kernel"] + device["copy"] + device["memset"] == pytest.approx(device["busy"])
    assert (device["starved"], device["no_demand"], device["sampled"]) == (0.26, 0.34, 0.75)
    assert device["busy_ns"] + device["idle_ns"] == device["window_ns"]


def test_what_a_silent_device_lacks_keeps_its_reason():
    report = make_report(replace(make_analysis(), devices=(make_silent_device(),)))
    (device,) = report.table("devices").rows
    values = [device["busy_ns"], device["busy"], device["idle"]]
    assert [isinstance(value, Unavailable) for value in values] == [True] * 3
    assert isinstance(report.table("device_work").rows[0]["bytes_in"], Unavailable)


def test_idle_time_is_split_by_confidence_and_adds_up():
    report = make_report(make_gpu_analysis())
    rows = rows_by(report.table("idle"), "cause")
    for row in rows.values():
        assert row["high_ns"] + row["medium_ns"] + row["low_ns"] == row["idle_ns"]
    assert (rows["preprocess"]["high_ns"], rows["preprocess"]["medium_ns"]) == (17 * MS, 4 * MS)
    assert (rows["launch"]["confidence"], rows["preprocess"]["confidence"]) == ("medium", "high")
    facts = {fact.key: fact.value for fact in report.section("idle").notes[2].facts}
    assert facts == {"high": 56 * MS, "medium": 8 * MS, "low": 2 * MS}


def test_the_runner_up_is_the_one_with_most_time():
    rows = rows_by(make_report(make_gpu_analysis()).table("idle"), "cause")
    preprocess = rows["preprocess"]
    assert (preprocess["runner_up"], preprocess["runner_up_ns"]) == ("queue-fill", 17 * MS)
    assert "runner_up" not in rows["no-demand"]


def test_waiting_and_recoverable_time_are_passed_on():
    (row,) = make_report(make_gpu_analysis()).table("idle_overview").rows
    assert row["waiting_ns"] == 32 * MS
    assert row["recoverable_ns_per_second"] == 260 * MS


def test_a_long_gap_tells_when_how_long_why_and_who_waited():
    report = make_report(make_gpu_analysis())
    gap = rows_by(report.table("longest_gaps"), "gap")[1]
    assert (gap["offset_ns"], gap["idle_ns"], gap["waiting_requests"]) == (0, 22 * MS, 12)
    assert (gap["main_cause"], gap["main_cause_ns"]) == ("preprocess", 17 * MS)
    assert gap["start_unix_ns"] == str(ORIGIN_UNIX_NS)
    first, second, *_ = report.table("longest_gap_requests").rows
    assert (first["request"], first["doing"], first["doing_ns"]) == (0, "preprocess", 6 * MS)
    assert second["request"] == Unavailable("the window cut this request")
    assert second["doing_ns"] == 11 * MS


def test_pieces_of_a_long_gap_with_one_cause_are_summed():
    rows = make_report(make_gpu_analysis()).table("longest_gap_causes").rows
    assert [(row["cause"], row["idle_ns"]) for row in rows if row["gap"] == 2] == [
        ("preprocess", 4 * MS),
        ("launch", 2 * MS),
    ]


def test_long_gaps_go_to_their_own_timeline():
    analysis = replace(make_gpu_analysis(devices=2), longest_gaps=(LongGap(1, 0, MS, (), (), 0),))
    (row,) = make_report(analysis).table("longest_gaps").rows
    assert row["timeline"] == "/device:GPU:1"


def test_rows_that_no_event_tells_are_not_minus_one():
    report = make_report(make_gpu_analysis())
    rows = [row["rows"] for row in report.table("device_time_by_rows").rows]
    assert isinstance(rows[0], Unavailable)
    assert rows[1:] == [4, 8]
    assert report.section("device_cost").series[0].values["rows"] == (4, 8)


def test_each_device_is_sampled_by_itself():
    report = make_report(make_gpu_analysis())
    (source,) = report.table("sample_sources").rows
    assert (source["taken_by"], source["cpu"]) == ("gpu-7:9500", 0.005)
    found = {(row["device"], row["field"]): row for row in report.table("samples").rows}
    assert found["0 (NVIDIA H200)", "utilization_percent"]["mean"] == 75
    assert found["1 (NVIDIA H200, MIG)", "utilization_percent"]["mean"] == Unavailable(
        "not available in MIG mode"
    )
    limits = [(row["reason"], row["share"]) for row in report.table("clock_limits").rows]
    assert limits[:2] == [("sw-power-cap", 1.0), ("sw-thermal-slowdown", 0.5)]


def test_an_exporter_that_was_asked_for_and_failed_says_why():
    why = Unavailable("http://host:9400/metrics: connection refused")
    capture = replace(
        make_capture(), dcgm_samples=why, manifest={"sources": {"dcgm": {"status": "unavailable"}}}
    )
    notes = make_report(make_analysis(capture=capture)).section("measurements").notes
    assert f"dcgm samples: {why.reason}" in [note.text for note in notes]


def test_an_exporter_that_was_not_asked_for_is_not_missed():
    capture = replace(make_capture(), manifest={"sources": {"gpu": {"status": "ok"}}})
    notes = make_report(make_analysis(capture=capture)).section("measurements").notes
    assert "dcgm" not in "".join(note.text for note in notes)


def test_clock_and_losses_of_the_tracer_are_kept():
    report = make_report(make_gpu_analysis())
    assert value_of(report, "device_tracer", "dropped") == 7
    assert value_of(report, "device_tracer", "early") == 12
    assert value_of(report, "device_tracer", "clock_error_ns") == 15_000
    assert value_of(report, "device_tracer", "reason") == "out of buffers"


def test_processes_on_a_gpu_are_kept():
    (row,) = make_report(make_gpu_analysis()).table("gpu_processes").rows
    assert (row["pid"], row["name"], row["share"], row["memory_bytes"]) == (
        4711,
        "python3",
        0.5,
        2**30,
    )
