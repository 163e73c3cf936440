"""Where the time of each model's requests went, stage by stage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from diag.findings.without_requests import NOT_RECORDED
from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import StageGroup
from diag.report.model import Note, Section, Table
from diag.report.notes import listed, note, note_of, plural
from diag.report.percentile_series import percentile_series, rows_series
from diag.report.rows import Row, flag_column, make_table, name_column, number_column
from diag.report.sections.server_metrics import failure_notes
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.distribution import Distribution
    from diag.analysis.result import Analysis, Counts, ModelSummary, StageSummary
    from diag.report.model import Cell, Series

COLUMNS = (
    name_column("stage", "stage", "Part of a request's path; the stages add up to the request."),
    name_column("group", "group", "The group that the stage belongs to.", is_detail=True),
    flag_column("known", "known", "Whether the trace marks this stage.", is_detail=True),
    number_column("share", "share", "ratio", "Share of the time of all requests of the model."),
    number_column("mean_ns", "mean", "ns", "Mean time per request."),
    number_column("p50_ns", "p50", "ns", "Median, over requests."),
    number_column("p90_ns", "p90", "ns", "90th percentile, over requests."),
    number_column("p99_ns", "p99", "ns", "99th percentile, over requests."),
    number_column(
        "tail_ns",
        "tail",
        "ns",
        "Mean of the requests around p99 (1% of all) minus mean of those around p50 (10%).",
    ),
)
_ONE_SLOW, _MANY_SLOW = "the request at p99", "mean of the {slow} requests around p99"
_TOTAL, _GROUP, _MEMBER = 0, 1, 2
_NOT_MARKED = Unavailable("no event of the trace marks this stage")


@topic(order=600)
def request_sections(inputs: ReportInputs) -> Iterator[Section]:
    """How many requests there are, then a ledger a model."""
    counts = inputs.analysis.counts
    # A verdict about missing requests has said so.
    if inputs.verdict.id != NOT_RECORDED and inputs.analysis.program.may_serve:
        notes = (_count_note(counts), *failure_notes(inputs.analysis))
        yield Section(id="requests", title="Requests", notes=notes)
    for index, model in enumerate(inputs.analysis.models):
        name = printable(model.model, NAME_MAX_CHARS)
        yield Section(
            id="ledger",
            title=f"Where the time of {name} goes",
            subject=model.model,
            notes=(
                note(
                    "{requests} requests, {rate} per second ({modes}).",
                    requests=(model.latency.n, "count"),
                    rate=(model.rate_per_second, "count"),
                    modes=(", ".join(mode.value for mode in model.modes), ""),
                ),
            ),
            tables=(_ledger(model, is_first=index == 0),),
            series=_bars(inputs.analysis, model.model),
        )


def _count_note(counts: Counts) -> Note:
    """How many requests the numbers rest on, and what is not in them."""
    facts: dict[str, tuple[Cell, str]] = {
        key: (n, "count")
        for key, n in (
            ("complete", counts.complete),
            ("partial", _partial(counts)),
            ("refused", counts.refused),
            ("failed", counts.failed_in_batch),
            ("split", counts.split_requests),
            ("ambiguous", counts.ambiguous_links),
            ("requests_cut", counts.censored),
            ("batches_cut", counts.censored_batches),
            ("rows_cut", counts.batch_rows_missing),
        )
        if n or key == "complete"
    }
    known = "" if isinstance(counts.complete, Unavailable) else "{complete} complete"
    sentences = [
        known or f"n/a: {_braced(counts.complete)}",
        *(text for key, text in _COUNT_TEXTS.items() if key in facts),
    ]
    cut = [
        f"{{{key}}} {plural(n, thing, things)}"
        for key, n, thing, things in (
            ("requests_cut", counts.censored, "request", "requests"),
            ("batches_cut", counts.censored_batches, "batch", "batches"),
            ("rows_cut", counts.batch_rows_missing, "row", "rows"),
        )
        if n
    ]
    if cut:
        sentences.append(f"{listed(cut)} incomplete at the window's edges")
    return note_of(f"{'. '.join(sentences)}.", facts)


_COUNT_TEXTS = {
    "partial": "{partial} without all links (left out below)",
    "refused": "{refused} failed before they joined a batch",
    "failed": "{failed} failed with their batch",
    "split": "{split} split over several batches",
    "ambiguous": "{ambiguous} with an ambiguous link to a batch",
}


def _partial(counts: Counts) -> int:
    if isinstance(counts.requests, Unavailable) or isinstance(counts.complete, Unavailable):
        return 0
    return counts.requests - counts.complete - counts.failed_in_batch


def _braced(missing: int | Unavailable) -> str:
    """The reason as part of a template."""
    reason = missing.reason if isinstance(missing, Unavailable) else ""
    return reason.replace("{", "{{").replace("}", "}}")


def _ledger(model: ModelSummary, *, is_first: bool) -> Table:
    total = ("request", None, True, 1.0, *_times(model.latency), model.tail_ns)
    rows = [Row(total, level=_TOTAL)]
    notes = tuple(_ledger_notes(model, explain_sign=is_first))
    for group in StageGroup:
        rows += _group_rows(group, [s for s in model.stages if s.stage.group is group])
    return make_table("ledger", "", COLUMNS, rows, notes)


def _group_rows(group: StageGroup, stages: list[StageSummary]) -> Iterator[Row]:
    """A subtotal, then the stages that are not 0; one row where one stage is all of it."""
    shown = [stage for stage in stages if _is_shown(stage)]
    is_alone = len(shown) == 1
    if not is_alone:
        known = [stage for stage in stages if stage.known]
        cells: tuple[Cell | None, ...] = (
            group.value,
            group.value,
            bool(known),
            math.fsum(stage.share for stage in known) if known else _NOT_MARKED,
            _total([stage.time.mean_ns for stage in known]),
            *(None, None, None),
            _total([stage.tail_ns for stage in known]),
        )
        yield Row(cells, level=_GROUP, is_detail=not shown)
    # The stage that stands for its group comes first.
    for stage in sorted(stages, key=lambda each: is_alone and each not in shown):
        yield Row(
            (stage.stage.value, group.value, stage.known, *_stage_cells(stage)),
            level=_GROUP if is_alone and stage in shown else _MEMBER,
            is_detail=stage not in shown,
        )


def _stage_cells(stage: StageSummary) -> tuple[Cell, ...]:
    if not stage.known:
        return (_NOT_MARKED,) * 6
    return (stage.share, *_times(stage.time), stage.tail_ns)


def _times(time: Distribution) -> tuple[Cell, ...]:
    return (time.mean_ns, time.p50_ns, time.p90_ns, time.p99_ns)


def _is_shown(stage: StageSummary) -> bool:
    return not stage.known or stage.share > 0


def _total(values: list[float | Unavailable]) -> float | Unavailable:
    """Their sum; the first reason if one of them is missing."""
    for value in values:
        if isinstance(value, Unavailable):
            return value
    if not values:
        return _NOT_MARKED
    return math.fsum(value for value in values if not isinstance(value, Unavailable))


def _ledger_notes(model: ModelSummary, *, explain_sign: bool) -> Iterator[Note]:
    """What the columns mean, and why a cell says n/a."""
    if isinstance(model.tail_ns, Unavailable):
        yield Note(f"tail n/a: {model.tail_ns.reason}", style="item")
    else:
        negative = "; negative: slow requests spend less time there" if explain_sign else ""
        yield note_of(
            f"tail: {plural(model.tail_slow, _ONE_SLOW, _MANY_SLOW)} minus mean of the {{middle}} "
            f"around p50{negative}",
            {"slow": (model.tail_slow, "count"), "middle": (model.tail_middle, "count")},
            style="item",
        )
    latency = model.latency
    reasons: dict[str, list[str]] = {}
    for label, value in (("p50", latency.p50_ns), ("p90", latency.p90_ns), ("p99", latency.p99_ns)):
        if isinstance(value, Unavailable):
            reasons.setdefault(value.reason, []).append(label)
    for why, labels in reasons.items():
        yield Note(f"{', '.join(labels)} n/a: {why}", style="item")
    unknown = [stage.stage.value for stage in model.stages if not stage.known]
    if unknown:
        yield Note(
            f"n/a: no event of the trace marks {', '.join(unknown)}; that time is part of "
            "a neighbouring stage or of unattributed",
            style="item",
        )


def _bars(analysis: Analysis, model: str) -> tuple[Series, ...]:
    """Stages by percentile, and by rows of the batch where batches differ."""
    by_rows = rows_series(analysis, model)
    by_percentile = percentile_series(analysis.requests, model)
    return (by_percentile,) if by_rows is None else (by_percentile, by_rows)
