"""What clients logged of their own calls: begin, end and status, by the clients' clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.model.events import Bools, Int32s, Int64s

OK = "OK"
NO_STATUS = ""  # the log does not say how the call ended


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClientLog:
    """Calls in order of their end.

    Attributes:
        name: Of the file.
        start_unix_ns: (n,) int64, when the client began the call; wall clock of the client.
        end_unix_ns: (n,) int64, half-open end, when it had the answer; the same clock.
        status_index: (n,) int32, into ``statuses``.
        statuses: Names of gRPC status codes, ``HTTP 503``, or ``NO_STATUS``.
        skipped: Entries of the file that are no finished call to the server, such as other spans.
    """

    name: str
    start_unix_ns: Int64s
    end_unix_ns: Int64s
    status_index: Int32s
    statuses: tuple[str, ...]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.start_unix_ns)

    def __repr__(self) -> str:
        return f"ClientLog({self.name!r}, {len(self):,} calls)"

    @property
    def answered(self) -> Bools:
        """(n,) bool: calls that were answered, or of which the log does not say how they ended."""
        good = np.array([each in (OK, NO_STATUS) for each in self.statuses], bool)
        return good[self.status_index] if len(self) else np.zeros(0, bool)
