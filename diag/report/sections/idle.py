"""Why each device, or the models' execution on the CPU, was idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.findings.device import traced_text
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, Confidence
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.model import Note, Section
from diag.report.notes import note, note_of
from diag.report.rows import Row, flag_column, make_table, name_column, number_column
from diag.report.shares import share
from diag.report.stretch_series import stretch_series
from diag.report.topics import ReportInputs, topic
from diag.report.wording.idle import define_idle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis, GapSummary
    from diag.model.events import Bools
    from diag.model.gaps import GapTable, IdleCause
    from diag.report.model import Column, Table

# From here on the report says what less starvation would bring.
STARVED_MIN_RATIO = 0.05
# Of more devices than this, one table has the main cause of each.
OWN_TABLES_MAX = 2
_SHARES = (
    ("busy", "busy", "Share of the window in which it executed."),
    ("idle", "idle", "The rest of the window."),
    ("starved", "starved", "Idle with requests in the server whose input was not ready."),
    ("no_demand", "no demand", "Idle without any request for it."),
)
_TIMES = (
    ("busy_ns", "busy", "Time in which it executed."),
    ("idle_ns", "idle", "The rest of the window."),
    ("starved_ns", "starved", "As the share."),
    ("no_demand_ns", "no demand", "As the share."),
    ("waiting_ns", "waiting", "Idle with a request open."),
    ("recoverable_ns_per_second", "recoverable", "Starved time per second of the window."),
)


def _overview_columns(*, has_shares: bool) -> tuple[Column, ...]:
    return (
        name_column("timeline", "device", "Device, or execution on the CPU."),
        *(
            number_column(key, title, "ratio", meaning, is_detail=not has_shares)
            for key, title, meaning in _SHARES
        ),
        name_column("main_cause", "main cause", "The cause of most of its idle time."),
        number_column(
            "main_cause_share", "of idle", "ratio", "Share of that cause in its idle time."
        ),
        number_column("main_cause_ns", "idle", "ns", "Idle time of that cause."),
        *(
            number_column(key, title, "ns", meaning, is_detail=True)
            for key, title, meaning in _TIMES
        ),
    )


@topic(order=800)
def idle_sections(inputs: ReportInputs) -> Iterator[Section]:
    """All timelines in one table where there are many, then the causes of each."""
    analysis = inputs.analysis
    if not analysis.idle:
        return
    if analysis.program.is_foreign:
        yield from map(_busy_section, (s for s in analysis.idle if not s.timeline.is_device))
        return
    devices = sum(summary.timeline.is_device for summary in analysis.idle)
    has_many = devices > OWN_TABLES_MAX
    rows = [_overview_row(summary) for summary in analysis.idle]
    # The table of devices has the shares of each.
    columns = _overview_columns(has_shares=len(analysis.devices) < len(analysis.idle))
    yield Section(
        id="idle_overview",
        title="Idle time of all devices",
        tables=(make_table("idle_overview", "", columns, rows),),
        is_detail=not has_many,
    )
    for index, summary in enumerate(analysis.idle):
        yield _section(analysis, summary, is_first=index == 0, is_detail=has_many)


def _busy_section(summary: GapSummary) -> Section:
    """Without requests there is no cause of idle time; the table of GPUs has theirs."""
    timeline = summary.timeline
    busy_ns, idle_ns = timeline.busy_ns, summary.idle_ns
    return Section(
        id="idle",
        title="TensorFlow ops on the CPU",
        subject=timeline.name,
        is_detail=True,  # the verdict has the share
        notes=(
            note(
                "Of the window: ops ran for {busy} ({busy_ns}), none for {idle} ({idle_ns}).",
                busy=(share(busy_ns, timeline.window.duration_ns), "ratio"),
                busy_ns=(busy_ns, "ns"),
                idle=(share(idle_ns, timeline.window.duration_ns), "ratio"),
                idle_ns=(idle_ns, "ns"),
            ),
        ),
    )


def timeline_name(name: str) -> str:
    """As a sentence calls a timeline."""
    return (
        "model execution on the CPU" if name == "cpu-execution" else printable(name, NAME_MAX_CHARS)
    )


def _overview_row(summary: GapSummary) -> Row:
    timeline = summary.timeline
    window_ns = timeline.window.duration_ns
    causes = _ranked(summary)
    return Row(
        (
            timeline.name,
            share(timeline.busy_ns, window_ns),
            share(summary.idle_ns, window_ns),
            share(summary.starved_ns, window_ns),
            share(summary.no_demand_ns, window_ns),
            causes[0][0].value if causes else None,
            share(causes[0][1], summary.idle_ns) if causes else None,
            causes[0][1] if causes else None,
            timeline.busy_ns,
            summary.idle_ns,
            summary.starved_ns,
            summary.no_demand_ns,
            summary.waiting_ns,
            summary.recoverable_ns_per_second,
        )
    )


def _ranked(summary: GapSummary) -> list[tuple[IdleCause, int]]:
    """Causes that were seen, most idle time first."""
    seen = [(cause, ns) for cause, ns in summary.by_cause_ns.items() if ns]
    return sorted(seen, key=lambda item: -item[1])


def _section(
    analysis: Analysis, summary: GapSummary, *, is_first: bool, is_detail: bool
) -> Section:
    timeline = summary.timeline
    causes = _ranked(summary)
    notes = tuple(_table_notes(summary)) if is_first else ()
    tables = (_cause_table(analysis, summary, causes, notes),) if causes else ()
    return Section(
        id="idle",
        title=f"Idle time of {timeline_name(timeline.name)}",
        subject=timeline.name,
        notes=tuple(_idle_notes(analysis, summary)),
        tables=tables,
        series=(stretch_series(timeline, analysis.gaps, _rows_of(analysis, summary)),),
        is_detail=is_detail,
    )


def _table_notes(summary: GapSummary) -> Iterator[Note]:
    """How to read the first table of causes; the table of GPUs has said what idle means."""
    if not summary.timeline.is_device:
        yield Note(define_idle(is_device=False), style="item")
    yield note(
        "the causes add up to the idle time, {idle_ns}",
        style="item",
        idle_ns=(summary.idle_ns, "ns"),
    )


def _idle_notes(analysis: Analysis, summary: GapSummary) -> Iterator[Note]:
    timeline = summary.timeline
    window_ns = timeline.window.duration_ns
    whole = traced_text(analysis) if timeline.is_device else "the window"
    yield note(
        f"Of {whole}: busy {{busy}} ({{busy_ns}}), idle {{idle}} ({{idle_ns}}); starved "
        "{starved}, no demand {no_demand}.",
        busy=(share(timeline.busy_ns, window_ns), "ratio"),
        busy_ns=(timeline.busy_ns, "ns"),
        idle=(share(summary.idle_ns, window_ns), "ratio"),
        idle_ns=(summary.idle_ns, "ns"),
        starved=(share(summary.starved_ns, window_ns), "ratio"),
        no_demand=(share(summary.no_demand_ns, window_ns), "ratio"),
    )
    is_worth_it = summary.starved_ns >= STARVED_MIN_RATIO * window_ns
    if timeline.is_device and summary.starved_ns and is_worth_it:
        yield note(
            "Idle for {waiting} with requests open; without starvation, {won} more device time "
            "per second.",
            waiting=(summary.waiting_ns, "ns"),
            won=(summary.recoverable_ns_per_second, "ns"),
        )
    levels = _by_confidence(analysis.gaps, _rows_of(analysis, summary))
    seen = {level.value: ns for level, ns in levels.items() if ns}
    yield note_of(
        f"Confidence in the causes: {', '.join(f'{level} for {{{level}}}' for level in seen)}.",
        {level: (ns, "ns") for level, ns in seen.items()},
        is_detail=not timeline.is_device,
    )


def _rows_of(analysis: Analysis, summary: GapSummary) -> Bools:
    index = analysis.timelines.index(summary.timeline)
    rows: Bools = analysis.gaps.timeline_index == index
    return rows


def _columns(*, is_device: bool) -> tuple[Column, ...]:
    """A device's causes come with their confidence, those of the CPU with number and length."""
    on_cpu, on_device = is_device, not is_device  # detail columns of the other kind
    return (
        name_column("cause", "idle because of", "Why nothing executed (docs/attribution.md)."),
        flag_column(
            "starvation", "starved", "Whether requests were in the server, their input not ready."
        ),
        number_column("idle_ns", "idle", "ns", "Idle time of this cause."),
        number_column("of_idle", "of idle", "ratio", "Share of idle time.", is_detail=on_cpu),
        number_column("of_window", "of window", "ratio", "Share of the window."),
        number_column("pieces", "count", "count", "Stretches of it.", is_detail=on_cpu),
        number_column("longest_ns", "max", "ns", "The longest of them.", is_detail=on_cpu),
        name_column(
            "confidence", "confidence", "Confidence of most of this time.", is_detail=on_device
        ),
        name_column(
            "runner_up",
            "other candidate",
            "The cause that other evidence speaks for in most of this time.",
            is_detail=on_device,
        ),
        number_column(
            "runner_up_ns", "for", "ns", "For how long that evidence does.", is_detail=True
        ),
        *(
            number_column(
                f"{level.value}_ns", level.value, "ns", "With this confidence.", is_detail=True
            )
            for level in CONFIDENCES
        ),
    )


def _cause_table(
    analysis: Analysis,
    summary: GapSummary,
    causes: list[tuple[IdleCause, int]],
    notes: tuple[Note, ...],
) -> Table:
    mine = _rows_of(analysis, summary)
    window_ns = summary.timeline.window.duration_ns
    rows = []
    for cause, idle_ns in causes:
        own = mine & (analysis.gaps.cause_index == cause.index)
        lengths_ns = (analysis.gaps.end_ns - analysis.gaps.start_ns)[own]
        levels = _by_confidence(analysis.gaps, own)
        runner_up, runner_up_ns = _runner_up(analysis.gaps, own)
        cells = (
            cause.value,
            cause.is_starvation,
            idle_ns,
            share(idle_ns, summary.idle_ns),
            share(idle_ns, window_ns),
            int(np.count_nonzero(own)),
            int(lengths_ns.max(initial=0)),
            max(CONFIDENCES, key=lambda level: levels[level]).value,
            runner_up,
            runner_up_ns,
            *levels.values(),
        )
        rows.append(Row(cells))
    return make_table("idle", "", _columns(is_device=summary.timeline.is_device), rows, notes)


def _by_confidence(gaps: GapTable, mine: Bools) -> dict[Confidence, int]:
    sums_ns = np.zeros(len(CONFIDENCES), np.int64)
    np.add.at(sums_ns, gaps.confidence_index[mine], (gaps.end_ns - gaps.start_ns)[mine])
    return {level: int(ns) for level, ns in zip(CONFIDENCES, sums_ns, strict=True)}


def _runner_up(gaps: GapTable, mine: Bools) -> tuple[str | None, int | None]:
    """The cause that is second for most of the time, and that time."""
    mine = mine & (gaps.runner_up_index >= 0)
    sums_ns = np.zeros(len(IDLE_CAUSES), np.int64)
    np.add.at(sums_ns, gaps.runner_up_index[mine], (gaps.end_ns - gaps.start_ns)[mine])
    best = int(sums_ns.argmax())
    return (IDLE_CAUSES[best].value, int(sums_ns[best])) if sums_ns[best] else (None, None)
