"""Single requests → Report: the whole way of each, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.requests.choice import open_at, slowest
from diag.analysis.requests.path_lines import lines_of
from diag.errors import UsageError
from diag.model.availability import Unavailable
from diag.model.quantity import instant
from diag.model.serving import STAGES, Stage
from diag.report.build import report_of
from diag.report.model import Note, Section
from diag.report.notes import note, note_of, plural
from diag.report.request_rows import START, VIEWER, WALL, request_table, stage_table, unix_text
from diag.report.rows import Row, make_table, name_column, number_column, text_column
from diag.report.wording.path_lines import describe_line
from diag.report.wording.request_events import describe_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from diag.analysis.requests.path_lines import PathLine
    from diag.analysis.requests.paths import RequestPaths
    from diag.analysis.result import Analysis
    from diag.model.paths import RequestPath
    from diag.report.model import Cell, Report

# A report stays one that a person reads, and is made in seconds.
REQUESTS_MAX = 100
OPEN_MAX = 10
PIECES_MAX = 1_000
# An op that takes less of a line explains nothing of it.
OP_MIN_RATIO = 0.05
_COMMON = (VIEWER, START, WALL)
_THREAD = name_column("thread", "thread", "Thread whose event shows it; empty where none does.")
_BATCH = number_column("batch", "batch", "setting", "Row of the batches table, from 0.")
LINE_COLUMNS = (
    name_column("stage", "stage", "The stage with most of the line's time."),
    *_COMMON,
    number_column("time_ns", "time", "ns", "Length of the line."),
    number_column(
        "stage_ns", "of it", "ns", "Time in the stage itself, where short pieces of others are in."
    ),
    _THREAD,
    _BATCH,
    text_column("what", "what", "What happened, or what the request waited for."),
    name_column("longest_op", "longest op", "Op of the run that takes most of the line."),
    number_column("longest_op_ns", "op", "ns", "Time of that op within the line."),
    number_column("pieces", "pieces", "count", "Pieces told in this line.", is_detail=True),
)
PIECE_COLUMNS = (
    name_column("stage", "stage", "The stage of the piece."),
    *_COMMON,
    number_column("time_ns", "time", "ns", "Length of the piece."),
    _THREAD,
    _BATCH,
)
_VIEWER_NOTE = Note(
    "at: ms since the trace began, as trace viewers count; of it: the stage itself, where short "
    "pieces of other stages lie between; batch: row of the batches table",
    style="item",
)


def build_request_report(
    analysis: Analysis,
    *,
    requests: Sequence[int] = (),
    slowest_count: int = 0,
    at_ns: int | None = None,
) -> Report:
    """The whole way of some requests, given in one of three ways.

    Args:
        analysis: Of the capture.
        requests: Rows of the request table, from 0.
        slowest_count: The so many longest requests.
        at_ns: Those open at this instant, ns since the capture's origin: the first ten.

    Raises:
        UsageError: None or several ways were used, or there is no such request.
    """
    if bool(requests) + bool(slowest_count) + (at_ns is not None) != 1:
        raise UsageError("give `requests`, `slowest_count` or `at_ns`, and one of them only")
    total = len(analysis.requests)
    title, count = "", total
    if at_ns is not None:
        found = open_at(analysis.requests, at_ns).tolist()
        title, count = f"Requests open at {instant(at_ns)} ms", len(found)
        chosen = found[:OPEN_MAX]
    elif slowest_count:
        _check(0 < slowest_count <= REQUESTS_MAX, f"`slowest_count` is {slowest_count}")
        title = "The slowest requests"
        chosen = slowest(analysis.requests, slowest_count).tolist()
    else:
        _check(len(requests) <= REQUESTS_MAX, f"{len(requests)} requests are asked for")
        chosen = list(requests)
        for each in chosen:
            if not 0 <= each < total:
                raise _no_such_request(each, total)
    return report_of(analysis, tuple(_sections(analysis, title, chosen, count)))


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise UsageError(f"{what}; 1 to {REQUESTS_MAX} are possible")


def _no_such_request(request: int, total: int) -> UsageError:
    known = f"the recording has the requests 0 to {total - 1}" if total else "it recorded none"
    return UsageError(f"there is no request {request}: {known}", parameter="requests")


def _sections(analysis: Analysis, title: str, chosen: list[int], count: int) -> Iterator[Section]:
    """A table of all of them, if the title asks for it, then a section each."""
    if not chosen:
        text = "none: no request is open then" if len(analysis.requests) else "none was recorded"
        yield Section(id="shown_requests", title=title, notes=(Note(f"{text}."),))
        return
    if title:
        yield Section(
            id="shown_requests",
            title=title,
            notes=(
                note(
                    "{shown} of {count} are shown.",
                    shown=(len(chosen), "count"),
                    count=(count, "requests"),
                ),
            ),
            tables=(
                request_table("shown_requests", "", analysis, chosen, len(chosen)),
                stage_table("shown_request_stages", "By stage", analysis, chosen, is_detail=False),
            ),
        )
    for index, request in enumerate(chosen):
        yield _section(analysis, request, explains=index == 0)


def _section(analysis: Analysis, request: int, *, explains: bool) -> Section:
    paths = analysis.paths
    title = f"Request {request}"
    head = _head(analysis, request)
    if isinstance(paths, Unavailable):
        return Section(id="request", title=title, notes=(head, Note(f"n/a: {paths.reason}.")))
    path = paths.of(request)
    lines = [Row(_line_cells(analysis, paths, each)) for each in lines_of(path)]
    pieces = [Row(cells) for cells in _piece_cells(analysis, path)]
    left_out = len(path) - len(pieces)
    rest = (Note(f"{left_out:,} more pieces", style="item"),) if left_out else ()
    return Section(
        id="request",
        title=title,
        notes=(head, *describe_events(analysis, request)),
        tables=(
            make_table(
                "request_path", "", LINE_COLUMNS, lines, (_VIEWER_NOTE,) if explains else ()
            ),
            make_table("request_pieces", "Each piece", PIECE_COLUMNS, pieces, rest, is_detail=True),
        ),
    )


def _head(analysis: Analysis, request: int) -> Note:
    """Model, length against the model's p50, and how far its parts are known."""
    table = analysis.requests
    model = table.models[int(table.model_index[request])]
    took_ns = int(table.duration_ns[request])
    start_ns, end_ns = int(table.start_ns[request]), int(table.end_ns[request])
    facts: dict[str, tuple[Cell, str]] = {
        "model": (model, ""),
        "took": (took_ns, "ns"),
        "start": (instant(start_ns), ""),
        "end": (instant(end_ns), ""),
    }
    text = "{model}: {took}, from {start} to {end} ms."
    summary = next((each for each in analysis.models if each.model == model), None)
    if summary is not None and isinstance(summary.latency.p50_ns, int) and summary.latency.p50_ns:
        facts["times"] = (took_ns / summary.latency.p50_ns, "")
        facts["p50"] = (summary.latency.p50_ns, "ns")
        text += " That is {times} times the p50 of its model, {p50}."
    rows = int(table.rows[request])
    if rows >= 0:
        facts["rows"] = (rows, "count")
        text += f" It has {{rows}} {plural(rows, 'row')}."
    if not table.complete[request]:
        text += (
            " Links to its batch or run are missing or failed: some of its stages are not known."
        )
    return note_of(text, facts)


def _line_cells(analysis: Analysis, paths: RequestPaths, line: PathLine) -> tuple[Cell | None, ...]:
    op = _longest_op(paths, line)
    return (
        line.stage.value,
        instant(line.start_ns),
        line.start_ns,
        unix_text(analysis, line.start_ns),
        line.end_ns - line.start_ns,
        line.stage_ns if line.stage_ns < line.end_ns - line.start_ns else None,
        _thread(analysis, line.line),
        line.batch if line.batch >= 0 else None,
        describe_line(analysis, line) or None,
        op[0] if op else None,
        op[1] if op else None,
        line.pieces,
    )


def _longest_op(paths: RequestPaths, line: PathLine) -> tuple[str, int] | None:
    """None where the request waits, or where no op explains the line."""
    if line.step < 0 or line.stage is Stage.QUEUE_EXECUTOR:
        return None
    found = paths.longest_op(line.step, line.start_ns, line.end_ns)
    length_ns = line.end_ns - line.start_ns
    return found if found and found[1] >= OP_MIN_RATIO * length_ns else None


def _piece_cells(analysis: Analysis, path: RequestPath) -> Iterator[tuple[Cell | None, ...]]:
    for i in range(min(len(path), PIECES_MAX)):
        start_ns, batch = int(path.start_ns[i]), int(path.batch[i])
        yield (
            STAGES[int(path.stage_index[i])].value,
            instant(start_ns),
            start_ns,
            unix_text(analysis, start_ns),
            int(path.end_ns[i]) - start_ns,
            _thread(analysis, int(path.line[i])),
            batch if batch >= 0 else None,
        )


def _thread(analysis: Analysis, line: int) -> str | None:
    """Name of the thread; its number where it has no name."""
    if line < 0:
        return None
    found = analysis.host.lines[line]
    return found.name or str(found.id)
