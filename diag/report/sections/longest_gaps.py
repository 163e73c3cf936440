"""The longest stretches without device work in which requests were open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.model import Note, Section
from diag.report.rows import Row, make_table, name_column, number_column, time_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.model.gaps import IdleCause, LongGap
    from diag.report.model import Cell

SHOWN_MAX = 5
# Stretches that are less of the idle time of their devices explain nothing of it.
SHOWN_MIN_RATIO = 0.05
_STATE_NOTE = Note(
    "open, one request was in, since: the state in the middle of the stretch", style="item"
)
COLUMNS = (
    number_column("gap", "no.", "count", "Number of the gap in this report."),
    name_column("timeline", "device", "Which device was idle."),
    number_column("offset_ns", "at", "ns", "From the window's start to the gap's."),
    time_column("start_unix_ns", "start", "Wall clock at its start.", is_detail=True),
    number_column("idle_ns", "idle", "ns", "Its length; its causes add up to it."),
    name_column("main_cause", "main cause", "The cause of most of it."),
    number_column("main_cause_ns", "of it", "ns", "Time of that cause.", is_detail=True),
    number_column("waiting_requests", "open", "requests", "Requests open in its middle."),
    name_column("doing", "one request was in", "Stage of the first of them."),
    number_column("doing_ns", "since", "ns", "For how long, in the middle of the gap."),
)
CAUSE_COLUMNS = (
    number_column("gap", "no.", "count", "Number of the gap."),
    name_column("cause", "cause", "One of its causes."),
    number_column("idle_ns", "idle", "ns", "Time of all pieces with that cause."),
)
WAITING_COLUMNS = (
    number_column("gap", "no.", "count", "Number of the gap."),
    number_column("request", "request", "count", "Row of the requests table."),
    name_column("doing", "doing", "Stage in the middle of the gap; open where unknown."),
    number_column("doing_ns", "for", "ns", "For how long."),
    name_column("thread", "thread", "Thread that shows it."),
)
_CUT = Unavailable("the window cut this request")


@topic(order=850)
def longest_gap_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Those with open requests first; the others, and those of the CPU, are details."""
    analysis = inputs.analysis
    if analysis.program.is_foreign:
        return
    gaps = sorted(
        analysis.longest_gaps, key=lambda gap: (not gap.waiting_total, gap.start_ns - gap.end_ns)
    )
    if not gaps:
        return
    devices = [gap for gap in gaps if analysis.timelines[gap.timeline_index].is_device]
    shown = [gap for gap in devices if gap.waiting_total][:SHOWN_MAX]
    numbered = list(enumerate(gaps, 1))
    rows = [
        Row(_cells(analysis, number, gap), is_detail=gap not in shown) for number, gap in numbered
    ]
    yield Section(
        id="longest_gaps",
        title="Longest idle stretches with requests open",
        tables=(
            make_table("longest_gaps", "", COLUMNS, rows, (_STATE_NOTE,)),
            make_table(
                "longest_gap_causes",
                "Their causes",
                CAUSE_COLUMNS,
                [Row((n, cause.value, ns)) for n, gap in numbered for cause, ns in by_cause(gap)],
                is_data_only=True,
            ),
            make_table(
                "longest_gap_requests",
                "Open requests in their middle",
                WAITING_COLUMNS,
                [row for n, gap in numbered for row in _waiting_rows(n, gap)],
                is_data_only=True,
            ),
        ),
        is_detail=not _explains(analysis, shown),
    )


def _explains(analysis: Analysis, shown: list[LongGap]) -> bool:
    """Whether the shown stretches are a part of their devices' idle time that is worth a table."""
    timelines = {gap.timeline_index for gap in shown}
    idle_ns = sum(each.idle_ns for index, each in enumerate(analysis.idle) if index in timelines)
    shown_ns = sum(gap.end_ns - gap.start_ns for gap in shown)
    return bool(shown) and shown_ns >= SHOWN_MIN_RATIO * idle_ns


def _cells(analysis: Analysis, number: int, gap: LongGap) -> tuple[Cell | None, ...]:
    capture = analysis.capture
    origin = capture.origin_unix_ns
    causes = by_cause(gap)
    first = gap.waiting[0] if gap.waiting else None
    middle_ns = (gap.start_ns + gap.end_ns) // 2
    return (
        number,
        analysis.timelines[gap.timeline_index].name,
        gap.start_ns - capture.window.start_ns,
        origin if isinstance(origin, Unavailable) else str(origin + gap.start_ns),
        gap.end_ns - gap.start_ns,
        causes[0][0].value if causes else None,
        causes[0][1] if causes else None,
        gap.waiting_total,
        first.stage if first else None,
        middle_ns - first.since_ns if first else None,
    )


def by_cause(gap: LongGap) -> list[tuple[IdleCause, int]]:
    """Time by cause, most first; a gap may consist of hundreds of pieces."""
    sums_ns: dict[IdleCause, int] = {}
    for cause, ns in gap.causes:
        sums_ns[cause] = sums_ns.get(cause, 0) + ns
    return sorted(sums_ns.items(), key=lambda item: -item[1])


def _waiting_rows(number: int, gap: LongGap) -> Iterator[Row]:
    middle_ns = (gap.start_ns + gap.end_ns) // 2
    for request in gap.waiting:
        row = request.request if request.request >= 0 else _CUT
        cells = (number, row, request.stage, middle_ns - request.since_ns, request.thread or None)
        yield Row(cells)
