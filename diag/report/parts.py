"""Server, verdict, findings and caveats as a report holds them; ``model.py`` says their units."""

import msgspec

from diag.model.availability import Unavailable
from diag.model.finding import Check, CounterEvidence, Evidence, Gain, NotAdvised, Remedy


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a report is: frozen, and strict when it is read back."""


class Server(Part, frozen=True):
    """What was recorded, and when.

    Attributes:
        address: As given to ``diag capture``; unavailable for a bare trace.
        source: Name of the file or run.
        models: Names of the models in the requests.
        start_utc: ISO 8601, to the millisecond.
        start_unix_ns: Start of the window, a decimal string.
        window_start_ns: Start of the window in ns since the trace began, where times in tables of
            requests count from.
        window_ns: Length of the window.
    """

    address: str | Unavailable
    source: str
    models: tuple[str, ...]
    start_utc: str | Unavailable
    start_unix_ns: str | Unavailable
    window_start_ns: int
    window_ns: int


class VerdictPart(Part, frozen=True):
    """The verdict in one place.

    Attributes:
        id: Of the first finding, or ``healthy``.
        sentence: ``latency``, ``what``, ``device`` and ``doubt``, joined.
        tail: What slow requests spend their extra time in; "" where that is not known.
        confidence: ``high``, ``medium`` or ``low``.
    """

    id: str
    cause: str
    sentence: str
    latency: str
    what: str
    device: str
    doubt: str
    tail: str
    confidence: str
    confidence_reason: str
    evidence: tuple[Evidence, ...]


class FindingPart(Part, frozen=True):
    """What one rule found; fields as of ``diag.model.finding.Finding``.

    Attributes:
        tier: What the remedy gives back: ``disturbance``, ``request-time``, ``visibility``,
            ``device-time``, ``capacity`` or ``note``.
        gain: None where it is not computed; ``gain_reason`` then says why.
        docs: Its page, relative to diag's repository.
    """

    id: str
    cause: str
    severity: str
    confidence: str
    confidence_reason: str
    what: str
    evidence: tuple[Evidence, ...]
    counter_evidence: tuple[CounterEvidence, ...]
    remedies: tuple[Remedy, ...]
    gain: Gain | None
    gain_reason: str
    verify: tuple[Check, ...]
    rollback: str
    tier: str
    at_stake_ns: float
    docs: str
    not_advised: tuple[NotAdvised, ...] = ()


class CaveatPart(Part, frozen=True):
    """What limits the numbers.

    Attributes:
        limits: Which results, the most limited first.
        facts: By name; the unit is the last word of the name.
        text: The caveat in words.
        advice: What to do about it, in words; "" for nothing.
        remedy: Code of what lifts it; "" if nothing does.
    """

    code: str
    limits: tuple[str, ...]
    facts: dict[str, int | float | str | bool | tuple[str | float, ...] | Unavailable]
    text: str
    advice: str
    remedy: str

    def __hash__(self) -> int:
        """Facts are a dict; equal caveats have equal codes and texts."""
        return hash((self.code, self.text))
