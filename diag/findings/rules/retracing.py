"""TensorFlow functions are traced again and again while the program runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.metrics import below
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Gain, Source
from diag.model.loops import PREDICT, LoopStage
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "retracing"


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Calls of a tf.function build its graph anew."""
    traces = inputs.loops.retracing
    ratio = traces.retraced / traces.calls if traces.calls else 0.0
    few = traces.retraced < thresholds.RETRACED_MIN_CALLS or ratio < thresholds.RETRACED_MIN_RATIO
    if few or any(thread.call == PREDICT for thread in inputs.loops.iterations.threads):
        return None
    share = inputs.share(LoopStage.TRACING)
    name = printable(traces.function, NAME_MAX_CHARS)
    where = Source("loop", LoopStage.TRACING.value)
    again = (
        "A new function is made for each call"
        if traces.always_first
        else "It is called with another shape, type or Python value each time"
    )
    tracing = inputs.loops.mean_ns(LoopStage.TRACING)
    return loop_finding(
        inputs,
        rule=ID,
        cause=LoopStage.TRACING.value,
        what=(
            f"{traces.retraced:,} of {traces.calls:,} calls of TensorFlow functions are traced "
            f"again, most of {name}; building graphs takes {share:.1%} of the iterations. {again}."
        ),
        share=share,
        evidence=(
            Evidence("retraced calls", traces.retraced, "calls", where),
            Evidence("calls of functions", traces.calls, "calls", where),
            Evidence("time of building graphs", traces.building_ns, "ns", where),
            inputs.share_evidence(LoopStage.TRACING.value, LoopStage.TRACING),
        ),
        counter_evidence=(CounterEvidence("one graph that all calls use", found=False),),
        remedies=(
            change(
                "Make the tf.function once, before the loop, and keep it."
                if traces.always_first
                else "Give the tf.function an input_signature with None for what varies, and pass "
                "tensors instead of Python numbers."
            ),
        ),
        gain=Gain(
            "loop.iteration.mean",
            "ns",
            inputs.mean_ns,
            inputs.mean_ns - tracing,
            inputs.mean_ns - tracing,
            "The mean iteration without building graphs.",
        )
        if tracing
        else Unavailable("no graph was built inside an iteration"),
        verify=below(inputs.analysis, "loop.retraced", 0.1),
    )
