"""A finding: what is wrong, how that is known, what to change, and how to check the change."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.confidence import Confidence
from diag.model.notebook import html_table
from diag.model.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = int | float | str


class Severity(enum.Enum):
    """How much a finding matters to the people who use the server."""

    CRITICAL = "critical"  # most of a request's time, or requests that fail
    WARNING = "warning"  # worth a change
    INFO = "info"  # nothing has to be done


class RemedyKind(enum.Enum):
    """What sort of thing has to change, which also tells who can change it."""

    PARAMETER = "parameter"
    FLAG = "flag"
    MODEL = "model"
    CLIENT = "client"
    DEPLOYMENT = "deployment"
    CODE = "code"
    CAPTURE = "capture"  # the server stays as it is: record again, or with more access


class RemedyPlace(enum.Enum):
    """Where the thing to change lives; the text says what has to be done there to apply it."""

    BATCHING_PARAMETERS_FILE = "batching_parameters_file (for all models), then restart the server"
    PER_MODEL_FILE = "batching_params.pbtxt in the model's version folder, then restart the server"
    SERVER_FLAG = "server flag, then restart the server"
    MODEL_CONFIG_FILE = "model_config_file, then restart the server"
    SAVED_MODEL = "SavedModel, export it again"
    CLIENT_CODE = "client code"
    CONTAINER = "container or pod specification"
    FLEET = "number and placement of replicas"
    HOST = "machine of the server"
    PROGRAM = "Python program, then start it again"
    MONITORING = "dashboards and alerts"
    CAPTURE_COMMAND = "diag capture"


class Tier(enum.IntEnum):
    """What a finding gives back; lower tiers rank first (docs/decisions/0023).

    Within a tier findings rank by ``Finding.at_stake_ns``.
    """

    FAILURES = 0  # answers: a material share of the requests fails
    DISTURBANCE = 1  # stops every request: all other numbers are measured under it
    REQUEST_TIME = 2  # time of each request
    FEW_FAILURES = 3  # answers of single requests
    VISIBILITY = 4  # time that cannot be seen, so that nothing better can be said of it
    DEVICE_TIME = 5  # time of the device, which requests only feel under more load
    CAPACITY = 6  # nothing to give back
    NOTE = 7  # nothing about the server's time: what to know when numbers are read


class Said(enum.Enum):
    """A part of a verdict that a finding's own sentence may say already."""

    DEVICE = "device"  # how busy or idle the device or the CPU is
    NEIGHBOURS = "neighbours"  # that other processes use the CPU


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number can be looked up.

    Attributes:
        table: Id of a table or section of the report, name of a table of ``diag export``, or
            ``trace`` for the recorded events themselves.
        row: Which row of it, in words; "" for all of them.
        start_ns: Begin of the interval that shows it, ns since the capture's origin; -1 for none.
        end_ns: Half-open end; -1 for none.
    """

    table: str
    row: str = ""
    start_ns: int = -1
    end_ns: int = -1


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number a finding rests on.

    Attributes:
        unit: ``ns``, ``ratio`` (0 to 1), ``bytes``, ``GB/s``, or what is counted.
    """

    name: str
    value: Value
    unit: str
    source: Source

    def __str__(self) -> str:
        return f"{self.name}: {_value(self.value, self.unit)}"


@dataclass(frozen=True, slots=True)
class CounterEvidence:
    """Something that would speak against the finding, and whether it was there.

    Attributes:
        looked_for: In half a sentence.
        found: Unavailable where the source that would show it is missing.
        detail: What was seen, in half a sentence; "" where the answer says it all.
    """

    looked_for: str
    found: bool | Unavailable
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value to change.

    Attributes:
        name: As users write it, e.g. ``batch_timeout_micros``.
        now: Today's value.
        to: The value to try; Unavailable where only a rerun can tell it.
        unit: "" where the name says it.
        origin: How ``now`` is known: ``metrics``, ``file``, ``default``, ``estimated``; "" if it is
            not.
        scope: The queue or model it applies to; "" for all.
    """

    name: str
    now: Value | Unavailable
    to: Value | Unavailable
    unit: str = ""
    origin: str = ""
    scope: str = ""

    def __str__(self) -> str:
        now, to = (
            "?" if isinstance(value, Unavailable) else _value(value, self.unit)
            for value in (self.now, self.to)
        )
        return f"{self.name}: {now} → {to}"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to change.

    Attributes:
        action: One sentence in the imperative.
        setting: The value to change, where the remedy is one.
        risk: What may get worse, in one sentence; "" if nothing is known to.
    """

    kind: RemedyKind
    place: RemedyPlace
    action: str
    setting: Setting | None = None
    risk: str = ""

    def __str__(self) -> str:
        parts = [self.action]
        if self.setting is not None:
            parts.append(f"{self.setting}.")
        parts.append(f"Where: {self.place.value}.")
        if self.risk:
            parts.append(f"Risk: {self.risk}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class NotAdvised:
    """A change that was considered, and that this capture speaks against.

    Attributes:
        remedy: The change.
        reason: Why it is not advised, in half a sentence.
    """

    remedy: Remedy
    reason: str

    def __str__(self) -> str:
        return f"{self.remedy.action} Not advised: {self.reason}."


@dataclass(frozen=True, slots=True)
class Gain:
    """What the remedy brings, as far as this capture can tell.

    Attributes:
        metric: A name of ``diag.findings.metrics``.
        unit: Of the three values.
        now: As measured in this capture.
        low: The least value to expect.
        high: The greatest.
        method: How that was computed, in one sentence.
    """

    metric: str
    unit: str
    now: float
    low: float
    high: float
    method: str

    def __str__(self) -> str:
        now, low, high = (quantity(value, self.unit) for value in (self.now, self.low, self.high))
        return f"{self.metric}: {low} to {high} of {now}. {self.method}"


@dataclass(frozen=True, slots=True)
class Check:
    """A metric and the range it must reach in a capture after the change.

    Attributes:
        metric: A name of ``diag.findings.metrics``, which measures it in any Analysis.
        unit: Of the values.
        now: In this capture.
        low: Inclusive; None for no bound.
        high: Inclusive; None for no bound.
        when: When to capture, as it completes "Capture again …"; "" for under the same load.
    """

    metric: str
    unit: str
    now: float | Unavailable
    low: float | None = None
    high: float | None = None
    when: str = ""

    def __str__(self) -> str:
        bounds = [
            f"{word} {quantity(bound, self.unit)}"
            for word, bound in (("at least", self.low), ("at most", self.high))
            if bound is not None
        ]
        return f"{self.metric}: {' and '.join(bounds)} (now {quantity(self.now, self.unit)})"


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """What one rule found.

    Attributes:
        id: Of the rule; lower-kebab, permanent, and the name of its page in docs/findings/.
        cause: The stage or the cause of idle time it explains, or the rule's own word.
        confidence_reason: Why it is not higher, or what confirms it, in one sentence.
        what: One sentence. Every number in it is in ``evidence``.
        counter_evidence: What was looked for that would make it wrong.
        remedies: The first is the advice, the others are alternatives. Empty if there is none.
        verify: All must hold after the change.
        rollback: How to undo the change, in one sentence; "" where the server stays as it is.
        tier: What it gives back.
        at_stake_ns: The most that a request, or a second of the device, could get back. Of
            failures, the failed part of a second's requests: 0.2 of them are 2e8.
        not_advised: What was considered besides ``remedies``.
        says: What its sentence says already, so that a verdict about it leaves that out.
        page_folder: Folder of its page below docs/.
    """

    id: str
    cause: str
    severity: Severity
    confidence: Confidence
    confidence_reason: str
    what: str
    evidence: tuple[Evidence, ...]
    counter_evidence: tuple[CounterEvidence, ...]
    remedies: tuple[Remedy, ...]
    gain: Gain | Unavailable
    verify: tuple[Check, ...]
    rollback: str
    tier: Tier
    at_stake_ns: float
    not_advised: tuple[NotAdvised, ...] = ()
    says: frozenset[Said] = frozenset()
    page_folder: str = "findings"

    @property
    def docs(self) -> str:
        """Its page, relative to the repository."""
        return f"docs/{self.page_folder}/{self.id}.md"

    def __repr__(self) -> str:
        return f"Finding({self.id!r}, {self.severity.value}, {self.what!r})"

    def _repr_html_(self) -> str:
        """What was found, its evidence, the change, its gain and how to check it."""
        return html_table(self.what, (), self._rows(), note=self.docs)

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "finding", f"{self.id} ({self.severity.value})"
        yield "confidence", f"{self.confidence.value}: {self.confidence_reason}"
        for evidence in self.evidence:
            yield "evidence", str(evidence)
        for number, remedy in enumerate(self.remedies):
            yield "alternative" if number else "change", str(remedy)
        for rejected in self.not_advised:
            yield "considered", str(rejected)
        if isinstance(self.gain, Unavailable):
            yield "gain", f"not available: {self.gain.reason}"
        else:
            yield "gain", str(self.gain)
        for check in self.verify:
            yield "verify", str(check)
        if self.rollback:
            yield "rollback", self.rollback


def _value(value: Value, unit: str) -> str:
    return value if isinstance(value, str) else quantity(value, unit)
