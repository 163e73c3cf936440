"""Limits: what clients may take of an agent."""

from __future__ import annotations

from dataclasses import dataclass

from diag.capture.samplers.remote.protocol import DURATION_MAX_NS, MESSAGE_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take of an agent.

    Attributes:
        clients_max: How many sample at a time.
        buffer_max_samples: How many samples of a source wait for a client that reads slowly.
        duration_max_ns: How long one may sample.
        waiting_max: How many may have called to sample and not yet said what.
        waiting_grace_ns: How long one of them keeps its place against another that comes.
        first_request_ns: How long it may keep it at all.
        overdue_ns: How long after that a client that does not read is sent away.
        message_max_bytes: Of one reply.
    """

    clients_max: int = 4
    buffer_max_samples: int = 500
    duration_max_ns: int = DURATION_MAX_NS
    waiting_max: int = 4
    waiting_grace_ns: int = 500_000_000
    first_request_ns: int = 5_000_000_000
    overdue_ns: int = 5_000_000_000
    message_max_bytes: int = MESSAGE_MAX_BYTES
