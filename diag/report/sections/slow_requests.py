"""The slow requests of each model: what they have in common, and the slowest one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import instant
from diag.report.model import Section
from diag.report.notes import listed, note, note_of, plural
from diag.report.request_rows import request_table, stage_table
from diag.report.rows import (
    Row,
    flag_column,
    make_table,
    name_column,
    number_column,
    text_column,
)
from diag.report.tail_series import tail_series
from diag.report.topics import ReportInputs, topic
from diag.report.wording.tail import describe_association, property_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.analysis.tail import ModelTail
    from diag.report.model import Note, Series, Table

LISTED = 10
SHOWN = 3
ASSOCIATIONS_SHOWN = 3
SIZE_COLUMNS = (
    number_column("rows_low", "rows", "rows", "Rows of the batch as executed; the fewest."),
    number_column("rows_high", "to", "rows", "The most; the same unless there are many sizes."),
    number_column("requests", "requests", "count", "Requests whose largest batch had that size."),
    number_column("mean_ns", "mean", "ns", "Mean latency of these requests."),
    number_column("p50_ns", "p50", "ns", "Median of it."),
    number_column("p90_ns", "p90", "ns", "90th percentile of it."),
    number_column("p99_ns", "p99", "ns", "99th percentile of it."),
)
ASSOCIATION_COLUMNS = (
    text_column("what", "what", "The property, in words."),
    name_column("property", "property", "Its kind, a permanent code."),
    number_column("slow", "slow", "requests", "Slow requests that have it."),
    number_column("slow_total", "of", "requests", "Slow requests."),
    number_column("rest", "rest", "requests", "Other requests that have it."),
    number_column("rest_total", "of", "requests", "Other requests."),
    number_column("lift", "lift", "ratio", "Share of the slow over share of the rest."),
    number_column("lift_low", "low", "ratio", "Lower end of its interval."),
    number_column("lift_high", "high", "ratio", "Upper end of its interval."),
    flag_column("sure", "sure", "Whether the interval lies above 1."),
)


@topic(order=650)
def slow_request_sections(inputs: ReportInputs) -> Iterator[Section]:
    """A section a model; a detail where slow requests have nothing in common."""
    analysis = inputs.analysis
    for tail in analysis.tails:
        name = printable(tail.model, NAME_MAX_CHARS)
        slowest = tail.slow[:LISTED]
        steps = tail_series(analysis.requests, tail.model)
        notes = (*_notes(analysis, tail), *_step_notes(steps))
        yield Section(
            id="slow_requests",
            title=f"Slow requests of {name}",
            subject=tail.model,
            notes=notes,
            tables=(
                request_table("slowest_requests", "The slowest", analysis, slowest, SHOWN),
                stage_table("slowest_stages", "By stage", analysis, slowest, is_detail=True),
                _sizes(tail),
                _associations(analysis, tail),
            ),
            series=() if steps is None else (steps,),
            is_detail=not _has_answer(tail),
        )


def _has_answer(tail: ModelTail) -> bool:
    return bool(tail.moments) or (
        not isinstance(tail.associations, Unavailable) and bool(tail.associations)
    )


def _notes(analysis: Analysis, tail: ModelTail) -> Iterator[Note]:
    """What they have in common, or why nothing is said."""
    durations = analysis.requests.duration_ns[list(tail.slow)]
    yield note(
        "The slowest {slow} of {requests} requests take {least} to {most}.",
        slow=(len(tail.slow), "count"),
        requests=(tail.requests, "count"),
        least=(int(durations.min()), "ns"),
        most=(int(durations.max()), "ns"),
    )
    if tail.moments:
        yield _moments_note(tail)
    elif isinstance(tail.associations, Unavailable):
        text = "What they have in common is not looked for: {reason}."
        yield note_of(text, {"reason": (tail.associations.reason, "")}, is_detail=True)
    elif not tail.associations:
        yield note_of("They have nothing recorded in common.", {}, is_detail=True)
    else:
        for index, each in enumerate(tail.associations):
            found = describe_association(analysis, each)
            yield found if index < ASSOCIATIONS_SHOWN else _as_detail(found)


def _step_notes(steps: Series | None) -> Iterator[Note]:
    """Which stage lies between p50 and p99; a verdict of this model says it already."""
    if steps is None or not steps.values["stage"]:
        return
    extra_ns = math.fsum(each for each in steps.values["extra_ns"] if isinstance(each, float))
    text = (
        "Requests around p99 take {extra} more than those around p50. The largest difference is in "
        "{stage}, {most}."
    )
    yield note_of(
        text,
        {
            "stage": (steps.values["stage"][0], ""),
            "most": (steps.values["extra_ns"][0], "ns"),
            "extra": (extra_ns, "ns"),
        },
        is_detail=True,
    )


def _as_detail(of: Note) -> Note:
    return type(of)(of.text, of.label, of.facts, of.style, is_detail=True)


def _moments_note(tail: ModelTail) -> Note:
    """One event slowed all that were open."""
    spans = [f"from {instant(start)} to {instant(end)} ms" for start, end in tail.moments]
    what = plural(
        len(spans),
        "What happened then slowed all that were open.",
        "Each time something slowed all that were open.",
    )
    return note(f"All of them were open {listed(spans)}. {what}")


def _sizes(tail: ModelTail) -> Table:
    """Latency by batch size, most rows last."""
    rows = [
        Row(
            (
                each.rows_low,
                each.rows_high if each.rows_high != each.rows_low else None,
                each.latency.n,
                each.latency.mean_ns,
                each.latency.p50_ns,
                each.latency.p90_ns,
                each.latency.p99_ns,
            )
        )
        for each in tail.by_batch_size
    ]
    return make_table(
        "latency_by_batch_size", "Latency by batch size", SIZE_COLUMNS, rows, is_detail=True
    )


def _associations(analysis: Analysis, tail: ModelTail) -> Table:
    """The numbers of the notes."""
    found = () if isinstance(tail.associations, Unavailable) else tail.associations
    rows = [
        Row(
            (
                property_text(analysis, each.of),
                each.of.kind.value,
                each.slow,
                each.slow_total,
                each.rest,
                each.rest_total,
                each.lift,
                each.low,
                each.high,
                each.is_sure,
            )
        )
        for each in found
    ]
    return make_table(
        "slow_associations", "In common", ASSOCIATION_COLUMNS, rows, is_data_only=True
    )
