"""How close the ledger comes to the truth logged with the recordings in sample_traces/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.docs_table import replace_table
from diag.analysis import Analysis, analyze
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.serving import Stage
from diag.testing.tracer_level import at_level_1

COLUMNS = (
    "recording",
    "level",
    "requests: diag / truth",
    "mean ms: diag / truth",
    "queueing %",
    "execution %",
    "batching %",
    "largest error, points",
)
SAMPLES = Path(__file__).parent.parent / "sample_traces"
QUEUEING = (Stage.QUEUE_FILL, Stage.QUEUE_THREAD, Stage.QUEUE_DISPATCH)
BATCHING = (Stage.SCHEDULE, Stage.BATCH_FORMATION, Stage.BATCH_SPLIT, Stage.UNATTRIBUTED)


def run() -> None:
    """Compare every recording, print the table and write it into docs/accuracy.md."""
    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for folder in sorted(path.parent for path in SAMPLES.glob("*/server.xplane.pb")):
        capture = open_bundle(folder / "server.xplane.pb")
        truth = json.loads((folder / "truth.json").read_text())
        rows += [
            _row(folder.name, level, analyze(variant), truth)
            for level, variant in ((2, capture), (1, at_level_1(capture)))
        ]
    text = "\n".join(rows)
    print(text)
    print(f"written into {replace_table('accuracy.md', 'recordings', text)}")


def _row(name: str, level: int, analysis: Analysis, truth: dict[str, Any]) -> str:
    window, origin = analysis.capture.window, analysis.capture.origin_unix_ns
    assert not isinstance(origin, Unavailable)
    whole = [
        request
        for request in truth["requests"]
        if request["status_code"] == 0
        and request["run_start_unix_ns"] - origin >= window.start_ns
        and request["run_end_unix_ns"] - origin <= window.end_ns
    ]
    if isinstance(analysis.counts.requests, Unavailable):
        return f"| {name} | {level} | not recorded / {len(whole)} | - | - | - | - | - |"
    durations = [r["run_end_unix_ns"] - r["run_start_unix_ns"] for r in whole]
    measured = analysis.requests.duration_ns.mean() / 1e6
    mean = f"{measured:.3f} / {sum(durations) / len(whole) / 1e6:.3f}"
    cells = "- | - | - | -"
    if whole[0]["tasks"]:
        ours, theirs = _measured_shares(analysis), _true_shares(whole)
        error = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
        pairs = [f"{a:.1f} / {b:.1f}" for a, b in zip(ours, theirs, strict=True)]
        cells = " | ".join([*pairs, f"{error:.2f}"])
    return f"| {name} | {level} | {len(analysis.requests)} / {len(whole)} | {mean} | {cells} |"


def _measured_shares(analysis: Analysis) -> tuple[float, float, float]:
    requests = analysis.requests
    sums = requests.stage_ns[requests.complete].sum(axis=0)
    total = sums.sum()
    queueing = sum(sums[stage.index] for stage in QUEUEING) / total * 100
    batching = sum(sums[stage.index] for stage in BATCHING) / total * 100
    return float(queueing), float(100 - queueing - batching), float(batching)


def _true_shares(whole: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Of each request the task that finishes last: queueing, its run, and the rest."""
    total = queueing = execution = 0
    for request in whole:
        last = max(request["tasks"], key=lambda task: task["process_end_unix_ns"])
        total += request["run_end_unix_ns"] - request["run_start_unix_ns"]
        queueing += last["process_begin_unix_ns"] - last["enqueue_unix_ns"]
        execution += last["run_end_unix_ns"] - last["run_begin_unix_ns"]
    shares = queueing / total * 100, execution / total * 100
    return (*shares, 100 - sum(shares))
