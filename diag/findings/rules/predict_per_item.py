"""Keras' predict is called for each item, and most of its time is set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.metrics import below
from diag.model.finding import CounterEvidence, Finding, Gain
from diag.model.loops import PREDICT, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "predict-per-item"


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Each predict makes a dataset, an iterator and a graph for one call of the model."""
    threads = inputs.loops.iterations.threads
    share = inputs.share(LoopStage.TRACING, LoopStage.DISPATCH)
    if not any(thread.call == PREDICT for thread in threads):
        return None
    if share < thresholds.EAGER_MIN_SHARE:
        return None
    model = inputs.share(LoopStage.MODEL)
    setup = inputs.loops.mean_ns(LoopStage.TRACING, LoopStage.DISPATCH)
    return loop_finding(
        inputs,
        rule=ID,
        cause=LoopStage.DISPATCH.value,
        what=(
            f"Keras' predict runs once an iteration: {share:.1%} of the time makes its dataset, "
            f"iterator and graphs, {model:.1%} runs the model."
        ),
        share=share,
        evidence=(
            inputs.share_evidence("set-up", LoopStage.TRACING, LoopStage.DISPATCH),
            inputs.share_evidence(LoopStage.MODEL.value, LoopStage.MODEL),
        ),
        counter_evidence=(CounterEvidence("predict over many items at once", found=False),),
        remedies=(
            change(
                "Call the model itself, in a tf.function made once: "
                "infer = tf.function(model), then infer(batch).",
                "The result is a tensor: .numpy() gives the array.",
            ),
            change("Or use predict_on_batch, or call predict once for many items."),
        ),
        gain=Gain(
            "loop.iteration.mean",
            "ns",
            inputs.mean_ns,
            inputs.mean_ns - setup,
            inputs.mean_ns - setup / 2,
            "The mean iteration without the set-up; the upper value keeps half of it.",
        ),
        verify=below(inputs.analysis, "loop.iteration.mean", 0.9),
    )
