"""What every tracker can do; a module of ``trackers/`` each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from diag.tickets.connection import Connection
    from diag.tickets.ticket import Posted, Step, Ticket


class Tracker(Protocol):
    """Where tickets go.

    Attributes:
        format: Of the text, by the name of a report format.
        base_url: Address of the API, without secrets.
        takes_files: Whether it has an API for attachments.
    """

    format: str
    base_url: str
    takes_files: bool

    def headers(self, token: str) -> dict[str, str]:
        """Headers of every request."""

    def plan(self, ticket: Ticket) -> tuple[Step, ...]:
        """The requests that ``post`` makes, apart from those that only read."""

    def post(self, ticket: Ticket, connection: Connection) -> Posted:
        """Make the ticket, or bring it up to date; made again after a failure, it repeats nothing.

        Raises:
            TicketError: The tracker refuses.
            TransientError: It may take it later.
        """
