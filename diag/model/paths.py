"""The way of one request through the server, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.model.events import Int64s


@dataclass(frozen=True, slots=True, eq=False)
class RequestPath:
    """Pieces that cover one request from begin to end, in time order, without overlap.

    Their time by stage is that of the request's row in the request table. Only where runs of one
    batch overlap each other can it differ: the row then counts both, the path the one begun first.

    Attributes:
        request: Row of the request table.
        start_ns: (n,) ns since the capture's origin.
        end_ns: (n,) half-open; above ``start_ns``.
        stage_index: (n,) into ``STAGES``.
        line: (n,) line of the host plane, that is the thread, whose event shows the piece; -1 where
            none does.
        batch: (n,) row of the batch table that the piece waits for or runs in, -1 for none.
        step: (n,) number of the run that the piece is part of, -1 outside runs.
    """

    request: int
    start_ns: Int64s
    end_ns: Int64s
    stage_index: Int64s
    line: Int64s
    batch: Int64s
    step: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)

    def merged(self) -> RequestPath:
        """With neighbours of one stage, batch and run as one piece; its line is the first one's."""
        begins = np.ones(len(self), np.bool_)
        begins[1:] = np.any(
            [np.diff(each) != 0 for each in (self.stage_index, self.batch, self.step)], axis=0
        )
        first = np.flatnonzero(begins)
        last = np.append(first, len(self))[1:] - 1
        return RequestPath(
            self.request,
            self.start_ns[first],
            self.end_ns[last],
            self.stage_index[first],
            self.line[first],
            self.batch[first],
            self.step[first],
        )
