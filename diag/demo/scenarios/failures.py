"""Requests fail."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="queue-overflow",
        story="Two batches may wait: bursts of 24 requests overflow the queue and are refused.",
        models=(
            ModelPlan(
                "dense", "dense", layers=20, batching=batching(4, 2_000, 1, max_enqueued_batches=2)
            ),
        ),
        streams=(Stream("dense", Arrivals("burst", rate=48, burst_size=24)),),
        findings=("batch-queue-overflow",),
        victim="dense",
    ),
    Scenario(
        name="large-requests",
        story="One request in four has 32 rows, and max_batch_size is 16: it is refused.",
        models=(ModelPlan("dense", "dense", layers=10, batching=batching(16, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=30, seed=15), rows=(2, 4, 8, 32)),),
        findings=("request-too-large",),
        victim="dense",
    ),
    Scenario(
        name="short-deadline",
        story="Bursts of 24 requests with a deadline of 60 ms: the last of them come too late.",
        models=(ModelPlan("dense", "dense", layers=30, batching=batching(2, 0, 1)),),
        streams=(Stream("dense", Arrivals("burst", rate=48, burst_size=24)),),
        findings=("deadline-exceeded",),
        victim="dense",
        deadline_s=0.06,
    ),
)
