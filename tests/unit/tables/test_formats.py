"""The tables: exact columns, exact sums, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace

import pytest

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.tables.names import TABLE_NAMES
from diag.tables.registry import table
from tests.unit.report.factory import (
    BIG_BATCH_ID,
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_requests,
    make_rich_capture,
)
from tests.unit.report.rendering import HOSTILE_NAMES, is_printable

REQUEST_HEADER = (
    "start_unix_ns,end_unix_ns,duration_ns,rows,model,mode,complete,batch_ids,linked_by,"
    "stage_preprocess_ns,stage_queue_fill_ns,stage_queue_thread_ns,stage_queue_dispatch_ns,"
    "stage_queue_executor_ns,stage_schedule_ns,stage_batch_formation_ns,stage_batch_split_ns,"
    "stage_transfer_in_ns,stage_launch_ns,stage_compute_ns,stage_device_wait_ns,"
    "stage_transfer_out_ns,stage_postprocess_ns,stage_unattributed_ns"
)


def encoded(format_: str, analysis: Analysis, name: str) -> str:
    return table(analysis, name).encode(format_).decode()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read_jsonl(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_table_of_requests_to_the_letter():
    text = encoded("csv", make_analysis(), "requests")
    tail = "batch-id,,8000000,0,0,0,1000000,0,0,0,0,3000000,0,0,0,0"
    ids = "9223372036854775813;0"
    kind = "convnet,batching-session"
    assert text.splitlines() == [
        REQUEST_HEADER,
        f"1700000000000000123,1700000000012000123,12000000,1,{kind},true,{ids},{tail}",
        f"1700000000020000123,1700000000032000123,12000000,,{kind},false,{ids},{tail}",
        f"1700000000040000123,1700000000052000123,12000000,3,{kind},true,,{tail}",
    ]


def test_stages_add_up_to_the_duration_in_every_row():
    rows = read_csv(encoded("csv", make_analysis(), "requests"))
    assert len(rows) == 3
    for row in rows:
        stages = [int(value or 0) for key, value in row.items() if key.startswith("stage_")]
        assert len(stages) == 15
        assert sum(stages) == int(row["duration_ns"])
        assert int(row["end_unix_ns"]) - int(row["start_unix_ns"]) == int(row["duration_ns"])


def test_time_in_an_unknown_stage_is_never_dropped_from_a_row():
    analysis = make_analysis()
    requests = analysis.requests
    requests.stage_ns[0, 0] = 5
    requests.stage_ns[0, -1] -= 5
    rows = read_csv(encoded("csv", replace(analysis, requests=requests), "requests"))
    assert [row["stage_preprocess_ns"] for row in rows] == ["5", "", ""]


def test_without_an_origin_the_wall_clock_is_empty_and_durations_stay():
    capture = replace(make_capture(), origin_unix_ns=Unavailable("no start time"))
    analysis = make_analysis(capture=capture)
    rows = read_csv(encoded("csv", analysis, "requests"))
    assert {row["start_unix_ns"] + row["end_unix_ns"] for row in rows} == {""}
    assert {row["duration_ns"] for row in rows} == {str(12 * MS)}
    assert read_jsonl(encoded("jsonl", analysis, "requests"))[0]["start_unix_ns"] is None


def test_an_origin_near_the_end_of_time_does_not_overflow():
    capture = replace(make_capture(), origin_unix_ns=2**63 - 1)
    rows = read_csv(encoded("csv", make_analysis(capture=capture), "requests"))
    assert int(rows[2]["start_unix_ns"]) == 2**63 - 1 + 40 * MS


def test_json_lines_keep_big_numbers_exact_as_strings():
    first = read_jsonl(encoded("jsonl", make_analysis(), "requests"))[0]
    assert first["start_unix_ns"] == str(ORIGIN_UNIX_NS)
    assert first["batch_ids"] == [str(BIG_BATCH_ID), "0"]
    assert first["stage_preprocess_ns"] is None
    assert first["stage_queue_fill_ns"] == 8 * MS
    assert first["complete"] is True


def test_the_table_of_batches():
    first, second = read_csv(encoded("csv", make_analysis(), "batches"))
    assert first == {
        "id": str(BIG_BATCH_ID),
        "queue": "4f3a0001",
        "model": "convnet",
        "start_unix_ns": str(ORIGIN_UNIX_NS + 9 * MS),
        "end_unix_ns": str(ORIGIN_UNIX_NS + 12 * MS),
        "duration_ns": str(3 * MS),
        "run_start_unix_ns": str(ORIGIN_UNIX_NS + 9 * MS + 1),
        "run_end_unix_ns": str(ORIGIN_UNIX_NS + 12 * MS - 1),
        "rows": "2",
        "padded_rows": "4",
        "tasks": "2",
        "first_enqueue_unix_ns": str(ORIGIN_UNIX_NS + MS),
        "ready_unix_ns": str(ORIGIN_UNIX_NS + 9 * MS),
        "close_reason": "timeout",
        "max_batch_size": "32",
        "max_batch_size_origin": "file",
        "batch_timeout_ns": str(10 * MS),
        "batch_timeout_origin": "estimated",
        "num_batch_threads": "",
        "num_batch_threads_origin": "",
    }
    unknown = ("run_start_unix_ns", "padded_rows", "first_enqueue_unix_ns", "ready_unix_ns")
    assert [second[name] for name in unknown] == [""] * 4
    assert second["id"] == "0"


def test_the_table_of_gaps():
    rows = read_csv(encoded("csv", make_analysis(), "gaps"))
    assert [(row["cause"], row["starvation"], row["waiting_requests"]) for row in rows] == [
        ("queue-fill", "true", "2"),
        ("no-demand", "false", "0"),
        ("queue-fill", "true", "1"),
    ]


def test_the_table_of_samples_has_a_row_a_number():
    rows = read_csv(encoded("csv", make_analysis(capture=make_rich_capture()), "samples"))
    assert len(rows) == 6
    assert rows[1] == {
        "source": "host",
        "unix_ns": str(ORIGIN_UNIX_NS),
        "field": "cpu_percent",
        "index": "1",
        "value": "100.0",
        "unit": "%",
        "device": "",
        "taken_by": "diag",
    }


def test_a_table_without_rows_has_its_header():
    header = "source,unix_ns,field,index,value,unit,device,taken_by\n"
    assert encoded("csv", make_analysis(), "samples") == header
    assert encoded("jsonl", make_analysis(), "samples") == ""


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_stay_in_their_cell(name):
    analysis = make_analysis(name)
    text = encoded("csv", analysis, "requests")
    assert is_printable(text)
    rows = read_csv(text)
    assert len(rows) == 3
    assert len({row["model"] for row in rows}) == 1
    assert not rows[0]["model"].startswith(("=", "+", "-", "@"))
    lines = read_jsonl(encoded("jsonl", analysis, "requests"))
    assert len(lines) == 3
    assert lines[0]["model"] == name.encode("utf-8", "backslashreplace").decode()


def test_every_named_table_can_be_made():
    assert [table(make_analysis(), name).name for name in TABLE_NAMES] == list(TABLE_NAMES)


def test_a_hundred_thousand_requests_are_written_in_seconds():
    analysis = replace(make_analysis(), requests=make_requests(n=100_000))
    started = time.perf_counter()
    text = encoded("csv", analysis, "requests")
    assert text.count("\n") == 100_001
    assert time.perf_counter() - started < 8
