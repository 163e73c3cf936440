"""post(): a ticket to a tracker, with retries that repeat nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from diag.tickets.connection import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.tickets.connection import Connection
    from diag.tickets.ticket import Posted, Ticket
    from diag.tickets.tracker import Tracker

# Seconds before each further attempt; a service that asks for longer gets up to the limit.
DELAYS_S: Final = (1.0, 3.0, 9.0)
DELAY_MAX_S: Final = 60.0


def post(
    tracker: Tracker,
    ticket: Ticket,
    connection: Connection,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Posted:
    """Post a ticket; each attempt first looks for what an earlier one has done.

    Args:
        tracker: Where to.
        ticket: What.
        connection: Open.
        sleep: Waits between attempts.

    Raises:
        TicketError: The tracker refuses, or is not reached in ``len(DELAYS_S) + 1`` attempts.
    """
    for delay_s in (*DELAYS_S, None):
        try:
            return tracker.post(ticket, connection)
        except TransientError as exc:  # noqa: PERF203 - a request takes far longer
            if delay_s is None:
                raise exc.error from exc
            sleep(min(max(delay_s, exc.retry_after_s), DELAY_MAX_S))
    raise AssertionError("the last attempt returns or raises")
