"""The batching parameters do not fit to the requests."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="batch-timeout",
        story="Batches of up to 64 rows never fill; each waits for its timeout of 40 ms.",
        models=(ModelPlan("dense", "dense", layers=20, batching=batching(64, 40_000, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=30, seed=13)),),
        findings=("batch-timeout-dominates",),
        victim="dense",
    ),
    Scenario(
        name="short-timeout",
        story="A timeout of 0.1 ms, which idle batch threads notice only by polling every 1 ms.",
        models=(ModelPlan("dense", "dense", layers=1, tokens=1, batching=batching(64, 100, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=60, seed=14)),),
        findings=("batch-dispatch-slow",),
        victim="dense",
    ),
    Scenario(
        name="few-callers",
        story="Six callers that wait for answers cannot fill a batch of 32, which times out.",
        models=(ModelPlan("dense", "dense", layers=10, batching=batching(32, 20_000, 2)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=6)),),
        findings=("batch-capped-by-concurrency",),
        victim="dense",
    ),
    Scenario(
        name="unshared-batches",
        story="No timeout and more batch threads than callers: no two requests share a batch.",
        # Long runs: while a batch thread waits for a core, a second request may join its batch.
        models=(ModelPlan("dense", "dense", layers=200, batching=batching(32, 0, 8)),),
        streams=(Stream("dense", Arrivals("closed", concurrency=3)),),
        findings=("batching-ineffective",),
        victim="dense",
        duration_ns=8_000_000_000,
        inter_op_threads=8,
    ),
    Scenario(
        name="padding",
        story="The only allowed batch size is 16: single rows are padded to 16 rows.",
        models=(ModelPlan("dense", "dense", layers=16, batching=batching(16, 0, 1, (16,))),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1)),),
        findings=("padding-waste",),
        victim="dense",
    ),
    Scenario(
        name="sparse-sizes",
        story="Allowed batch sizes are 4 and 32: requests of 6 to 10 rows are padded to 32 rows.",
        models=(ModelPlan("dense", "dense", layers=10, batching=batching(32, 0, 1, (4, 32))),),
        streams=(Stream("dense", Arrivals("closed", concurrency=1), rows=(4, 6, 8, 10)),),
        findings=("padding-waste",),
        victim="dense",
    ),
    Scenario(
        name="split",
        story="Requests of 16 rows are split into four batches for one batch thread.",
        models=(
            ModelPlan(
                "dense",
                "dense",
                layers=20,
                batching=batching(16, 0, 1, (4,), max_execution_batch_size=4),
            ),
        ),
        streams=(Stream("dense", Arrivals("closed", concurrency=1), rows=(16,)),),
        findings=("requests-split",),
        victim="dense",
    ),
    Scenario(
        name="giant-batches",
        story="Bursts of 16 share one batch, which takes as long as 16 requests in turn.",
        models=(
            ModelPlan("dense", "dense", layers=1, tokens=256, batching=batching(16, 30_000, 2)),
        ),
        streams=(
            Stream("dense", Arrivals("burst", rate=48, burst_size=16)),
            Stream("dense", Arrivals("open", rate=2, seed=17)),
        ),
        findings=("batch-size-too-large",),
        victim="dense",
        duration_ns=6_000_000_000,
    ),
)
