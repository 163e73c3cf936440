"""The tf.data pipeline keeps up with the loop: nothing is to be gained there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import loop_finding
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Severity, Source, Tier
from diag.model.loops import FoundBy, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "pipeline-healthy"
_WAIT = LoopStage.INPUT_WAIT


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Elements are ready when they are asked for.

    Of a pipeline that the iterations begin with, and not of the datasets that predict makes for
    itself. A pipeline that is cheap, but has nothing ready, is not said to keep up.
    """
    share = inputs.share(_WAIT)
    begins = any(t.found_by is FoundBy.INPUT for t in inputs.loops.iterations.threads)
    if not inputs.loops.pipelines or not begins or share > thresholds.PIPELINE_HEALTHY_MAX_WAIT:
        return None
    pipeline = inputs.loops.pipelines[0]
    if pipeline.empty_ratio > thresholds.PIPELINE_HEALTHY_MAX_EMPTY:
        return None
    found = loop_finding(
        inputs,
        rule=ID,
        cause=_WAIT.value,
        what=(
            f"The tf.data pipeline keeps up: iterations wait {share:.1%} of their time for it, and "
            f"{pipeline.empty_ratio:.0%} of the calls find no element ready."
        ),
        share=0.0,
        evidence=(
            inputs.share_evidence(_WAIT.value, _WAIT),
            Evidence(
                "calls without a ready element",
                pipeline.empty_ratio,
                "ratio",
                Source("pipelines", pipeline.name),
            ),
        ),
        counter_evidence=(CounterEvidence("a wait for elements", found=False),),
        remedies=(),
        gain=Unavailable("nothing waits for it"),
        verify=(
            check(
                inputs.analysis,
                f"loop.stage.{_WAIT.value}",
                high=thresholds.PIPELINE_HEALTHY_MAX_WAIT,
            ),
        ),
        tier=Tier.NOTE,
    )
    return replace(found, severity=Severity.INFO, rollback="")
