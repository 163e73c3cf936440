"""Pieces of a request's path, put one after the other."""

from __future__ import annotations

import numpy as np

from diag.model.events import Int64s
from diag.model.paths import RequestPath
from diag.model.serving import Stage


class Chain:
    """Collects pieces in time order, each cut so that it begins where the one before ends."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self._at_ns = start_ns
        self._end_ns = end_ns
        self._parts: list[tuple[Int64s, ...]] = []

    @property
    def at_ns(self) -> int:
        """Where the chain has come to."""
        return self._at_ns

    def add(self, stage: Stage, end_ns: int, *, line: int = -1, batch: int = -1) -> None:
        """From where the chain has come to, until ``end_ns``; nothing if it is there already."""
        end_ns = min(end_ns, self._end_ns)
        if end_ns > self._at_ns:
            values = (self._at_ns, end_ns, stage.index, line, batch, -1)
            self._parts.append(tuple(np.array([value], np.int64) for value in values))
            self._at_ns = end_ns

    def add_run(
        self, start_ns: Int64s, end_ns: Int64s, stage: Int64s, line: Int64s, batch: int, step: int
    ) -> None:
        """Pieces of a run, ordered by start and disjoint; time before them is unattributed.

        Args:
            start_ns: (n,).
            end_ns: (n,).
            stage: (n,) index of each one's stage.
            line: (n,) line of the host plane, or -1.
            batch: Row of the batch table, or -1.
            step: Number of the run.
        """
        start_ns = np.clip(start_ns, self._at_ns, self._end_ns)
        end_ns = np.clip(end_ns, self._at_ns, self._end_ns)
        keep = end_ns > start_ns
        if not keep.any():
            return
        start_ns, end_ns = start_ns[keep], end_ns[keep]
        self.add(Stage.UNATTRIBUTED, int(start_ns[0]), batch=batch)
        of_run = (np.full(len(start_ns), value, np.int64) for value in (batch, step))
        self._parts.append((start_ns, end_ns, stage[keep], line[keep].astype(np.int64), *of_run))
        self._at_ns = int(end_ns[-1])

    def path(self, request: int, hidden: Int64s) -> RequestPath:
        """The finished path.

        Args:
            request: Row of the request table.
            hidden: Indices of the stages that no event bounds: their time is unattributed.
        """
        if not self._parts:
            return RequestPath(request, *(np.empty(0, np.int64) for _ in range(6)))
        start, end, stage, line, batch, step = map(np.concatenate, zip(*self._parts, strict=True))
        stage = np.where(np.isin(stage, hidden), Stage.UNATTRIBUTED.index, stage)
        return RequestPath(request, start, end, stage, line, batch, step)
