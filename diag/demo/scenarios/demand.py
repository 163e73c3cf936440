"""Nothing is planted, or requests are what is missing."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="healthy",
        story="Moderate traffic and spare capacity: requests spend nearly all time in the model.",
        models=(ModelPlan("dense", "dense", layers=60, batching=batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=18, seed=11)),),
        # On a fast machine, the server is idle for most of the time.
        findings=("healthy", "no-demand"),
        victim="dense",
    ),
    Scenario(
        name="no-demand",
        story="Three requests a second: the server is idle for lack of requests.",
        models=(ModelPlan("dense", "dense", layers=100, batching=batching(8, 0, 2)),),
        streams=(Stream("dense", Arrivals("open", rate=3, seed=12)),),
        findings=("no-demand",),
        victim="dense",
        duration_ns=6_000_000_000,
    ),
)
