"""The tf.data pipeline keeps up with the loop: nothing is to be gained there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import loop_finding
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Severity, Source, Tier
from diag.model.loops import LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "pipeline-healthy"
_WAIT = LoopStage.INPUT_WAIT


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Elements are ready when they are asked for."""
    share = inputs.share(_WAIT)
    if not inputs.loops.pipelines or share > thresholds.PIPELINE_HEALTHY_MAX_WAIT:
        return None
    pipeline = inputs.loops.pipelines[0]
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
