"""The load on a simulated server: recorded arrivals, or clients that wait for their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.model.events import Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Requests that come whether or not earlier ones are answered (open loop).

    Attributes:
        start_ns: (n,) begin of the request, ascending enqueue not required.
        before_ns: (n,) time from its begin to its enqueue.
        after_ns: (n,) time from the end of its last batch to its own end; negative where the
            answer leaves before ProcessBatch returns.
        rows: (n,) rows, at least 1.
        queue: (n,) index of its queue.
    """

    start_ns: Int64s
    before_ns: Int64s
    after_ns: Int64s
    rows: Int64s
    queue: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)

    def at(self, chosen: Int64s, start_ns: Int64s) -> Arrivals:
        """Some of the requests, at other times.

        Args:
            chosen: (m,) positions, repeats allowed.
            start_ns: (m,) their begins.
        """
        return Arrivals(
            start_ns,
            self.before_ns[chosen],
            self.after_ns[chosen],
            self.rows[chosen],
            self.queue[chosen],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Clients:
    """Clients that each have one request open at a time (closed loop).

    Attributes:
        count: Number of clients.
        kinds: Requests to draw from; their ``start_ns`` has no meaning.
        after_ns: (m,) times from the end of a request's last batch to its own end, batch after
            batch.
        think_ns: (m,) times from each of these answers to the client's next request.
        first: (b,) where the answers of a batch begin. The requests of a simulated batch take
            consecutive ones from there: what delays one of them delays the others.
    """

    count: int
    kinds: Arrivals
    after_ns: Int64s
    think_ns: Int64s
    first: Int64s

    def places(self, requests: int) -> list[int]:
        """Where the answers of the recorded batches begin that had nearest to so many requests."""
        sizes = np.diff(self.first, append=len(self.think_ns))
        far = np.abs(sizes - requests)
        return [int(place) for place in self.first[far == far.min()]]


Load = Arrivals | Clients
