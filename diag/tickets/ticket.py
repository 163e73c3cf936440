"""What is posted, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diag.errors import TicketError

_MARK = "diag ticket"
EDITS = "or an edit of the comment, if it is there"  # of a dry run


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with the text.

    Attributes:
        name: Says ticket, kind and content, so that a file of the same name is the same file.
        content_type: Media type.
        data: Content.
    """

    name: str
    content_type: str
    data: bytes


def attachment(
    ticket_id: str, kind: str, suffix: str, content_type: str, data: bytes
) -> Attachment:
    """A file named ``diag-<ticket>-<kind>-<8 digits of its SHA-256><suffix>``."""
    digest = hashlib.sha256(data).hexdigest()[:8]
    return Attachment(f"diag-{ticket_id}-{kind}-{digest}{suffix}", content_type, data)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One capture for a tracker.

    Attributes:
        id: The same for the same capture; ``mark`` in a comment tells that it is this ticket's.
        texts: By format: ``markdown``, ``jira``, ``slack``.
        attachments: In order of importance.
    """

    id: str
    texts: Mapping[str, str]
    attachments: tuple[Attachment, ...]

    @property
    def mark(self) -> str:
        """What the last line of the text contains."""
        return f"{_MARK} {self.id}"

    def is_in(self, body: object) -> bool:
        """Whether a comment is this ticket's: its last line has the mark, and is no quotation."""
        lines = body.strip().splitlines() if isinstance(body, str) else []
        return bool(lines) and self.mark in lines[-1] and not lines[-1].startswith(">")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a dry run.

    Attributes:
        request: Method and URL, without secrets.
        content: What is sent: a text, or the name and size of a file.
    """

    request: str
    content: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a ticket.

    Attributes:
        url: Of the comment; "" where the tracker tells none.
        how: ``created``, ``updated`` or ``unchanged``.
        attached: Names of the files that are attached now.
        refused: Name and reason of each file that is not, although the tracker takes files.
    """

    url: str
    how: str
    attached: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def number_of(comment: Mapping[str, Any]) -> int:
    """The id of a comment, to edit it.

    Raises:
        TicketError: It has none.
    """
    id_ = comment.get("id")
    if isinstance(id_, bool) or not isinstance(id_, int | str) or not str(id_).isdecimal():
        raise TicketError("the tracker's comment has no id, so it cannot be edited")
    return int(id_)


def footer(ticket: Ticket, files: str) -> str:
    """The last line of a text.

    Args:
        ticket: Whose mark it bears.
        files: A sentence about the attachments; "" for none.
    """
    return " ".join(filter(None, (files, f"({ticket.mark})")))
