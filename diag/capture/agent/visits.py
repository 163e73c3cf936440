"""Visits: the clients that sample now, how many and how long, and a line for each in the log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from diag.capture.agent.limits import Limits

# Refused clients may come without end; they get a line a second at most.
_REFUSALS_PERIOD_NS = 1_000_000_000


@dataclass(eq=False, slots=True)
class Visit:
    """A client that samples.

    Attributes:
        context: gRPC's, by which it can be sent away.
        until_ns: Monotonic; when it must have ended.
    """

    context: grpc.ServicerContext
    until_ns: int


class Visits:
    """Admits a bounded number of clients at a time."""

    def __init__(self, limits: Limits, log: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            limits: How many may sample at a time, and how long each.
            log: Given a line for each client.
        """
        self.limits = limits
        self.log = log
        self._lock = threading.Lock()
        self._present: set[Visit] = set()
        self._refused = 0
        self._refusal_logged_ns = -_REFUSALS_PERIOD_NS

    def enter(self, context: grpc.ServicerContext) -> Visit | None:
        """A place for the client, to be left again; None if there is none."""
        visit = Visit(context, time.monotonic_ns() + self.limits.duration_max_ns)
        with self._lock:
            if len(self._present) >= self.limits.clients_max:
                return None
            self._present.add(visit)
        return visit

    def leave(self, visit: Visit) -> None:
        """Free its place; harmless when called again."""
        with self._lock:
            self._present.discard(visit)

    def send_overdue_away(self) -> None:
        """Cancel the streams of clients that neither read nor go."""
        late_ns = time.monotonic_ns() - self.limits.overdue_ns
        with self._lock:
            overdue = [visit for visit in self._present if visit.until_ns < late_ns]
        for visit in overdue:
            visit.context.cancel()

    def log_refusal(self, context: grpc.ServicerContext, reason: str) -> None:
        """Note that a client was refused; many in a second share a line."""
        now_ns = time.monotonic_ns()
        with self._lock:
            if now_ns - self._refusal_logged_ns < _REFUSALS_PERIOD_NS:
                self._refused += 1
                return
            others, self._refused, self._refusal_logged_ns = self._refused, 0, now_ns
        more = f" (and {others} before it)" if others else ""
        self.log(f"{context.peer()}: refused, {reason}{more}")
