"""From the lines of a trace with GPUs to its tables and its report."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest

from diag.report.build import build_report
from diag.report.formats._json_document import published_schema
from diag.tables.registry import table
from tests.unit.analysis.test_device_work import ONE_STEP
from tests.unit.analysis.traces import analyzed
from tests.unit.report.rendering import json_of, markdown_of, text_of

SECOND_GPU = """
plane /device:GPU:1
stat device_type_string="NVIDIA V100"
line Stream #16(Compute)
  gemm 100..150us correlation_id=99
"""
NO_EVENT = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 50..700us id=1 _c=1
    m:MatMul 60..600us
plane /device:GPU:0
line Stream #16(Compute)
"""
TRACES = {"one": ONE_STEP, "two": ONE_STEP + SECOND_GPU, "silent": NO_EVENT}


def exported(name: str, trace: str) -> list[dict[str, str]]:
    text = table(analyzed(trace), name).encode("csv").decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_device_of_one_step():
    (row,) = exported("devices", ONE_STEP)
    assert {key: row[key] for key in list(row)[:6]} == {
        "device": "/device:GPU:0",
        "window_ns": "1000000",
        "busy_ns": "320000",
        "kernel_ns": "240000",
        "copy_ns": "80000",
        "memset_ns": "0",
    }
    assert (row["idle_ns"], row["kernels"], row["copies"], row["unlinked"]) == (
        "680000",
        "2",
        "2",
        "0",
    )


def test_busy_and_gaps_of_each_device_are_the_window():
    devices = exported("devices", TRACES["two"])
    gaps = exported("gaps", TRACES["two"])
    assert [device["device"] for device in devices] == ["/device:GPU:0", "/device:GPU:1"]
    for device in devices:
        idle_ns = sum(int(g["duration_ns"]) for g in gaps if g["device"] == device["device"])
        assert idle_ns == int(device["idle_ns"])
        assert idle_ns + int(device["busy_ns"]) == int(device["window_ns"])
    assert devices[1]["unlinked"] == "1"


def test_what_shows_a_gaps_cause_is_an_event_of_the_trace():
    gaps = exported("gaps", ONE_STEP)
    shown = [gap for gap in gaps if gap["evidence_event"]]
    assert shown
    for gap in shown:
        assert gap["evidence_event"] in ONE_STEP
        assert f"line {gap['evidence_thread']}\n" in ONE_STEP


def test_planes_without_events_claim_nothing():
    (row,) = exported("devices", NO_EVENT)
    assert (row["busy_ns"], row["idle_ns"], row["kernels"]) == ("", "", "0")
    assert {gap["device"] for gap in exported("gaps", NO_EVENT)} == {"cpu-execution"}
    analysis = analyzed(NO_EVENT)
    text = text_of(build_report(analysis))
    assert "GPU" in text[text.index("confidence:") :]


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_every_trace_makes_a_whole_report(trace):
    analysis = analyzed(trace)
    report = build_report(analysis)
    document = json.loads(json_of(report))
    jsonschema.validate(document, json.loads(published_schema()))
    tables = {table["id"]: table for each in document["sections"] for table in each["tables"]}
    assert len(tables["devices"]["rows"]) == trace.count("plane /device:GPU:")
    assert markdown_of(report)
    assert "\nGPUs, shares of the window\n" in text_of(report, width=80)
