"""One small GPU trace, and the one true story of it, in exact numbers.

A request of 12 ms every 20 ms: 4 ms until its batch is taken, half of the batch padding, a kernel
of 3 ms, the GPU 15 % busy.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diag.findings import conclude, find
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES
from diag.testing.xspace_builder import build_space
from tests.unit.analysis.traces import analyzed, gaps_us, tiles_exactly

if TYPE_CHECKING:
    from diag.analysis import Analysis

PERIODS = 50
PERIOD_US = 20_000
MS = 1_000_000
QUEUE = 0x5EED0000 << 32

STAGES_MS = {
    "schedule": 1,
    "queue-fill": 3,
    "batch-formation": 1,
    "preprocess": 1,
    "compute": 3,
    "postprocess": 1,
    "batch-split": 2,
}
GAPS_MS = [
    (0, 1, "unexplained"),  # getting into the queue
    (1, 4, "queue-fill"),
    (4, 5, "batch-threads-in-host-work"),
    (5, 6, "preprocess"),
    (9, 12, "sync-or-output"),
    (12, 20, "no-demand"),
]


def probe() -> str:
    """The period's text, so many times, line by line."""
    text = Path(__file__).with_name("probe.txt").read_text()
    head, lines = "", defaultdict[str, list[str]](list)
    for words in text.splitlines():
        if words.startswith(("#", "plane")):
            head = words if words.startswith("plane") else head
        elif words.startswith("line"):
            name = f"{head}\n{words}" if head else words
            head = ""
        else:
            lines[name] += [words]
    return "\n".join(
        "\n".join([name, *(at_period(words, n) for n in range(PERIODS) for words in events)])
        for name, events in lines.items()
    )


def at_period(words: str, number: int) -> str:
    """An event of the first period, in another."""
    shift = number * PERIOD_US

    def later(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + shift}" + (
            f"..{int(found[3]) + shift}us" if found[3] else "us"
        )

    moved = re.sub(r"( @?)(\d+)(?:\.\.(\d+))?us", later, words, count=1)
    return moved.replace("$", str(QUEUE + number + 1))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyzed(probe())


def test_the_request_is_tiled_into_its_stages(analysis: Analysis) -> None:
    assert tiles_exactly(analysis)
    assert analysis.counts.complete == PERIODS
    for row in analysis.requests.stage_ns:
        assert {s.value: row[s.index] / MS for s in STAGES if row[s.index]} == STAGES_MS
    assert sum(STAGES_MS.values()) == 12


def test_the_gpu_is_busy_for_15_percent(analysis: Analysis) -> None:
    (timeline,) = analysis.timelines
    assert (timeline.name, timeline.window.duration_ns) == ("/device:GPU:0", 1000 * MS)
    assert timeline.busy_ns == 150 * MS
    (device,) = analysis.devices
    assert (device.busy_ns, device.kernel_ns, device.copy_ns) == (150 * MS, 150 * MS, 0)
    assert (device.idle_ns, device.no_demand_ns) == (850 * MS, 400 * MS)
    assert (device.kernels, device.unlinked) == (PERIODS, 0)


def test_idle_time_is_told_by_cause_and_adds_up(analysis: Analysis) -> None:
    expected = [
        (1000 * low + PERIOD_US * n, 1000 * high + PERIOD_US * n, cause)
        for n in range(PERIODS)
        for low, high, cause in GAPS_MS
    ]
    assert gaps_us(analysis) == expected
    (idle,) = analysis.idle
    assert idle.idle_ns == 850 * MS
    assert {cause.value: ns // MS for cause, ns in idle.by_cause_ns.items() if ns} == {
        "unexplained": 50,
        "queue-fill": 150,
        "batch-threads-in-host-work": 50,
        "preprocess": 50,
        "sync-or-output": 150,
        "no-demand": 400,
    }
    assert (idle.starved_ns, idle.waiting_ns) == (250 * MS, 450 * MS)
    assert idle.recoverable_ns_per_second == pytest.approx(250 * MS)
    assert idle.starved_ns == sum(
        ns for cause, ns in idle.by_cause_ns.items() if cause.is_starvation
    )
    assert IdleCause.NO_DEMAND not in {c for c in IdleCause if c.is_starvation}


def test_half_of_the_batch_is_padding_and_has_its_price(analysis: Analysis) -> None:
    (queue,) = analysis.queues
    assert (queue.batches, queue.rows_mean, queue.padding_ratio) == (PERIODS, 4, 0.5)
    (cost,) = analysis.device_costs
    (point,) = cost.curve
    assert (point.rows, point.runs, point.mean_ns, point.p50_ns) == (8, PERIODS, 3 * MS, 3 * MS)
    assert (cost.requests, cost.device_ns_per_request, cost.kernels_per_request) == (
        PERIODS,
        3 * MS,
        1,
    )
    assert (cost.padding_ns, cost.padding_is_bound) == (75 * MS, True)


def test_the_kernel_belongs_to_its_op(analysis: Analysis) -> None:
    (kernel,) = analysis.kernels
    assert (kernel.name, kernel.op, kernel.count, kernel.total_ns) == (
        "gemm",
        "dense:MatMul",
        PERIODS,
        150 * MS,
    )


def test_the_verdict_names_the_wait(analysis: Analysis) -> None:
    verdict = conclude(analysis, find(analysis))
    assert verdict.cause == "queue-fill"
    assert "was idle 85% of the window" in verdict.sentence
    assert "40% with no open request" in verdict.sentence
    assert "15% waiting for batches to fill" in verdict.sentence


def test_the_command_tells_the_same_story(tmp_path: Path, analysis: Analysis) -> None:
    trace = tmp_path / "probe.xplane.pb"
    trace.write_bytes(build_space(probe()))
    command = [sys.executable, "-m", "diag", "analyze", str(trace), "--format", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["verdict"]["cause"] == conclude(analysis, find(analysis)).cause
    assert report["verdict"]["sentence"] == conclude(analysis, find(analysis)).sentence

    tables = {table["id"]: table["rows"] for each in report["sections"] for table in each["tables"]}
    request = tables["ledger"][0]
    assert (request["stage"], request["mean_ns"]) == ("request", 12 * MS)
    (complete,) = [row["value"] for row in tables["capture"] if row["key"] == "complete_requests"]
    assert complete == PERIODS
    stages = {row["stage"]: row for row in tables["ledger"]}
    times = {name: stages[name]["mean_ns"] / MS for name in STAGES_MS}
    assert times == STAGES_MS

    (device,) = tables["devices"]
    assert (device["busy"], device["idle"]) == (0.15, 0.85)
    assert (device["starved"], device["no_demand"]) == (0.25, 0.4)
    shares = {row["cause"]: row["of_window"] for row in tables["idle"]}
    assert sum(shares.values()) == pytest.approx(0.85)
    assert shares == pytest.approx(
        {
            "unexplained": 0.05,
            "queue-fill": 0.15,
            "batch-threads-in-host-work": 0.05,
            "preprocess": 0.05,
            "sync-or-output": 0.15,
            "no-demand": 0.4,
        }
    )
    (queue,) = tables["batches"]
    assert queue["padding"] == 0.5
    cost = {row["key"]: row["value"] for row in tables["device_cost"]}
    assert (cost["device_ns_per_request"], cost["kernels_per_request"]) == (3 * MS, 1)
    assert (cost["padding_ns"], cost["padding_is_bound"]) == (75 * MS, True)
