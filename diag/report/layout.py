"""Report → blocks: what a person reads, in which order. Text and Markdown draw the same blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, number, quantity
from diag.report.blocks import Block, Bullets, Heading, Paragraph
from diag.report.layout_aside import aside_blocks
from diag.report.layout_batches import batch_blocks
from diag.report.layout_costs import cost_blocks
from diag.report.layout_device import device_blocks
from diag.report.layout_gaps import gap_blocks
from diag.report.layout_ledger import host_blocks, ledger_blocks

if TYPE_CHECKING:
    from diag.report.report import CaptureFacts, CaveatPart, EvidencePart, Report, VerdictPart

NAME_CHARS = NAME_MAX_CHARS
_PLANE_MISSING = "plane-missing"


def lay_out(report: Report) -> tuple[Block, ...]:
    """What cannot be known, the verdict, the GPUs, what limits all this, then the requests."""
    cpu = tuple(timeline for timeline in report.timelines if not timeline.is_device)
    return (
        *_limit_blocks(report),
        *_verdict_blocks(report.verdict),
        *device_blocks(report),
        *_caveat_blocks(report),
        *_capture_blocks(report.capture),
        *(block for model in report.models for block in ledger_blocks(model)),
        *host_blocks(report.ops, report.pools),
        *cost_blocks(report.device_costs, report.kernels, report.device_ops),
        *gap_blocks(cpu, has_plane=bool(report.devices)),
        *batch_blocks(report.queues),
        *aside_blocks(report),
    )


def _verdict_blocks(verdict: VerdictPart) -> tuple[Block, ...]:
    blocks: list[Block] = [Paragraph(verdict.sentence, is_lead=True)]
    if verdict.knob:
        blocks.append(Paragraph(verdict.knob, label="change"))
    if verdict.verify:
        blocks.append(Paragraph(verdict.verify, label="verify"))
    sure = f"{verdict.cause}, confidence {verdict.confidence}"
    evidence = _evidence_text(verdict.evidence)
    blocks.append(Paragraph(f"{sure}: {evidence}" if evidence else sure, label="because"))
    return tuple(blocks)


def _evidence_text(evidence: tuple[EvidencePart, ...]) -> str:
    """Each number after its name; in brackets where those before can be looked up."""
    by_ref: dict[str, list[str]] = {}
    for item in evidence:
        unit = "" if item.unit in item.label else item.unit
        by_ref.setdefault(item.ref, []).append(f"{item.label} {quantity(item.value, unit)}")
    return "; ".join(f"{', '.join(items)} ({ref})" for ref, items in by_ref.items())


def _limit_blocks(report: Report) -> tuple[Block, ...]:
    """The very first line: which question this source cannot answer, whatever the verdict is."""
    return tuple(Paragraph(_caveat_text(limit), label="not known") for limit in report.limits)


def _caveat_blocks(report: Report) -> tuple[Block, ...]:
    """Always before the numbers of requests, also when there is none; limits have been shown."""
    said = {limit.code for limit in report.limits if limit in report.caveats}
    if any(item.kind == _PLANE_MISSING for item in report.agreements):
        # The line of the samples has said what to do about it.
        said = {limit.code for limit in report.limits}
    items = tuple(_caveat_text(item) for item in report.caveats if item.code not in said)
    if not items:
        return (Heading("Caveats"), Paragraph("none other" if report.limits else "none"))
    return (Heading("Caveats"), Bullets(items))


def _caveat_text(caveat: CaveatPart) -> str:
    return f"{' '.join(filter(None, (caveat.text, caveat.advice)))} [{caveat.code}]"


def _capture_blocks(facts: CaptureFacts) -> tuple[Block, ...]:
    when = f"from {facts.start_utc}" if isinstance(facts.start_utc, str) else "at an unknown time"
    level = "unknown" if isinstance(facts.tracer_level, Unavailable) else str(facts.tracer_level)
    source = (
        f"{printable(facts.source, NAME_CHARS)}: {duration(facts.window_ns)} {when}, "
        f"tracer level {level}, {number(facts.events)} events"
    )
    blocks: list[Block] = [
        Heading("Capture"),
        Paragraph(source, label="source"),
        Paragraph(_requests_text(facts), label="requests"),
    ]
    if facts.batches or facts.censored_batches:
        blocks.append(Paragraph(_batches_text(facts), label="batches"))
    if not isinstance(facts.server_models, Unavailable):
        names = ", ".join(printable(name, NAME_CHARS) for name in facts.server_models)
        blocks.append(Paragraph(names or "none", label="serving"))
    return tuple(blocks)


def _requests_text(facts: CaptureFacts) -> str:
    if isinstance(facts.requests, Unavailable):
        seen = f"n/a ({facts.requests.reason})"
    else:
        complete = number(facts.complete_requests)
        seen = f"{number(facts.requests)} seen whole, {complete} with every link"
    extra = (
        (facts.censored_requests, "cut by the window's edges"),
        (facts.refused_requests, "refused by the queue"),
        (facts.split_requests, "split over batches"),
        (facts.ambiguous_links, "with an ambiguous link"),
    )
    return ", ".join([seen, *(f"{number(n)} {what}" for n, what in extra if n)])


def _batches_text(facts: CaptureFacts) -> str:
    extra = (
        (facts.censored_batches, "{} cut by the window's edges"),
        (facts.rows_without_request, "{} of their rows of requests that were cut"),
    )
    return ", ".join(
        [f"{number(facts.batches)} whole", *(what.format(number(n)) for n, what in extra if n)]
    )
