"""A trace as ten readable lines in, the report's ledger out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.report.build import build_report
from diag.report.formats import FORMATS, RenderOptions
from diag.tables.registry import table
from diag.testing.xspace_builder import build_space

if TYPE_CHECKING:
    from pathlib import Path

    from diag.analysis.result import Analysis

TWO_REQUESTS_IN_ONE_BATCH = """
    env profile_start_time=1700000000000000000
    plane /host:CPU
    line grpcpp_sync_ser_1
      BatchingSessionRun 0..12000us
        ScheduleWithoutSplit 5..20us batching_input_task_size=1
          ScheduleOutputTask 10..15us size=1 _p=4294967296
    line grpcpp_sync_ser_2
      BatchingSessionRun 2000..12100us
        ScheduleWithoutSplit 2005..2020us batching_input_task_size=1
          ScheduleOutputTask 2010..2015us size=1 _p=4294967296
    line batch_threads_1
      ProcessBatch 8010..11900us _c=4294967296 batch_size_before_padding=2
        MergeInputTensors 8020..8100us
        SessionRun 8110..11800us _r=1 _p=77
    line tf_Compute_1
      ExecutorState::Process 8200..11700us _c=77 id=77
        MatMul:MatMul 8210..11690us
"""


def analyze_text(text: str, folder: Path) -> Analysis:
    path = folder / "small.xplane.pb"
    path.write_bytes(build_space(text))
    return analyze(open_bundle(path))


def section(text: str, heading: str) -> list[str]:
    """The lines from a heading to the next empty line."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(heading))
    return lines[first : lines.index("", first)]


def test_two_requests_in_one_batch(tmp_path):
    analysis = analyze_text(TWO_REQUESTS_IN_ONE_BATCH, tmp_path)
    report = build_report(analysis)
    text = FORMATS["text"].render(report, RenderOptions())

    ledger = section(text, "Where the time of queue 00000001 goes")
    assert ledger[2:12] == [
        "stage               share  mean ms  p50 ms  p90 ms  p99 ms  tail ms",
        "request            100.0%     11.1     n/a     n/a     n/a      n/a",
        "queueing            64.2%     7.09                              n/a",
        "  queue-fill        63.3%     7.00     n/a     n/a     n/a      n/a",
        "  queue-executor     0.8%    0.090     n/a     n/a     n/a      n/a",
        "batching             3.3%    0.360                              n/a",
        "  schedule           0.1%    0.010     n/a     n/a     n/a      n/a",
        "  batch-formation    0.9%    0.100     n/a     n/a     n/a      n/a",
        "  batch-split        2.3%    0.250     n/a     n/a     n/a      n/a",
        "compute             32.6%     3.60     n/a     n/a     n/a      n/a",
    ]
    assert "Requests\n2 complete.\n" in text
    assert "[estimated-parameters]" in text


def test_two_requests_in_one_batch_as_rows(tmp_path):
    analysis = analyze_text(TWO_REQUESTS_IN_ONE_BATCH, tmp_path)
    columns = {column.info.name: column.cells() for column in table(analysis, "requests").columns}
    assert columns["start_unix_ns"] == [1_700_000_000_000_000_000, 1_700_000_000_002_000_000]
    assert columns["duration_ns"] == [12_000_000, 10_100_000]
    assert columns["batch_ids"] == [(4294967296,), (4294967296,)]
    assert columns["stage_queue_fill_ns"] == [8_000_000, 6_000_000]
    assert columns["stage_queue_executor_ns"] == [90_000, 90_000]
    assert columns["stage_schedule_ns"] == [10_000, 10_000]
    assert columns["stage_batch_formation_ns"] == [100_000, 100_000]
    assert columns["stage_batch_split_ns"] == [200_000, 300_000]
    assert columns["stage_compute_ns"] == [3_600_000, 3_600_000]
