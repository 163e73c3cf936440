"""Batching parameters that were given are not those that the server runs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.metrics import check
from diag.findings.sources import PARAMETERS
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import Confidence
from diag.model.serving import MODES, Mode, Origin

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.model.serving import Contradiction

ID = "configuration-not-in-force"
NEEDS = (PARAMETERS,)
_UNBATCHED = MODES.index(Mode.UNBATCHED)


def find(inputs: RuleInputs) -> Finding | None:
    """A file is given, and the trace shows no batching, or batching with other values.

    How the values contradict the trace is in the caveats ``batching-not-in-force`` and
    ``contradicted-parameters``.
    """
    analysis = inputs.analysis
    if isinstance(analysis.capture.batching_parameters, Unavailable):
        return None
    contradicted = _contradicted(inputs)
    codes = {caveat.code for caveat in analysis.caveats}
    if "batching-not-in-force" in codes:
        severity = Severity.WARNING
        what = "Batching parameters are given, but the server batches no request."
    elif contradicted:
        severity = Severity.INFO
        names = " and ".join(sorted({each.parameter for each in contradicted}))
        what = (
            f"The batching parameters given are not those in force: the trace contradicts {names}."
        )
    else:
        return None
    unbatched = float((analysis.requests.mode_index == _UNBATCHED).mean())
    return Finding(
        id=ID,
        cause=ID,
        severity=severity,
        confidence=Confidence.HIGH if severity is Severity.WARNING else Confidence.MEDIUM,
        confidence_reason=(
            "No event of a batcher was recorded, and requests were."
            if severity is Severity.WARNING
            else "The limits below name each value and what was recorded instead."
        ),
        what=what,
        evidence=(
            Evidence("requests without a batch", unbatched, "ratio", Source("requests", "mode")),
            *(
                Evidence(f"{each.parameter} given", each.given, "setting", Source("batches"))
                for each in contradicted
            ),
        ),
        counter_evidence=(
            CounterEvidence(
                "a file that was read after the server started, or is another server's",
                Unavailable("which file the server read is not in the recording"),
            ),
        ),
        remedies=_remedies(is_unbatched=severity is Severity.WARNING),
        gain=Unavailable("which values are meant is not known"),
        verify=(check(analysis, "batches.rows_mean", low=1.0),),
        rollback="Start the server with its earlier flags.",
        tier=Tier.NOTE,
        at_stake_ns=0.0,
    )


def _remedies(*, is_unbatched: bool) -> tuple[Remedy, ...]:
    """Without any batching the flags come first, else the question which file is in force."""
    flags = Remedy(
        RemedyKind.FLAG,
        RemedyPlace.SERVER_FLAG,
        "If the file should be in force: start the server with --enable_batching and "
        "--batching_parameters_file, without --platform_config_file; with "
        "--enable_per_model_batching_parameters each model needs its own batching_params.pbtxt.",
        risk="The server then works with other values than those recorded.",
    )
    file = Remedy(
        RemedyKind.CAPTURE,
        RemedyPlace.CAPTURE_COMMAND,
        "If another file is in force: give that one with --batching-parameters.",
    )
    return (flags, file) if is_unbatched else (file, flags)


def _contradicted(inputs: RuleInputs) -> tuple[Contradiction, ...]:
    """What a file told and the trace contradicts, each once."""
    return tuple(
        dict.fromkeys(
            each
            for summary in inputs.analysis.queues
            for each in summary.queue.contradictions
            if each.origin is not Origin.METRICS
        )
    )
