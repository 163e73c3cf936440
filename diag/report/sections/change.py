"""What to change, what it brings, how to check it and how to undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import leading
from diag.model.availability import Unavailable
from diag.model.finding import RemedyKind, Severity
from diag.report.model import Fact, Note, Section
from diag.report.topics import ReportInputs, topic
from diag.report.wording.metrics import describe_checks, describe_gain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.finding import Finding, Gain, Remedy, Setting


@topic(order=200)
def change_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Of the first finding: the advice, and as items what else would help."""
    tail = inputs.verdict.tail
    finding = leading(inputs.findings)
    if finding is None:
        text = _joined("none: no rule found a cause of lost time", tail)
        notes = [Note(text, label="change")]
        yield Section(id="change", title="", notes=tuple(notes), is_summary=True)
        return
    notes = [*_change_notes(finding, tail), *_verify_notes(finding)]
    if finding.rollback:
        notes.append(Note(finding.rollback, label="rollback"))
    yield Section(id="change", title="", notes=tuple(notes), is_summary=True)
    others = [Note(remedy_text(remedy), style="item") for remedy in finding.remedies[1:]]
    if others:
        yield Section(id="alternatives", title="Other ways to change it", notes=tuple(others))


@topic(order=300)
def other_finding_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Every further finding in one item: what, how sure, change and gain."""
    first = leading(inputs.findings)
    told = () if first is None else first.remedies
    others = (finding for finding in inputs.findings if finding is not first)
    notes = tuple(_short_note(finding, told) for finding in others)
    if notes:
        yield Section(id="other_findings", title="Also found", notes=notes)


@topic(order=350)
def not_advised_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Changes that were considered, each with what speaks against it."""
    notes = tuple(
        Note(f"{each.remedy.action} Not advised: {each.reason}. [{finding.id}]", style="item")
        for finding in inputs.findings
        for each in finding.not_advised
    )
    if notes:
        yield Section(id="not_advised", title="Considered, not advised", notes=notes)


def _short_note(finding: Finding, told: tuple[Remedy, ...]) -> Note:
    """One item; a change that the first finding advises is not told again."""
    parts = [f"{finding.what} (confidence {finding.confidence.value})"]
    facts: tuple[Fact, ...] = ()
    if finding.remedies and finding.remedies[0] in told:
        parts.append("Change: the same as above.")
    elif finding.remedies:
        parts.append(f"Change: {remedy_text(finding.remedies[0])}")
    if not isinstance(finding.gain, Unavailable):
        parts.append(f"Gain: {describe_gain(finding.gain)}.")
        facts = _gain_facts(finding.gain)
    return Note(f"{' '.join(parts)} [{finding.id}]", facts=facts, style="item")


def _change_notes(finding: Finding, tail: str) -> Iterator[Note]:
    """The first remedy, its gain with what it does for slow requests, and its risk."""
    if finding.not_advised and not finding.remedies:
        yield Note(
            _joined("none: no setting that was tried helps (see below)", tail), label="change"
        )
    if not finding.remedies:
        return
    remedy, gain = finding.remedies[0], finding.gain
    action = remedy_text(remedy)
    if _changes_no_server(finding):
        yield Note(_joined(action.removesuffix("."), tail), label="change")
    else:
        yield Note(action, label="change", facts=_setting_facts(remedy.setting))
        if isinstance(gain, Unavailable):
            yield Note(_joined(f"not computed: {gain.reason}", tail), label="gain")
        else:
            text = _joined(f"{describe_gain(gain)}. {gain.method.removesuffix('.')}", tail)
            yield Note(text, label="gain", facts=_gain_facts(gain))
    if remedy.risk:
        yield Note(remedy.risk, label="risk")


def _joined(text: str, tail: str) -> str:
    """The text, and after it the sentence about slow requests, if there is one."""
    return f"{text}. {tail}" if tail else f"{text}."


def _changes_no_server(finding: Finding) -> bool:
    """The server stays as it is, so that there is no gain and nothing to undo."""
    return finding.severity is Severity.INFO or any(
        remedy.kind is RemedyKind.CAPTURE for remedy in finding.remedies[:1]
    )


def remedy_text(remedy: Remedy) -> str:
    """What to do and where; the action says today's value and the one to try."""
    return f"{remedy.action} Where: {remedy.place.value}."


def _setting_facts(setting: Setting | None) -> tuple[Fact, ...]:
    if setting is None:
        return ()
    return (Fact("now", setting.now, "setting"), Fact("to", setting.to, "setting"))


def _gain_facts(gain: Gain) -> tuple[Fact, ...]:
    values = (("now", gain.now), ("low", gain.low), ("high", gain.high))
    return tuple(Fact(key, value, gain.unit) for key, value in values)


def _verify_notes(finding: Finding) -> Iterator[Note]:
    """All checks, with their numbers as facts."""
    if not finding.verify:
        return
    yield Note(
        describe_checks(finding.verify),
        label="verify",
        facts=tuple(
            Fact(f"{check.metric}.{key}", value, check.unit)
            for check in finding.verify
            for key, value in (("now", check.now), ("low", check.low), ("high", check.high))
            if value is not None
        ),
    )
