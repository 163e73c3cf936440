"""The sections of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.comparison.result import Outcome
from diag.model.availability import Unavailable
from diag.report.comparison.words import LEVEL, outcome_sentence, side_text
from diag.report.model import Column, Note, Section
from diag.report.rows import Row, make_table, name_column, text_column
from diag.report.timeline_series import timeline_series
from diag.report.wording.metrics import metric_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.comparison.result import Change, Comparison
    from diag.model.finding import Finding
    from diag.report.model import Cell

_CHANGE_COLUMNS = (
    name_column("name", "metric", "What was measured, in words."),
    text_column("metric", "key", "Permanent name of the metric.", is_detail=True),
    Column("before", "before", "", "Of all captures before.", "number", unit_key="unit"),
    Column("after", "after", "", "Of all captures after.", "number", unit_key="unit"),
    Column("ratio", "change", "ratio", "Difference over the value before.", "number"),
    Column("low", "at least", "", f"Low end of the {LEVEL} interval.", "number", unit_key="unit"),
    Column("high", "at most", "", f"High end of the {LEVEL} interval.", "number", unit_key="unit"),
    text_column("outcome", "", "Better, worse or neither."),
    text_column("unit", "unit", "Unit of the values.", is_detail=True),
)
_CIRCUMSTANCE_COLUMNS = (
    name_column("name", "what", "What may differ besides the change."),
    text_column("before", "before", "On the side before."),
    text_column("after", "after", "On the side after."),
    text_column("differs", "differs", "Whether the difference can move latency by itself."),
)
_CHECK_COLUMNS = (
    text_column("finding", "finding", "Id of the finding before."),
    name_column("name", "metric", "What it asked to measure after the change."),
    Column("before", "before", "", "Its value before.", "number", unit_key="unit"),
    Column("low", "at least", "", "Lower bound that was asked for.", "number", unit_key="unit"),
    Column("high", "at most", "", "Upper bound that was asked for.", "number", unit_key="unit"),
    Column("after", "after", "", "Its value after.", "number", unit_key="unit"),
    text_column("met", "met", "Whether the value is in the range."),
    text_column("unit", "unit", "Unit of the values.", is_detail=True),
)
_SEEN = (Outcome.BETTER, Outcome.WORSE)
_INTERVALS = (
    "'at least' and 'at most' bound the difference, after minus before: "
    f"{LEVEL} of captures resampled from these lie between. They say nothing about other hours or "
    "machines."
)


def comparison_sections(comparison: Comparison) -> Iterator[Section]:
    """In reading order: the outcome, what changed, the findings, and whether it is comparable."""
    yield _verdict(comparison)
    latency = [c for c in comparison.changes if c.metric.startswith("latency.")]
    throughput = [c for c in comparison.changes if c.metric == "throughput"]
    stages = [c for c in comparison.changes if c.metric.startswith("stage.")]
    others = [c for c in comparison.changes if c not in (*latency, *throughput, *stages)]
    if comparison.before.requests and comparison.after.requests:
        yield _changes("latency", "Latency and load", [*latency, *throughput], note=_INTERVALS)
        yield _changes("stages", "Where a request's time changed", _largest(stages))
        yield _changes("idle", "Idle and busy time of the device or CPU", _largest(others))
    yield from _timelines(comparison)
    yield from _findings(comparison)
    if comparison.checks:
        yield _checks(comparison)
    yield _circumstances(comparison)


def _verdict(comparison: Comparison) -> Section:
    sentence = outcome_sentence(comparison)
    notes = [
        Note(sentence, style="lead", strong=sentence.split(": ")[0]),
        Note(f"{side_text(comparison.before)}.", label="before"),
        Note(f"{side_text(comparison.after)}.", label="after"),
    ]
    met = [result for result in comparison.checks if result.met is True]
    if comparison.checks:
        text = f"{len(met)} of {len(comparison.checks)} that the findings before asked for are met."
        notes.append(Note(text, label="checks"))
    return Section(id="outcome", title="", notes=tuple(notes), is_summary=True)


def _changes(id_: str, title: str, changes: list[Change], note: str = "") -> Section:
    rows = [_change_row(change) for change in changes]
    notes = (Note(note, style="item"),) if note else ()
    table = make_table(id_, "", _CHANGE_COLUMNS, rows, notes)
    return Section(id=id_, title=title, tables=(table,) if rows else ())


def _change_row(change: Change) -> Row:
    is_seen = change.metric.startswith("latency.") and change.outcome in _SEEN
    name = "throughput" if change.metric == "throughput" else metric_name(change.metric)
    return Row(
        (
            name,
            change.metric,
            change.before,
            change.after,
            change.relative(change.difference),
            change.low,
            change.high,
            change.outcome.value if is_seen else "",
            change.unit,
        )
    )


def _largest(changes: list[Change]) -> list[Change]:
    """The largest difference first; without a value last."""
    return sorted(changes, key=lambda change: -_size(change))


def _size(change: Change) -> float:
    difference = change.difference
    return -1.0 if isinstance(difference, Unavailable) else abs(difference)


def _timelines(comparison: Comparison) -> Iterator[Section]:
    """The first capture of each side, from the begin of its window; for formats with charts."""
    for subject, side in (("before", comparison.before), ("after", comparison.after)):
        series = tuple(timeline_series(side.analyses[0], captures=2))
        yield Section("timeline", "Timeline", subject, series=series, is_detail=True)


def _findings(comparison: Comparison) -> Iterator[Section]:
    groups = (
        ("gone", comparison.went),
        ("new", comparison.came),
        ("still there", comparison.stayed),
    )
    notes = tuple(
        Note(f"{word}: {_finding_text(finding)}", style="item")
        for word, findings in groups
        for finding in findings
    )
    if notes:
        yield Section(id="findings", title="Findings", notes=notes)


def _finding_text(finding: Finding) -> str:
    return f"{finding.what} [{finding.id}]"


def _checks(comparison: Comparison) -> Section:
    rows = []
    for result in comparison.checks:
        check = result.check
        cells: tuple[Cell | None, ...] = (
            result.finding,
            metric_name(check.metric),
            check.now,
            check.low,
            check.high,
            result.after,
            _answer(result.met),
            check.unit,
        )
        rows.append(Row(cells))
    table = make_table("checks", "", _CHECK_COLUMNS, rows)
    return Section(id="checks", title="Checks of the findings before", tables=(table,))


def _circumstances(comparison: Comparison) -> Section:
    rows = [
        Row((item.name, item.before, item.after, _answer(item.differs)))
        for item in comparison.circumstances
    ]
    unknown = tuple(
        Note(f"{item.name} n/a: {item.differs.reason}", style="item")
        for item in comparison.circumstances
        if isinstance(item.differs, Unavailable)
    )
    table = make_table("circumstances", "", _CIRCUMSTANCE_COLUMNS, rows, unknown)
    return Section(id="circumstances", title="Can they be compared?", tables=(table,))


def _answer(value: bool | Unavailable) -> str:
    if isinstance(value, Unavailable):
        return "not known"
    return "yes" if value else "no"
