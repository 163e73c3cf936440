"""Visits: the clients that sample now or are about to, how many and how long; a log line each."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from diag.agent.limits import Limits

# Refused clients may come without end; they get a line a second at most.
_REFUSALS_PERIOD_NS = 1_000_000_000


@dataclass(eq=False, slots=True)
class Client:
    """A client that samples, or has not said yet what.

    Attributes:
        context: gRPC's, by which it can be sent away.
        since_ns: Monotonic; when it called.
        until_ns: Monotonic; when it must have ended. Counted from its first request on.
    """

    context: grpc.ServicerContext
    since_ns: int
    until_ns: int = 0


class ClientSlots:
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
        self._waiting: list[Client] = []
        self._present: set[Client] = set()
        self._refused = 0
        self._refusal_logged_ns = -_REFUSALS_PERIOD_NS

    def wait(self, context: grpc.ServicerContext) -> Client | None:
        """A place to say what is wanted, to be left again; None if there is none.

        Whoever has waited longest makes room: a client that means it speaks at once.
        """
        now_ns = time.monotonic_ns()
        client, oldest = Client(context, now_ns), None
        with self._lock:
            if len(self._waiting) >= self.limits.waiting_max:
                if now_ns - self._waiting[0].since_ns < self.limits.waiting_grace_ns:
                    return None
                oldest = self._waiting.pop(0)
            self._waiting.append(client)
        if oldest is not None:
            oldest.context.cancel()
        return client

    def enter(self, client: Client) -> bool:
        """Give a client that said what it wants a place to sample; whether there is one."""
        with self._lock:
            if client in self._waiting:
                self._waiting.remove(client)
            if len(self._present) >= self.limits.clients_max or not client.context.is_active():
                return False
            client.until_ns = time.monotonic_ns() + self.limits.duration_max_ns
            self._present.add(client)
        return True

    def leave(self, client: Client) -> None:
        """Free its place; harmless when called again."""
        with self._lock:
            self._present.discard(client)
            if client in self._waiting:
                self._waiting.remove(client)

    def cancel_overdue(self) -> None:
        """Cancel the streams of clients that neither read nor go, or that say nothing."""
        now_ns, limits = time.monotonic_ns(), self.limits
        with self._lock:
            overdue = [each for each in self._present if each.until_ns < now_ns - limits.overdue_ns]
            silent_ns = now_ns - limits.first_request_ns
            overdue += [each for each in self._waiting if each.since_ns < silent_ns]
        for client in overdue:
            client.context.cancel()

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
