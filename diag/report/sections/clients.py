"""What clients wait for, by their own log, next to what the trace shows of the same requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.model import Note, Section
from diag.report.notes import note
from diag.report.rows import Row, make_table, name_column, number_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.clients.client_times import ClientTimes, ClientView
    from diag.analysis.distribution import Distribution
    from diag.report.model import Table

COLUMNS = (
    name_column("part", "time of", "The call, its request in the trace, or the difference."),
    number_column("calls", "calls", "count", "Calls of which a request is in the trace."),
    number_column("mean_ns", "mean", "ns", "Mean."),
    number_column("p50_ns", "p50", "ns", "Median; of differences, roughly (docs/attribution.md)."),
    number_column("p90_ns", "p90", "ns", "90th percentile, likewise."),
    number_column("p99_ns", "p99", "ns", "99th percentile, likewise."),
)
FAILURE_COLUMNS = (
    name_column("status", "status", "As the client logged it."),
    number_column("calls", "calls", "count", "Calls that ended so in the window."),
)


@topic(order=950)
def client_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Only where a client log was given."""
    clients = inputs.analysis.clients
    if isinstance(clients.log, Unavailable):
        return
    yield Section(
        id="clients",
        title="Time of the clients' calls",
        notes=tuple(_notes(clients)),
        tables=tuple(_tables(clients)),
    )


def _notes(clients: ClientView) -> Iterator[Note]:
    times = clients.times
    if isinstance(times, Unavailable):
        yield Note(times.reason, label="n/a")
        return
    yield note(
        "{matched} requests of the trace lie inside a call of the log each.",
        matched=(times.matched, "count"),
    )
    yield note(
        "Of the difference, {low} to {high} on average lie before the request.",
        low=(times.before_low_ns, "ns"),
        high=(times.before_high_ns, "ns"),
    )
    yield note(
        "{calls} calls and {requests} requests are open on average; the server has {most} open at "
        "most.",
        calls=(times.open.calls_mean, ""),
        requests=(times.open.requests_mean, ""),
        most=(times.open.requests_max, "count"),
    )
    clock = times.clock
    if clock.low_ns <= 0 <= clock.high_ns:
        yield note(
            "The clients' clock agrees with the server's to {error}, as far as the log shows.",
            error=(clock.error_ns, "ns"),
        )
    else:
        yield note(
            "The clients' clock is {offset} {direction} the server's, to {error}; that is taken "
            "into account.",
            offset=(abs(clock.ns), "ns"),
            direction=("behind" if clock.ns > 0 else "ahead of", ""),
            error=(clock.error_ns, "ns"),
        )


def _tables(clients: ClientView) -> Iterator[Table]:
    times = clients.times
    if not isinstance(times, Unavailable):
        yield make_table("clients", "", COLUMNS, _rows(times))
    if clients.failed:
        rows = [Row((status, n)) for status, n in clients.failed]
        yield make_table("client_failures", "Calls that failed", FAILURE_COLUMNS, rows)


def _rows(times: ClientTimes) -> list[Row]:
    return [
        _row("the call", times.client),
        _row("its request in the trace", times.request),
        _row("the difference", times.outside),
    ]


def _row(part: str, time: Distribution) -> Row:
    return Row((part, time.n, time.mean_ns, time.p50_ns, time.p90_ns, time.p99_ns))
