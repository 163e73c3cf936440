"""A problem: a finding that was made without any traffic, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.confidence import Confidence
from diag.model.finding import Evidence, Finding, Remedy, RemedyKind, RemedyPlace, Source, Tier

if TYPE_CHECKING:
    from diag.formats.config.place import Place
    from diag.model.finding import Setting, Severity

_KINDS = {
    RemedyPlace.BATCHING_PARAMETERS_FILE: RemedyKind.PARAMETER,
    RemedyPlace.PER_MODEL_FILE: RemedyKind.PARAMETER,
    RemedyPlace.SERVER_FLAG: RemedyKind.FLAG,
    RemedyPlace.SAVED_MODEL: RemedyKind.MODEL,
    RemedyPlace.CONTAINER: RemedyKind.DEPLOYMENT,
    RemedyPlace.MODEL_CONFIG_FILE: RemedyKind.PARAMETER,
    RemedyPlace.CLIENT_CODE: RemedyKind.CLIENT,
    RemedyPlace.CAPTURE_COMMAND: RemedyKind.CAPTURE,
}
# Rules whose finding is also made from a capture have one page for both.
ALSO_FOUND_IN_CAPTURES = frozenset(
    {
        "no-batch-dimension",
        "preprocessing-in-graph",
        "serial-preprocessing-loop",
        "double-batching",
        "gpu-plane-missing",
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What one rule found at one place.

    Attributes:
        place: Where it is written.
        finding: What it is, and what to change.
    """

    place: Place
    finding: Finding

    @property
    def fix(self) -> str:
        """What to do, in one sentence."""
        return self.finding.remedies[0].action


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a problem: one imperative sentence, and where."""

    action: str
    place: RemedyPlace
    setting: Setting | None = None
    risk: str = ""


def flag_advice(action: str) -> Advice:
    """Advice about a flag of the server."""
    return Advice(action, RemedyPlace.SERVER_FLAG)


def model_advice(action: str) -> Advice:
    """Advice about a model, which is exported again."""
    return Advice(action, RemedyPlace.SAVED_MODEL)


def problem(
    rule: str, severity: Severity, place: Place, what: str, advice: Advice, *, sure: bool = True
) -> Problem:
    """A problem.

    Args:
        rule: Id of the rule.
        severity: Critical: the server refuses it, or ignores what was meant.
        place: Where it is written.
        what: One sentence.
        advice: What to do.
        sure: Whether the files alone show it; else it depends on what they do not say.
    """
    confidence = Confidence.HIGH if sure else Confidence.MEDIUM
    reason = "it is written there" if sure else "it depends on what these files do not say"
    finding = Finding(
        id=rule,
        cause=rule,
        severity=severity,
        confidence=confidence,
        confidence_reason=reason,
        what=what,
        evidence=(Evidence("place", str(place), "", Source("file", str(place))),),
        counter_evidence=(),
        remedies=(
            Remedy(_KINDS[advice.place], advice.place, advice.action, advice.setting, advice.risk),
        ),
        gain=Unavailable("there is no traffic to measure it with; diag capture records some"),
        verify=(),
        rollback="",
        tier=Tier.NOTE,
        at_stake_ns=0.0,
        page_folder="findings" if rule in ALSO_FOUND_IN_CAPTURES else "lint",
    )
    return Problem(place, finding)
