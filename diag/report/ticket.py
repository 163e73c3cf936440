"""The report for a ticket: at most 40 lines of Markdown that stand by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from diag.report.model import Note, Section
from diag.report.notes import note_of, plural
from diag.report.rows import Row, make_table
from diag.report.sections.idle import timeline_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Cell, Report, Table

LINES_MAX = 40  # of Markdown
_FINDINGS_MAX = 2
_LIMITS_MAX = 4
_STAGES_MAX = 6
_DEVICES_MAX = 2
_CAUSES_MAX = 4
_COLUMNS = ("stage", "share", "mean_ns", "p50_ns", "p99_ns", "tail_ns")
_MEMBER = 2


@dataclass(frozen=True, slots=True)
class TicketPage:
    """What every format can write of one capture for a ticket.

    Attributes:
        title: As of the report.
        sections: Verdict and change, further findings, limits, stages, idle time, attachments.
    """

    title: str
    sections: tuple[Section, ...]


def build_ticket(report: Report, attached: str = "") -> TicketPage:
    """The main points of a report; what is left out is counted, and stands in the whole report.

    Args:
        report: Of one capture.
        attached: The last line: where the whole report is; "" for none.
    """
    sections = [each for each in report.sections if each.is_summary]
    sections += _first_notes(report, "other_findings", _FINDINGS_MAX)
    sections += _first_notes(report, "doubts", _LIMITS_MAX)
    sections += _stages(report)
    sections += _idle(report)
    if attached:
        note = Note(attached, style="footer")
        sections.append(Section(id="attached", title="", notes=(note,)))
    return TicketPage(report.title, tuple(sections))


def _first_notes(report: Report, id_: str, most: int) -> Iterator[Section]:
    """The first notes of a section, and how many are left out."""
    for section in report.sections:
        if section.id == id_:
            shown, rest = section.notes[:most], len(section.notes) - most
            if rest > 0:
                facts: dict[str, tuple[Cell, str]] = {"rest": (rest, "count")}
                shown += (note_of("{rest} more in the whole report", facts, style="item"),)
            yield msgspec.structs.replace(section, notes=shown, tables=(), series=())


def _stages(report: Report) -> Iterator[Section]:
    """The largest stages of the model with most request time."""
    ledgers = [section for section in report.sections if section.id == "ledger"]
    ledgers = [section for section in ledgers if section.tables and section.tables[0].rows]
    if not ledgers:
        return
    section = max(ledgers, key=_request_time_ns)
    table = section.tables[0]
    columns = [column for column in table.columns if column.key in _COLUMNS]
    rows = sorted(_stage_rows(table), key=lambda row: -_number(row.get("share")))[:_STAGES_MAX]
    cells = [tuple(row.get(column.key) for column in columns) for row in (table.rows[0], *rows)]
    made = [Row(each, level=0 if index == 0 else -1) for index, each in enumerate(cells)]
    notes = section.notes
    if len(ledgers) > 1:
        rest = len(ledgers) - 1
        models = plural(rest, "model is", "models are")
        text = f"{{rest}} more {models} in the whole report."
        notes += (note_of(text, {"rest": (rest, "count")}),)
    shown = make_table("ledger", "", columns, made, table.notes[:1])
    yield msgspec.structs.replace(section, notes=notes, tables=(shown,), series=())


def _request_time_ns(section: Section) -> float:
    """Mean times number of requests."""
    facts = {fact.key: fact.value for note in section.notes for fact in note.facts}
    return _number(facts.get("requests")) * _number(section.tables[0].rows[0].get("mean_ns"))


def _stage_rows(table: Table) -> Iterator[dict[str, Cell]]:
    """Rows of stages: neither the total nor the subtotals, which add up others."""
    shown = [i for i in range(1, len(table.rows)) if i not in table.detail_rows]
    levels = [table.levels[i] for i in shown]
    for index, level, following in zip(shown, levels, [*levels[1:], -1], strict=True):
        is_subtotal = level != _MEMBER and following == _MEMBER
        if not is_subtotal and _number(table.rows[index].get("share")) > 0:
            yield table.rows[index]


def _number(cell: object) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def _idle(report: Report) -> Iterator[Section]:
    """A line a device: its shares of the window, and the main causes of its idle time."""
    devices = [section for section in report.sections if section.id == "idle"]
    notes = [note for section in devices[:_DEVICES_MAX] for note in _idle_notes(section)]
    if len(devices) > _DEVICES_MAX:
        rest: dict[str, tuple[Cell, str]] = {"rest": (len(devices) - _DEVICES_MAX, "count")}
        notes.append(note_of("{rest} more devices in the whole report", rest, style="item"))
    if notes:
        yield Section(id="idle", title="Idle time, as shares of the window", notes=tuple(notes))


def _idle_notes(section: Section) -> Iterator[Note]:
    facts: dict[str, tuple[Cell, str]] = {
        fact.key: (fact.value, fact.unit)
        for note in section.notes[:1]
        for fact in note.facts
        if fact.key in ("busy", "idle")
    }
    if len(facts) < 2:
        return
    causes = []
    rows = section.tables[0].rows if section.tables else ()
    for index, row in enumerate(rows[:_CAUSES_MAX]):
        facts[f"cause{index}"] = (row["cause"], "")
        facts[f"share{index}"] = (row["of_window"], "ratio")
        causes.append(f"{{cause{index}}} {{share{index}}}")
    text = ": ".join(filter(None, ("busy {busy}, idle {idle}", ", ".join(causes))))
    facts["device"] = (timeline_name(section.subject), "")
    yield note_of(f"{{device}}: {text}", facts, style="item")
