"""ClientSlots: a bounded number of clients that sample or are about to, and their log lines."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from diag.agent.limits import Limits

# Refused calls can come in any number; they get one log line per second at most.
_REFUSALS_PERIOD_NS = 1_000_000_000


@dataclass(eq=False, slots=True)
class Client:
    """A call of Sample.

    Attributes:
        context: gRPC's context of the call.
        since_ns: Monotonic time of the call.
        until_ns: Monotonic time when sampling must end; set once it starts.
    """

    context: grpc.ServicerContext
    since_ns: int
    until_ns: int = 0


class ClientSlots:
    """Reserves pending slots for calls without a request yet, then sampling slots."""

    def __init__(self, limits: Limits, log: Callable[[str], None]) -> None:
        """Start with all slots free.

        Args:
            limits: Number of slots and how long each can be used.
            log: Called with one line of text per client.
        """
        self.limits = limits
        self.log = log
        self._lock = threading.Lock()
        self._pending: list[Client] = []
        self._sampling: set[Client] = set()
        self._refused = 0
        self._refusal_logged_ns = -_REFUSALS_PERIOD_NS

    def reserve(self, context: grpc.ServicerContext) -> Client | None:
        """Reserve a pending slot. Returns None when all are taken.

        The longest pending call is cancelled to free a slot if it has waited longer than the grace
        period: a well-behaved client sends its request at once.
        """
        now_ns = time.monotonic_ns()
        client, oldest = Client(context, now_ns), None
        with self._lock:
            if len(self._pending) >= self.limits.pending_max:
                if now_ns - self._pending[0].since_ns < self.limits.pending_grace_ns:
                    return None
                oldest = self._pending.pop(0)
            self._pending.append(client)
        if oldest is not None:
            oldest.context.cancel()
        return client

    def start_sampling(self, client: Client) -> bool:
        """Move a client from its pending slot to a sampling slot.

        Returns:
            False if all sampling slots are taken or the call has ended; the pending slot is free
            in either case.
        """
        with self._lock:
            if client in self._pending:
                self._pending.remove(client)
            if len(self._sampling) >= self.limits.clients_max or not client.context.is_active():
                return False
            client.until_ns = time.monotonic_ns() + self.limits.duration_max_ns
            self._sampling.add(client)
        return True

    def release(self, client: Client) -> None:
        """Free the client's slot; no effect when called again."""
        with self._lock:
            self._sampling.discard(client)
            if client in self._pending:
                self._pending.remove(client)

    def cancel_overdue(self) -> None:
        """Cancel calls that sample or wait for their first request longer than the limits allow."""
        now_ns, limits = time.monotonic_ns(), self.limits
        with self._lock:
            overdue = [
                each for each in self._sampling if each.until_ns < now_ns - limits.overdue_ns
            ]
            pending_since_ns = now_ns - limits.first_request_ns
            overdue += [each for each in self._pending if each.since_ns < pending_since_ns]
        for client in overdue:
            client.context.cancel()

    def log_refusal(self, context: grpc.ServicerContext, reason: str) -> None:
        """Log a refused call; several within one second share a line."""
        now_ns = time.monotonic_ns()
        with self._lock:
            if now_ns - self._refusal_logged_ns < _REFUSALS_PERIOD_NS:
                self._refused += 1
                return
            others, self._refused, self._refusal_logged_ns = self._refused, 0, now_ns
        more = f" (and {others} calls before it)" if others else ""
        self.log(f"{context.peer()}: refused, {reason}{more}")
