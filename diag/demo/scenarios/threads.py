"""Requests wait for threads: of the batcher, or of TensorFlow's executor."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="one-batch-thread",
        story="num_batch_threads is 1: full batches wait for the one batch thread.",
        models=(ModelPlan("dense", "dense", layers=40, batching=batching(4, 5_000, 1)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        findings=("batch-threads-saturated", "batch-size-too-small"),
        victim="dense",
    ),
    Scenario(
        name="burst",
        story="24 requests at once, twice a second: most wait for the one batch thread.",
        models=(ModelPlan("dense", "dense", layers=30, batching=batching(2, 0, 1)),),
        streams=(Stream("dense", Arrivals("burst", rate=48, burst_size=24)),),
        findings=("batch-threads-saturated", "batch-size-too-small"),
        victim="dense",
    ),
    Scenario(
        name="few-threads",
        story="Five callers, no batching, two inter-op threads: requests wait for a thread.",
        models=(ModelPlan("dense", "dense", layers=25, tokens=32),),
        streams=(Stream("dense", Arrivals("closed", concurrency=5)),),
        findings=("executor-pool-saturated",),
        victim="dense",
    ),
    Scenario(
        name="unbatched-overload",
        story="16 callers, no batching, two inter-op threads: a batch would serve many at once.",
        models=(ModelPlan("dense", "dense", layers=25, tokens=32),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        findings=("batching-disabled",),
        victim="dense",
    ),
    Scenario(
        name="two-models",
        story="A heavy model occupies both inter-op threads; a light model waits for them.",
        models=(
            ModelPlan("heavy", "dense", layers=40, tokens=32),
            ModelPlan("light", "dense", layers=5),
        ),
        streams=(
            Stream("heavy", Arrivals("closed", concurrency=6)),
            Stream("light", Arrivals("open", rate=10, seed=19)),
        ),
        findings=("model-interference",),
        victim="light",
        session_metadata=True,
    ),
)
