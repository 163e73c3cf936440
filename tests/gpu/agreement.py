"""An analysis held against the server's own log, on one host's clock.

The log brackets what the trace shows: a request's root event begins after ``run_start`` was read
and ends before ``run_end`` was, a batch's after and before ``taken`` and ``end``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.intervals.sets import intersect, subtract, union
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.model.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis import Analysis
    from tests.gpu.clocked_log import BatchLog, RequestLog, Truth


@dataclass(frozen=True, slots=True)
class Chain:
    """A recorded request beside what the log says of it.

    Attributes:
        request: Row of the request table.
        batch: Row of the batch table.
        log: The request in the log.
        batch_log: Its batch there.
    """

    request: int
    batch: int
    log: RequestLog
    batch_log: BatchLog


class LogComparison:
    """Times of the log in ns since the capture's origin, cut at its window.

    Args:
        analysis: Of a bundle recorded from the server.
        truth: That server's log.

    Raises:
        ValueError: The trace does not tell its wall clock.
    """

    def __init__(self, analysis: Analysis, truth: Truth) -> None:
        origin = analysis.capture.origin_unix_ns
        if isinstance(origin, Unavailable):
            raise ValueError(origin.reason)
        self._analysis, self._truth, self.origin_unix_ns = analysis, truth, origin
        window = analysis.capture.window
        self._window = IntervalSet(np.array([window.start_ns]), np.array([window.end_ns]))

    def open_set(self) -> IntervalSet:
        """When any request was between the handler's question and the batcher's answer."""
        return self._set((row.run_start_unix_ns, row.run_end_unix_ns) for row in self._requests)

    def computing_set(self) -> IntervalSet:
        """When any batch was between its inputs' arrival on the device and its scores."""
        return self._set((row.copied_unix_ns, row.ready_unix_ns) for row in self._truth.batches)

    def asked_share(self, cause: IdleCause) -> float:
        """How much of the idle time with a request open has this cause, 0 to 1.

        Between the first and the last request that the trace holds whole: what the window cut has
        left no evidence.
        """
        requests, gaps = self._analysis.requests, self._analysis.gaps
        whole = np.flatnonzero(requests.complete)
        first, last = requests.start_ns[whole].min(), requests.end_ns[whole].max()
        asked = intersect(self.open_set(), IntervalSet(np.array([first]), np.array([last])))
        chosen = gaps.cause_index == cause.index
        by_cause = union(gaps.start_ns[chosen], gaps.end_ns[chosen])
        idle = union(gaps.start_ns, gaps.end_ns)
        return intersect(asked, by_cause).total_ns / max(1, intersect(asked, idle).total_ns)

    def no_demand_ns(self) -> int:
        """How long no request was open."""
        return subtract(self._window, self.open_set()).total_ns

    def starved_without_request_ns(self) -> int:
        """Idle time that the analysis calls starvation although no request was open."""
        gaps = self._analysis.gaps
        starved = np.array([cause.is_starvation for cause in IDLE_CAUSES])[gaps.cause_index]
        called = union(gaps.start_ns[starved], gaps.end_ns[starved])
        return intersect(called, subtract(self._window, self.open_set())).total_ns

    def whole_batches(self) -> list[BatchLog]:
        """Batches of the log that were taken and ended within the window."""
        low, high = (self.origin_unix_ns + int(edge[0]) for edge in self._window.edges)
        return [
            row
            for row in self._truth.batches
            if low <= row.taken_unix_ns and row.end_unix_ns <= high
        ]

    def chains(self) -> list[Chain]:
        """Every complete request by its batch's id; of one batch, in the order of their starts."""
        analysis = self._analysis
        requests, batches = analysis.requests, analysis.batches
        logs = {int(row.id): row for row in self._truth.batches}
        asked: dict[int, list[RequestLog]] = {}
        for row in self._requests:
            asked.setdefault(row.batch, []).append(row)
        members: dict[int, list[int]] = {}
        for request in np.flatnonzero(requests.complete):
            batch = int(requests.batch_index[requests.batch_offsets[request]])
            members.setdefault(batch, []).append(int(request))
        found = []
        for batch, rows in members.items():
            log = logs[int(batches.id[batch])]
            if len(asked[log.number]) == len(rows):  # else the window cut some of them
                pairs = zip(rows, asked[log.number], strict=True)
                found += [Chain(request, batch, told, log) for request, told in pairs]
        return found

    @property
    def _requests(self) -> list[RequestLog]:
        return sorted(self._truth.requests, key=lambda row: row.run_start_unix_ns)

    def _set(self, spans: Iterable[tuple[int, int]]) -> IntervalSet:
        edges = np.array(list(spans), np.int64).reshape(-1, 2) - self.origin_unix_ns
        return intersect(union(edges[:, 0], edges[:, 1]), self._window)
