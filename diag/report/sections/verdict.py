"""The verdict, its confidence, and on request the numbers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import leading
from diag.model.availability import Unavailable
from diag.model.finding import Tier
from diag.report.model import Column, Note, Section
from diag.report.rows import Row, make_table, name_column, text_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.finding import CounterEvidence

EVIDENCE_COLUMNS = (
    text_column("finding", "finding", "Id of the finding that rests on it."),
    name_column("name", "evidence", "What was measured."),
    Column("value", "value", "", "The value, in its own unit.", "number", unit_key="unit"),
    text_column("unit", "unit", "Unit of the value.", is_detail=True),
    text_column("table", "table", "Where the value can be looked up."),
    text_column("row", "row", "Which row of that table."),
)


# Caveats of servers that have GPUs, but no trace of their work: the verdict may be of the CPU only.
_GPU_DOUBTS = frozenset({"gpu-plane-missing", "gpu-planes-empty"})
# The other tiers say that something cannot be seen, or that nothing is lost.
_TIERS_OF_CAUSES = frozenset({Tier.FAILURES, Tier.DISTURBANCE, Tier.REQUEST_TIME, Tier.DEVICE_TIME})


@topic(order=100)
def verdict_sections(inputs: ReportInputs) -> Iterator[Section]:
    """One sentence to read aloud, and how sure it is."""
    verdict = inputs.verdict
    doubts = [item.text for item in inputs.caveats if item.code in _GPU_DOUBTS - {verdict.id}]
    name = f" [{verdict.id}]" if leading(inputs.findings) is not None else ""
    reason = f"{verdict.confidence_reason.removesuffix('.')}{name}"
    confidence = ". ".join(filter(None, (_confidence(inputs), reason)))
    yield Section(
        id="verdict",
        title="",
        notes=(
            Note(verdict.sentence, style="lead", strong=verdict.what),
            Note(". ".join((confidence, *doubts)), label="confidence"),
        ),
        is_summary=True,
    )


def _confidence(inputs: ReportInputs) -> str:
    """Also of what, where the verdict names a cause of lost time."""
    level = inputs.verdict.confidence.value
    first = leading(inputs.findings)
    names_cause = first is not None and first.tier in _TIERS_OF_CAUSES
    return f"{level} that this is the cause" if names_cause else level


@topic(order=1500)
def evidence_sections(inputs: ReportInputs) -> Iterator[Section]:
    """The numbers that the verdict and the findings rest on, and what would speak against them."""
    # The verdict has those of the first finding.
    sources = [(inputs.verdict.id, inputs.verdict.evidence)]
    first = leading(inputs.findings)
    sources += [(each.id, each.evidence) for each in inputs.findings if each is not first]
    rows = [
        Row((owner, item.name, item.value, item.unit, item.source.table, item.source.row))
        for owner, evidence in sources
        for item in evidence
    ]
    against = [
        Note(f"{finding.id}: looked for {item.looked_for}: {_answer(item)}", style="item")
        for finding in inputs.findings
        for item in finding.counter_evidence
    ]
    if rows or against:
        table = make_table("evidence", "", EVIDENCE_COLUMNS, rows)
        yield Section(
            id="evidence",
            title="Evidence",
            notes=tuple(against),
            tables=(table,) if rows else (),
            is_detail=True,
        )


def _answer(item: CounterEvidence) -> str:
    if isinstance(item.found, Unavailable):
        return f"not known ({item.found.reason})"
    answer = "found" if item.found else "not found"
    return f"{answer} ({item.detail})" if item.detail else answer
