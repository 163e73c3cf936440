"""ComparisonReport: everything that is shown of two sides; the JSON is this model."""

from typing import Literal

from diag.model.availability import Unavailable
from diag.model.finding import Check
from diag.report.model import Section
from diag.report.parts import Part

COMPARISON_SCHEMA_VERSION: Literal["1"] = "1"
COMPARISON_SCHEMA_RESOURCE = f"schema/comparison-v{COMPARISON_SCHEMA_VERSION}.json"


class SidePart(Part, frozen=True):
    """The captures of one side.

    Attributes:
        requests: Complete ones, of all captures together.
        window_ns: Length of the windows together.
    """

    sources: tuple[str, ...]
    models: tuple[str, ...]
    requests: int
    window_ns: int


class ChangePart(Part, frozen=True):
    """A metric on both sides, and how far the difference, after minus before, can be.

    Attributes:
        metric: A name of ``diag.findings.metrics``, or ``throughput``.
        low: Lower end of the interval of the difference.
        high: Upper end.
        outcome: ``better``, ``worse`` or ``no-difference-seen`` of a latency; "" of the others.
    """

    metric: str
    unit: str
    before: float | Unavailable
    after: float | Unavailable
    low: float | Unavailable
    high: float | Unavailable
    outcome: str


class CircumstancePart(Part, frozen=True):
    """What else may differ; ``differs`` is unavailable where a side does not show it."""

    name: str
    before: str
    after: str
    differs: bool | Unavailable
    consequence: str


class CheckPart(Part, frozen=True):
    """A check that a finding before asked for, measured after."""

    finding: str
    check: Check
    after: float | Unavailable
    met: bool | Unavailable


class ComparisonReport(Part, frozen=True):
    """Two sides, compared.

    Attributes:
        outcome: ``better``, ``worse``, ``mixed``, ``no-difference-seen`` or ``not-comparable``.
        sentence: The outcome in words.
        interval_level: Part of resampled captures inside the intervals, 0 to 1.
        wanted_window_ns: Recorded time on each side that would show a small change.
        findings_gone: Ids of the findings that only the side before has.
        findings_new: Ids of those that only the side after has.
        findings_kept: Ids of those that both have.
        sections: In reading order.
    """

    schema_version: Literal["1"]
    diag_version: str
    title: str
    before: SidePart
    after: SidePart
    outcome: str
    sentence: str
    interval_level: float
    wanted_window_ns: int | Unavailable
    changes: tuple[ChangePart, ...]
    circumstances: tuple[CircumstancePart, ...]
    findings_gone: tuple[str, ...]
    findings_new: tuple[str, ...]
    findings_kept: tuple[str, ...]
    checks: tuple[CheckPart, ...]
    sections: tuple[Section, ...]
