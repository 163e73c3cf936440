"""Requests or answers are large, or the front end has too few threads for its clients."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="number-lists",
        story="Clients send 200,000 floats as a list of numbers, for a model that is tiny.",
        models=(ModelPlan("dense", "dense", layers=0, tokens=1, batching=batching(256, 0, 2)),),
        streams=(
            Stream("dense", Arrivals("closed", concurrency=1), rows=(200,), encoding="numbers"),
        ),
        findings=("ingress-heavy",),
        victim="dense",
    ),
    Scenario(
        name="wide-answers",
        story="Each answer has a million scores, for a model that is tiny.",
        models=(
            ModelPlan(
                "dense",
                "dense",
                layers=1,
                tokens=1,
                batching=batching(8, 0, 2),
                scores=1024 * 1024,
            ),
        ),
        streams=(Stream("dense", Arrivals("closed", concurrency=1)),),
        findings=("egress-heavy",),
        victim="dense",
    ),
    Scenario(
        name="few-handlers",
        story="Four handler threads for 16 callers: calls wait before the server sees them.",
        models=(ModelPlan("dense", "dense", layers=10, tokens=16),),
        streams=(Stream("dense", Arrivals("closed", concurrency=16)),),
        findings=("before-handler",),
        victim="dense",
        inter_op_threads=4,
        handler_threads=4,
        needs_client_log=True,
    ),
)
