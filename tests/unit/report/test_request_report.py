"""The report of single requests: which are chosen, and what each line says."""

from __future__ import annotations

import re

import pytest

from diag.analysis import Analysis, analyze
from diag.errors import UsageError
from diag.formats.source import open_bundle
from diag.model.capture import BatchingParameters
from diag.report.rendering import render
from diag.report.request_report import build_request_report
from tests.conftest import sample_path
from tests.unit.analysis.test_request_paths import BATCHED
from tests.unit.analysis.traces import analyzed
from tests.unit.report.factory import make_analysis


def batched() -> Analysis:
    return analyzed(
        BATCHED,
        BatchingParameters(max_batch_size=8, batch_timeout_micros=500, num_batch_threads=1),
    )


def test_the_whole_way_of_one_request() -> None:
    text = render(build_request_report(batched(), requests=[0]), width=200)
    _, _, shown = text.partition("Request 0\n")
    lines = [" | ".join(re.split(r"  +", line.strip())) for line in shown.splitlines()[:-1]]
    assert lines == [
        "queue aaaa0000: 2.00 ms, from 0.000 to 2.000 ms. It has 1 row.",
        "stage | at ms | time ms | thread | batch | what | longest op | op ms",
        "schedule | 0.000 | 0.050 | grpc-1 | put into its queue",
        "queue-fill | 0.050 | 0.500 | 0 | waited until its batch timed out",
        "queue-dispatch | 0.550 | 0.050 | 0 | waited for the scheduler's next check",
        (
            "batch-formation | 0.600 | 0.100 | batch/1 | 0 | "
            "batch of 3 rows of 2 requests, padded to 4"
        ),
        "queue-executor | 0.700 | 0.100 | 0 | waited for a thread of the inter-op pool",
        "compute | 0.800 | 1.00 | batch/1 | 0 | b:MatMul | 0.590",
        "batch-split | 1.800 | 0.200 | grpc-1 | 0 | results handed back",
    ]


def test_the_slowest_are_listed_before_the_way_of_each() -> None:
    report = build_request_report(batched(), slowest_count=10)
    assert [row["request"] for row in report.table("shown_requests").rows] == [0, 1]
    assert report.table("shown_requests").rows[1] == {
        "request": 1,
        "at": "0.400",
        "start_ns": 400_000,
        "start_unix_ns": report.table("shown_requests").rows[1]["start_unix_ns"],
        "duration_ns": 1_500_000,
        "main_stage": "compute",
        "main_stage_ns": 1_000_000,
        "rows": 2,
        "batch_rows": 4,
    }
    stages = report.table("shown_request_stages")
    assert stages.rows[0]["queue_fill_ns"] == 500_000
    assert "launch_ns" not in stages.rows[0]
    assert [section.title for section in report.sections] == [
        "The slowest requests",
        "Request 0",
        "Request 1",
    ]


def test_requests_open_at_an_instant() -> None:
    report = build_request_report(batched(), at_ns=1_950_000)
    assert [section.title for section in report.sections] == [
        "Requests open at 1.950 ms",
        "Request 0",
    ]
    nobody = build_request_report(batched(), at_ns=5_000_000)
    assert nobody.sections[0].notes[0].text == "none: no request is open then."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "and one of them only"),
        ({"requests": [0], "at_ns": 5}, "and one of them only"),
        ({"requests": [2]}, "there is no request 2: the recording has the requests 0 to 1"),
        ({"requests": [-1]}, "there is no request -1"),
        ({"slowest_count": 101}, "`slowest_count` is 101; 1 to 100 are possible"),
        ({"requests": [0] * 101}, "101 requests are asked for; 1 to 100 are possible"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_request_report(batched(), **arguments)  # type: ignore[arg-type]
    assert message in caught.value.message


def test_a_recording_without_requests_says_so() -> None:
    analysis = analyzed("line x\n  something 0..5us\n")
    report = build_request_report(analysis, slowest_count=10)
    assert report.sections[0].notes[0].text == "none was recorded."
    with pytest.raises(UsageError, match="there is no request 0: it recorded none"):
        build_request_report(analysis, requests=[0])


def test_an_analysis_without_paths_says_so() -> None:
    report = build_request_report(make_analysis(), requests=[0])
    assert report.sections[0].notes[-1].text == "n/a: built by hand."


@pytest.mark.parametrize("format_", ["text", "markdown", "json", "csv"])
def test_every_format_has_the_lines(format_: str) -> None:
    analysis = analyze(open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"))
    text = render(build_request_report(analysis, slowest_count=2), format_)
    assert "DecodeJpeg" in text
    assert "preprocess" in text
