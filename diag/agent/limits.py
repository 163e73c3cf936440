"""Limits: bounds on what clients can use of an agent."""

from __future__ import annotations

from dataclasses import dataclass

from diag.capture.samplers.remote.protocol import DURATION_MAX_NS, MESSAGE_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what clients can use of an agent.

    Attributes:
        clients_max: Clients that can sample at the same time.
        buffer_max_samples: Buffered samples per source for a client that reads slowly.
        duration_max_ns: Longest time that one client can sample.
        pending_max: Calls that can wait for their first request at the same time.
        pending_grace_ns: Time after which a new call can replace the longest pending one.
        first_request_ns: Time after which a call without a request is cancelled.
        overdue_ns: Time beyond ``duration_max_ns`` after which a client is cancelled that does not
            read its samples.
        message_max_bytes: Largest reply.
    """

    clients_max: int = 4
    buffer_max_samples: int = 500
    duration_max_ns: int = DURATION_MAX_NS
    pending_max: int = 4
    pending_grace_ns: int = 500_000_000
    first_request_ns: int = 5_000_000_000
    overdue_ns: int = 5_000_000_000
    message_max_bytes: int = MESSAGE_MAX_BYTES
