"""Analysis and findings → Report."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from diag.findings import conclude, find
from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.report.model import SCHEMA_VERSION, Report
from diag.report.parts import CaveatPart, FindingPart, Server, VerdictPart
from diag.report.topics import ReportInputs, make_sections
from diag.report.wording.caveats import advise_caveat, describe_caveat
from diag.version import __version__

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.verdict import Verdict
    from diag.model.capture import Capture
    from diag.model.caveat import Caveat
    from diag.model.finding import Finding
    from diag.report.model import Section

MODELS_IN_TITLE_MAX = 3
_ADVISED_BY_FINDING = {"gpu-plane-missing": "allow-gpu-tracing"}
_T = TypeVar("_T")


def build_report(analysis: Analysis, findings: tuple[Finding, ...] | None = None) -> Report:
    """Everything that can be shown of one capture.

    Args:
        analysis: Of the capture.
        findings: Ranked, as ``diag.findings.find`` returns them; computed if None.
    """
    found = find(analysis) if findings is None else findings
    verdict = conclude(analysis, found)
    caveats = _caveat_parts(analysis, found)
    sections = make_sections(ReportInputs(analysis, found, verdict, caveats))
    return _report(analysis, found, verdict, caveats, sections)


def report_of(analysis: Analysis, sections: tuple[Section, ...]) -> Report:
    """A report of other sections than those of the topics; it has the findings all the same."""
    found = find(analysis)
    caveats = _caveat_parts(analysis, found)
    return _report(analysis, found, conclude(analysis, found), caveats, sections)


def _report(
    analysis: Analysis,
    found: tuple[Finding, ...],
    verdict: Verdict,
    caveats: tuple[CaveatPart, ...],
    sections: tuple[Section, ...],
) -> Report:
    server = server_of(analysis.capture, analysis.requests.models)
    report = Report(
        schema_version=SCHEMA_VERSION,
        diag_version=__version__,
        title=title_of(server),
        server=server,
        verdict=_verdict_part(verdict),
        findings=tuple(_finding_part(finding) for finding in found),
        caveats=caveats,
        sections=sections,
    )
    return clean(report)


def _verdict_part(verdict: Verdict) -> VerdictPart:
    return VerdictPart(
        id=verdict.id,
        cause=verdict.cause,
        sentence=verdict.sentence,
        latency=verdict.latency,
        what=verdict.what,
        device=verdict.device,
        doubt=verdict.doubt,
        tail=verdict.tail,
        confidence=verdict.confidence.value,
        confidence_reason=verdict.confidence_reason,
        evidence=verdict.evidence,
    )


def _finding_part(finding: Finding) -> FindingPart:
    gain = finding.gain
    return FindingPart(
        id=finding.id,
        cause=finding.cause,
        severity=finding.severity.value,
        confidence=finding.confidence.value,
        confidence_reason=finding.confidence_reason,
        what=finding.what,
        evidence=finding.evidence,
        counter_evidence=finding.counter_evidence,
        remedies=finding.remedies,
        gain=None if isinstance(gain, Unavailable) else gain,
        gain_reason=gain.reason if isinstance(gain, Unavailable) else "",
        verify=finding.verify,
        rollback=finding.rollback,
        tier=finding.tier.name.lower().replace("_", "-"),
        at_stake_ns=finding.at_stake_ns,
        docs=finding.docs,
        not_advised=finding.not_advised,
    )


def _caveat_parts(analysis: Analysis, findings: tuple[Finding, ...]) -> tuple[CaveatPart, ...]:
    """The caveats, without advice that a finding gives in full."""
    advised = {_ADVISED_BY_FINDING.get(finding.id) for finding in findings}
    return tuple(_caveat_part(each, each.remedy in advised) for each in analysis.caveats)


def _caveat_part(caveat: Caveat, is_advised: bool) -> CaveatPart:
    return CaveatPart(
        code=caveat.code,
        limits=tuple(limit.value for limit in caveat.limits),
        facts=dict(caveat.facts),
        text=describe_caveat(caveat),
        advice="" if is_advised else advise_caveat(caveat),
        remedy=caveat.remedy,
    )


def server_of(capture: Capture, models: tuple[str, ...]) -> Server:
    """What was recorded, and when.

    Args:
        capture: The recording.
        models: Names of the models in its requests.
    """
    origin = capture.origin_unix_ns
    start = origin if isinstance(origin, Unavailable) else origin + capture.window.start_ns
    return Server(
        address=_address(capture),
        source=capture.name,
        models=models,
        start_utc=start if isinstance(start, Unavailable) else _utc_text(start),
        start_unix_ns=start if isinstance(start, Unavailable) else str(start),
        window_start_ns=capture.window.start_ns,
        window_ns=capture.window.duration_ns,
    )


def _address(capture: Capture) -> str | Unavailable:
    """As it was given to ``diag capture`` (docs/bundle-format.md)."""
    if isinstance(capture.manifest, Unavailable):
        return Unavailable("a bare trace does not name its server")
    target = capture.manifest.get("target")
    server = target.get("server") if isinstance(target, dict) else None
    return server if isinstance(server, str) else Unavailable("the bundle does not name its server")


def title_of(server: Server) -> str:
    """One line: ``127.0.0.1:8500 · convnet · 2026-11-22 22:27:30.078 UTC · 3.00 s``."""
    who = f"trace {server.source}" if isinstance(server.address, Unavailable) else server.address
    parts = [_short(who)]
    if server.models:
        names = [_short(model) for model in server.models[:MODELS_IN_TITLE_MAX]]
        more = len(server.models) - len(names)
        parts.append(", ".join([*names, *([f"{more} more models"] if more else [])]))
    if isinstance(server.start_utc, str):
        parts.append(server.start_utc.replace("T", " ").replace("Z", " UTC"))
    parts.append(duration(server.window_ns))
    return " · ".join(parts)


def _short(name: str) -> str:
    return printable(name, NAME_MAX_CHARS)


def _utc_text(unix_ns: int) -> str | Unavailable:
    """ISO 8601 to the millisecond, cut; hostile traces may hold times outside the calendar."""
    try:
        moment = datetime.fromtimestamp(unix_ns // 1_000_000_000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return Unavailable("the trace's start time is not a date")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ns // 1_000_000 % 1000:03d}Z"


def clean(node: _T) -> _T:
    """The same, with text that is text and numbers that are numbers.

    Lone surrogates (undecodable bytes of a name) are spelt out, and JSON has neither NaN nor
    infinity: these become Unavailable.
    """
    cleaned: object = node
    if node.__class__ is int:  # most of a series
        return node
    if isinstance(node, str):
        if not node.isascii():
            cleaned = node.encode("utf-8", "backslashreplace").decode("utf-8")
    elif isinstance(node, float) and not math.isfinite(node):
        cleaned = Unavailable("not a finite number")
    elif isinstance(node, tuple):
        cleaned = tuple(map(clean, node))
    elif isinstance(node, dict):
        cleaned = {clean(key): clean(value) for key, value in node.items()}
    elif isinstance(node, msgspec.Struct):
        names = node.__struct_fields__
        cleaned = type(node)(**{name: clean(getattr(node, name)) for name in names})
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        names = tuple(field.name for field in dataclasses.fields(node))
        cleaned = type(node)(**{name: clean(getattr(node, name)) for name in names})
    return cast("_T", cleaned)
