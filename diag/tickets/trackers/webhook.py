"""An incoming webhook of Slack, or of a service that takes the same document.

API: docs.slack.dev, "Sending messages using incoming webhooks" and "Text object": a section has at
most 3,000 characters, a message at most 50 blocks. A webhook can neither edit a message nor take a
file, so what was sent is remembered, and the same text is not sent twice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from diag.tickets.connection import check_url
from diag.tickets.ticket import Posted, Step, footer

if TYPE_CHECKING:
    from diag.tickets.connection import Connection
    from diag.tickets.sent import Sent
    from diag.tickets.ticket import Ticket

SECTION_MAX_CHARS: Final = 3_000
BLOCKS_MAX: Final = 50
_FILES: Final = "The report and the recording are with the author: a webhook takes no files."


class Webhook:
    """A URL that takes a message; its path is a secret."""

    format = "slack"
    takes_files = False

    def __init__(self, url: str, sent: Sent) -> None:
        """Read the URL.

        Args:
            url: The whole of it.
            sent: What earlier runs have sent.

        Raises:
            UsageError: It is no https URL.
        """
        check_url(url.partition("?")[0], "webhook")
        parts = urlsplit(url)
        self.base_url = f"{parts.scheme}://{parts.netloc}"
        self._url, self._sent = url, sent
        self._path = url.removeprefix(self.base_url) or "/"

    @property
    def secret(self) -> str:
        """The part of the URL that lets anybody post."""
        return self._path if len(self._path) > 1 else ""

    def headers(self, token: str) -> dict[str, str]:
        """A webhook needs no token; one that is given is sent as that of a bearer."""
        return {"Authorization": f"Bearer {token}"} if token else {}

    def plan(self, ticket: Ticket) -> tuple[Step, ...]:
        """One message."""
        return (Step(f"POST {self.base_url}/…", self._text(ticket)),)

    def post(self, ticket: Ticket, connection: Connection) -> Posted:
        """Send the message, unless the same one was sent."""
        text = self._text(ticket)
        digest = hashlib.sha256(f"{self._url}\n{text}".encode()).hexdigest()
        if self._sent.has(digest):
            return Posted("", "unchanged")
        connection.send("POST", self._path, payload(text))
        self._sent.add(digest)
        return Posted("", "created")

    def _text(self, ticket: Ticket) -> str:
        files = _FILES if ticket.attachments else ""
        return f"{ticket.texts[self.format].rstrip()}\n\n{footer(ticket, files)}"


def payload(text: str) -> dict[str, Any]:
    """The document: the first line for notifications, all of the text in sections.

    ``verbatim`` keeps Slack from making links and mentions of what is not marked as one.
    """
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": each, "verbatim": True}}
        for each in _pieces(text)
    ]
    return {"text": text.partition("\n")[0], "blocks": sections[:BLOCKS_MAX]}


def _pieces(text: str) -> list[str]:
    """Whole paragraphs, as many in a piece as fit; a longer one is cut."""
    pieces = [""]
    for paragraph in filter(None, text.split("\n\n")):
        joined = f"{pieces[-1]}\n\n{paragraph}" if pieces[-1] else paragraph
        if len(joined) <= SECTION_MAX_CHARS:
            pieces[-1] = joined
        else:
            end = "\n```" if paragraph.startswith("```") else "…"
            fits = len(paragraph) <= SECTION_MAX_CHARS
            pieces.append(paragraph if fits else paragraph[: SECTION_MAX_CHARS - 4] + end)
    return [piece for piece in pieces if piece]
