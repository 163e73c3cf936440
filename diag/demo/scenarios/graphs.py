"""The served graph does more than the model: it preprocesses, or it waits for a lock."""

from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.scenario import ModelPlan, Scenario, Stream, batching

SCENARIOS = (
    Scenario(
        name="slow-preprocess",
        story="Large JPEGs are decoded and resized in the graph: it takes longer than the model.",
        models=(
            ModelPlan(
                "image", "image", layers=14, batching=batching(8, 0, 2), image_pixels=(2000, 1500)
            ),
        ),
        streams=(Stream("image", Arrivals("closed", concurrency=1)),),
        findings=("preprocessing-in-graph",),
        victim="image",
    ),
    Scenario(
        name="row-loop",
        story="Six JPEGs a request are decoded one after the other, in a tf.map_fn loop.",
        models=(
            ModelPlan(
                "image", "image", layers=14, batching=batching(8, 0, 2), image_pixels=(800, 600)
            ),
        ),
        streams=(Stream("image", Arrivals("closed", concurrency=1), rows=(6,)),),
        findings=("serial-preprocessing-loop",),
        victim="image",
    ),
    Scenario(
        name="lock",
        story="An op of the graph holds a lock for 15 ms without using the CPU; others wait.",
        models=(ModelPlan("dense", "dense", layers=5, lock_ms=15),),
        streams=(Stream("dense", Arrivals("closed", concurrency=2)),),
        findings=("lock-contention",),
        victim="dense",
        inter_op_threads=4,
    ),
)
