"""The model runs op by op, and Python's part of each op takes much of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.metrics import below
from diag.model.finding import CounterEvidence, Finding, Gain
from diag.model.loops import EAGER_OPS, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "eager-overhead"


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Between its ops, a model that is not compiled runs Python."""
    eager = all(thread.call == EAGER_OPS for thread in inputs.loops.iterations.threads)
    share, model = inputs.share(LoopStage.DISPATCH), inputs.share(LoopStage.MODEL)
    if not eager or share < thresholds.EAGER_MIN_SHARE:
        return None
    dispatch = inputs.loops.mean_ns(LoopStage.DISPATCH)
    return loop_finding(
        inputs,
        rule=ID,
        cause=LoopStage.DISPATCH.value,
        what=(
            f"The model runs op by op: {share:.1%} of each iteration is Python between its ops, "
            f"{model:.1%} is the ops."
        ),
        share=share,
        evidence=(
            inputs.share_evidence(LoopStage.DISPATCH.value, LoopStage.DISPATCH),
            inputs.share_evidence(LoopStage.MODEL.value, LoopStage.MODEL),
        ),
        counter_evidence=(CounterEvidence("a call of a tf.function", found=False),),
        remedies=(
            change(
                "Call the model in a tf.function that is made once: infer = tf.function(model).",
                "Each new shape or type of the input is traced again: give an input_signature.",
            ),
        ),
        gain=Gain(
            "loop.iteration.mean",
            "ns",
            inputs.mean_ns,
            inputs.mean_ns - dispatch,
            inputs.mean_ns - dispatch / 2,
            "The mean iteration without Python between the ops; the upper value keeps half of it.",
        ),
        verify=below(inputs.analysis, "loop.stage.dispatch", 0.5),
    )
