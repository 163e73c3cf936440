"""The cores are the limit: of the server itself, or taken by others."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream

SCENARIOS = (
    Scenario(
        name="cpu-saturated",
        story="Five callers keep four inter-op threads busy all the time: the CPU is at capacity.",
        models=(ModelPlan("dense", "dense", layers=25, tokens=32),),
        streams=(Stream("dense", Arrivals("closed", concurrency=5)),),
        findings=("device-saturated",),
        victim="dense",
        inter_op_threads=4,
    ),
    Scenario(
        name="crowded-cores",
        story="Each run uses all cores; bursts of 8 at once only wait for each other.",
        models=(ModelPlan("dense", "dense", layers=6, tokens=256),),
        streams=(
            Stream("dense", Arrivals("closed", concurrency=2)),
            Stream("dense", Arrivals("burst", rate=12, burst_size=8)),
        ),
        findings=("cpu-oversubscribed",),
        victim="dense",
        inter_op_threads=16,
        intra_op_threads=0,
    ),
    Scenario(
        name="noisy-neighbour",
        story="Other processes on the machine compute all the time on every core.",
        models=(ModelPlan("dense", "dense", layers=30),),
        streams=(Stream("dense", Arrivals("open", rate=5, seed=16)),),
        findings=("other-processes-on-cpu",),
        victim="dense",
        has_neighbours=True,
    ),
)
