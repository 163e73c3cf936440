"""Notes of a GitLab issue, with uploads of its project.

API: docs.gitlab.com/api/notes and /api/project_markdown_uploads, v4. Uploads cannot be listed
without the role of a maintainer, so links to earlier ones are taken from the note itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from diag.errors import UsageError
from diag.tickets.connection import check_url
from diag.tickets.ticket import EDITS, Posted, Step, footer, number_of

if TYPE_CHECKING:
    from diag.tickets.connection import Connection
    from diag.tickets.ticket import Attachment, Ticket

_TARGET: Final = re.compile(r"([\w.-]+(?:/[\w.-]+)+)#(\d{1,10})", re.ASCII)
_UPLOAD: Final = re.compile(r"/uploads/[0-9a-f]{16,64}/[\w.-]+", re.ASCII)
_PAGE: Final = 100
PAGES_MAX: Final = 50
DEFAULT_URL: Final = "https://gitlab.com"


class GitLab:
    """An issue, ``GROUP/PROJECT#NUMBER``."""

    format = "markdown"
    takes_files = True

    def __init__(self, target: str, url: str | None = None) -> None:
        """Read the target.

        Args:
            target: As typed.
            url: Of the GitLab, without ``/api/v4``.

        Raises:
            UsageError: It is no such target.
        """
        found = _TARGET.fullmatch(target)
        if found is None:
            raise UsageError(
                f"`gitlab` is {target!r}, not GROUP/PROJECT#NUMBER", parameter="gitlab"
            )
        self._project, self._number = found.groups()
        self._site = check_url(url or DEFAULT_URL)
        self.base_url = f"{self._site}/api/v4"
        project = f"/projects/{quote(self._project, safe='')}"
        self._notes = f"{project}/issues/{self._number}/notes"
        self._uploads = f"{project}/uploads"

    def headers(self, token: str) -> dict[str, str]:
        """Of every request."""
        return {"PRIVATE-TOKEN": token}

    def plan(self, ticket: Ticket) -> tuple[Step, ...]:
        """Each file, then a note with links to them."""
        uploads = [
            Step(f"POST {self.base_url}{self._uploads}", f"{file.name}, {len(file.data):,} bytes")
            for file in ticket.attachments
        ]
        text = _text(ticket, {file.name: "/uploads/…" for file in ticket.attachments})
        return (*uploads, Step(f"POST {self.base_url}{self._notes} ({EDITS})", text))

    def post(self, ticket: Ticket, connection: Connection) -> Posted:
        """Upload what the note does not link yet, then create or edit the note."""
        found = self._find(ticket, connection)
        body = str(found["body"]) if found else ""
        links, refused = {}, []
        for file in ticket.attachments:
            known = re.search(rf"\[{re.escape(file.name)}\]\(({_UPLOAD.pattern})\)", body)
            link, why = (known[1], "") if known else self._upload(file, connection)
            if why:
                refused.append((file.name, why))
            else:
                links[file.name] = link
        text = _text(ticket, links)
        if found is None:
            made, how = connection.send("POST", self._notes, {"body": text}), "created"
        elif body == text:
            made, how = found, "unchanged"
        else:
            path = f"{self._notes}/{number_of(found)}"
            made, how = connection.send("PUT", path, {"body": text}), "updated"
        return Posted(self._url(made), how, tuple(links), tuple(refused))

    def _upload(self, file: Attachment, connection: Connection) -> tuple[str, str]:
        """Where the file is, or why it is not there."""
        answer, why = connection.upload(self._uploads, file)
        url = answer.get("url") if isinstance(answer, dict) else None
        if not why and not (isinstance(url, str) and _UPLOAD.fullmatch(url)):
            why = "the answer to the upload has no link"
        return str(url), why

    def _find(self, ticket: Ticket, connection: Connection) -> dict[str, Any] | None:
        for page in range(1, PAGES_MAX + 1):
            order: dict[str, str | int] = {"sort": "asc", "order_by": "created_at"}
            notes = connection.get(self._notes, per_page=_PAGE, page=page, **order)
            if not isinstance(notes, list):
                return None
            for note in notes:
                if isinstance(note, dict) and ticket.is_in(note.get("body")):
                    return note
            if len(notes) < _PAGE:
                return None
        return None

    def _url(self, note: Any) -> str:
        number = note.get("id") if isinstance(note, dict) else None
        place = f"{self._site}/{self._project}/-/issues/{self._number}"
        return f"{place}#note_{number}" if isinstance(number, int) else place


def _text(ticket: Ticket, links: dict[str, str]) -> str:
    named = ", ".join(f"[{name}]({url})" for name, url in links.items())
    files = f"Files: {named}." if named else ""
    return f"{ticket.texts['markdown'].rstrip()}\n\n{footer(ticket, files)}"
