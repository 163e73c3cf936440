"""The tables about GPUs, to the letter."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.tables.registry import table as make_table
from tests.unit.report.factory import MS, ORIGIN_UNIX_NS, make_analysis, make_capture
from tests.unit.report.gpu_factory import (
    TANH,
    make_gpu_analysis,
    make_gpu_capture,
    make_silent_device,
)
from tests.unit.report.rendering import HOSTILE_NAMES, is_printable


def encoded(format_: str, analysis: Analysis, name: str) -> str:
    return make_table(analysis, name).encode(format_).decode()


def exported(table: str, analysis=None) -> list[dict[str, str]]:
    text = encoded("csv", make_gpu_analysis() if analysis is None else analysis, table)
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_of_devices_to_the_letter():
    text = encoded("csv", make_gpu_analysis(devices=2), "devices")
    header = (
        "device,window_ns,busy_ns,kernel_ns,copy_ns,memset_ns,idle_ns,starved_ns,no_demand_ns,"
        "kernels,copies,memsets,unlinked,bytes_in,bytes_out,overhead_ns,device_model"
    )
    row = (
        "100000000,34000000,24000000,9000000,1000000,66000000,26000000,34000000,"
        "1200,2,1,3,3145728,4096,2000000,NVIDIA H200"
    )
    assert text.splitlines() == [
        header,
        f"/device:GPU:0,{row}",
        f"/device:GPU:1,{row}",
    ]


def test_what_is_not_known_of_a_device_is_empty_or_null_and_never_0():
    analysis = replace(make_analysis(), devices=(make_silent_device(),))
    (row,) = exported("devices", analysis)
    known = {key: value for key, value in row.items() if value}
    assert known == {
        "device": "/device:GPU:0",
        "window_ns": str(100 * MS),
        "kernels": "0",
        "copies": "0",
        "memsets": "0",
        "unlinked": "0",
    }
    (line,) = encoded("jsonl", analysis, "devices").splitlines()
    assert json.loads(line)["busy_ns"] is None


def test_without_gpus_their_tables_have_headers_only():
    for table in ("devices", "kernels", "costs"):
        assert encoded("csv", make_analysis(), table).count("\n") == 1


def test_the_table_of_gaps_begins_with_its_promised_columns():
    assert list(make_table(make_gpu_analysis(), "gaps").names[:7]) == [
        "device",
        "start_unix_ns",
        "end_unix_ns",
        "cause",
        "confidence",
        "runner_up",
        "waiting_requests",
    ]


def test_a_gap_has_its_confidence_its_runner_up_and_the_event_that_shows_it():
    first, second, *_ = exported("gaps")
    assert second == {
        "device": "/device:GPU:0",
        "start_unix_ns": str(ORIGIN_UNIX_NS + 5 * MS),
        "end_unix_ns": str(ORIGIN_UNIX_NS + 22 * MS),
        "cause": "preprocess",
        "confidence": "high",
        "runner_up": "queue-fill",
        "waiting_requests": "1",
        "duration_ns": str(17 * MS),
        "starvation": "true",
        "evidence_event": "Schedule",
        "evidence_thread": "grpc-1",
        "evidence_start_unix_ns": str(ORIGIN_UNIX_NS + MS),
        "evidence_end_unix_ns": str(ORIGIN_UNIX_NS + 9 * MS),
    }
    empty = ("runner_up", "evidence_event", "evidence_thread", "evidence_start_unix_ns")
    assert [first[name] for name in empty] == [""] * 4


def test_without_an_origin_a_gaps_evidence_still_has_its_name():
    capture = replace(make_capture(), origin_unix_ns=Unavailable("no start time"))
    row = exported("gaps", replace(make_gpu_analysis(), capture=capture))[1]
    assert (row["evidence_event"], row["evidence_start_unix_ns"]) == ("Schedule", "")


def test_the_table_of_kernels_holds_whole_names_then_ops():
    rows = exported("kernels")
    assert [(r["kind"], r["name"], r["op"], r["events"], r["total_ns"]) for r in rows] == [
        ("kernel", TANH, "m:Tanh", "900", str(14 * MS)),
        ("kernel", "gemm", "", "300", str(10 * MS)),
        ("op", "convnet:Tanh", "", "900", str(14 * MS)),
    ]


def test_the_table_of_costs_is_the_curve():
    text = encoded("csv", make_gpu_analysis(), "costs")
    assert text.splitlines() == [
        "model,rows,runs,mean_ns,p10_ns,p50_ns,p90_ns",
        "convnet,,3,500000.0,,,",
        "convnet,4,30,2000000.0,1900000,2000000,2100000",
        "convnet,8,12,3000000.0,,3000000,",
    ]


def test_samples_of_devices_have_no_row_for_what_a_device_does_not_give():
    rows = exported("samples", make_analysis(capture=make_gpu_capture()))
    found = [(r["field"], r["index"], r["value"], r["unit"], r["device"]) for r in rows]
    assert found == [
        ("utilization_percent", "0", "70", "%", "GPU-0123"),
        ("power_mw", "0", "300000", "mW", "GPU-0123"),
        ("power_mw", "1", "90000", "mW", "NVIDIA H200"),
        ("throttle_reasons", "0", "4", "bit mask", "GPU-0123"),
        ("throttle_reasons", "1", "1", "bit mask", "NVIDIA H200"),
        ("processes.memory_bytes", "0.4711", str(2**30), "bytes", "GPU-0123"),
        ("processes.sm_percent", "0.4711", "50", "%", "GPU-0123"),
        ("utilization_percent", "0", "80", "%", "GPU-0123"),
        ("throttle_reasons", "0", "36", "bit mask", "GPU-0123"),
        ("throttle_reasons", "1", "1", "bit mask", "NVIDIA H200"),
    ]
    assert {row["taken_by"] for row in rows} == {"gpu-7:9500"}


def test_samples_of_an_exporter_are_rows_too():
    gpu = make_gpu_capture().gpu_samples
    capture = replace(make_capture(), dcgm_samples=replace(gpu, source="dcgm"))
    rows = exported("samples", make_analysis(capture=capture))
    assert {row["source"] for row in rows} == {"dcgm"}
    assert len(rows) == 10


@pytest.mark.parametrize("table", ["devices", "gaps", "kernels", "costs", "samples"])
@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_stay_in_their_cell(table, name):
    made = make_table(make_gpu_analysis(name), table)
    text = made.encode("csv").decode()
    assert is_printable(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(made.columns)}
    lines = made.encode("jsonl").decode().splitlines()
    assert len(lines) == len(rows) - 1 == len(made)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
