"""What to change, what it brings, how to check it and how to undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.finding import RemedyKind
from diag.report.model import Fact, Note, Section
from diag.report.shown import shown_value
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.finding import Check, Finding, Gain, Remedy, Setting

# Units that do not only name what is counted.
MEASURED_UNITS = frozenset({"ns", "ratio", "bytes", "GB/s", "%"})
_METRIC_NAMES = {
    "device.busy": "busy time of the device",
    "device.planes": "GPUs in the trace",
    "device.kernels_per_request": "kernels per request",
    "device.bytes_in_per_request": "bytes copied to the GPU per request",
    "samples.disagreements": "GPUs whose samples contradict the trace",
    "batches.rows_mean": "mean rows per batch",
    "batches.padding": "padding",
    "batches.service.mean": "mean time per batch",
    "requests.complete": "complete requests",
}


@topic(order=200)
def change_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Of the first finding: the advice, and as items what else would help."""
    if not inputs.findings:
        notes = [Note("none needed: no rule found anything to improve", label="change")]
        yield Section(id="change", title="", notes=tuple(notes), is_summary=True)
        return
    finding = inputs.findings[0]
    notes = [*_change_notes(finding), *_verify_notes(finding)]
    if finding.rollback and not _is_another_capture(finding):
        notes.append(Note(finding.rollback, label="rollback"))
    if notes:
        yield Section(id="change", title="", notes=tuple(notes), is_summary=True)
    others = [Note(remedy_text(remedy), style="item") for remedy in finding.remedies[1:]]
    if others:
        yield Section(id="alternatives", title="Other ways to change it", notes=tuple(others))


@topic(order=300)
def other_finding_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Every further finding in one item: what, how sure, change and gain."""
    notes = tuple(_short_note(finding) for finding in inputs.findings[1:])
    if notes:
        yield Section(id="other_findings", title="Also found", notes=notes)


def _short_note(finding: Finding) -> Note:
    parts = [f"{finding.what} (confidence {finding.confidence.value})"]
    facts: tuple[Fact, ...] = ()
    if finding.remedies:
        parts.append(f"Change: {remedy_text(finding.remedies[0])}")
    if not isinstance(finding.gain, Unavailable):
        parts.append(f"Gain: {_gain_text(finding.gain)}.")
        facts = _gain_facts(finding.gain)
    return Note(f"{' '.join(parts)} [{finding.id}]", facts=facts, style="item")


def _change_notes(finding: Finding) -> Iterator[Note]:
    """The first remedy, its gain and its risk."""
    if not finding.remedies:
        return
    remedy, gain = finding.remedies[0], finding.gain
    yield Note(remedy_text(remedy), label="change", facts=_setting_facts(remedy.setting))
    if isinstance(gain, Unavailable):
        if not _is_another_capture(finding):
            yield Note(f"not computed: {gain.reason}", label="gain")
    else:
        text = f"{_gain_text(gain)}. {gain.method}"
        yield Note(text, label="gain", facts=_gain_facts(gain))
    if remedy.risk:
        yield Note(remedy.risk, label="risk")


def _is_another_capture(finding: Finding) -> bool:
    """The server stays as it is, so that there is no gain and nothing to undo."""
    return any(remedy.kind is RemedyKind.CAPTURE for remedy in finding.remedies[:1])


def remedy_text(remedy: Remedy) -> str:
    """What to do and where; the action says today's value and the one to try."""
    return f"{remedy.action} Where: {remedy.place.value}."


def _setting_facts(setting: Setting | None) -> tuple[Fact, ...]:
    if setting is None:
        return ()
    return (Fact("now", setting.now, "setting"), Fact("to", setting.to, "setting"))


def _gain_text(gain: Gain) -> str:
    """The metric today and the range to expect."""
    now, low, high = (_shown(value, gain.unit) for value in (gain.now, gain.low, gain.high))
    to = low if low == high else f"{low} to {high}"
    return f"{metric_name(gain.metric)} {now} → {to}"


def _gain_facts(gain: Gain) -> tuple[Fact, ...]:
    values = (("now", gain.now), ("low", gain.low), ("high", gain.high))
    return tuple(Fact(key, value, gain.unit) for key, value in values)


def _verify_notes(finding: Finding) -> Iterator[Note]:
    """All checks in one sentence."""
    if not finding.verify:
        return
    checks = "; ".join(_check_text(check) for check in finding.verify)
    yield Note(
        f"Capture again under the same load: {checks}.",
        label="verify",
        facts=tuple(
            Fact(f"{check.metric}.{key}", value, check.unit)
            for check in finding.verify
            for key, value in (("now", check.now), ("low", check.low), ("high", check.high))
            if value is not None
        ),
    )


def _check_text(check: Check) -> str:
    low, high = (
        None if bound is None else _shown(bound, check.unit) for bound in (check.low, check.high)
    )
    if low is not None and high is not None:
        wanted = low if low == high else f"{low} to {high}"
    elif high is not None:
        wanted = f"at most {high}"
    else:
        wanted = f"at least {low}" if low is not None else "compare"
    text = f"{metric_name(check.metric)} {wanted}"
    if isinstance(check.now, Unavailable):
        return text
    return f"{text} (now {_shown(check.now, check.unit)})"


def _shown(value: float, unit: str) -> str:
    """A metric's name says what is counted, so that counts are shown without it."""
    return shown_value(value, unit if unit in MEASURED_UNITS else "count")


def metric_name(metric: str) -> str:
    """A metric in words: ``queue-fill p50``, ``p99 latency``."""
    head, _, rest = metric.partition(".")
    if head == "latency":
        return f"{rest} latency"
    if head == "stage":
        return rest.replace(".", " ")
    if head == "idle":
        return f"idle time in {rest}"
    return _METRIC_NAMES.get(metric, metric.replace(".", " ").replace("_", " "))
