"""Comments and attachments of a Jira issue, Cloud or Data Center.

API: developer.atlassian.com, REST v2, which takes wiki markup. A token with a colon is the e-mail
address and API token of Jira Cloud, any other a personal access token of a Data Center.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from diag.errors import UsageError
from diag.tickets.connection import check_url
from diag.tickets.ticket import EDITS, Posted, Step, footer, number_of

if TYPE_CHECKING:
    from diag.tickets.connection import Connection
    from diag.tickets.ticket import Ticket

_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,50}-\d{1,10}")
_PAGE: Final = 100
COMMENTS_MAX: Final = 5_000
# Without it, Jira takes an upload for a forged form (its documentation, "Special headers").
_UPLOAD_HEADERS: Final = {"X-Atlassian-Token": "no-check"}


class Jira:
    """An issue by its key, ``OPS-17``."""

    format = "jira"
    takes_files = True

    def __init__(self, target: str, url: str | None = None) -> None:
        """Read the key.

        Args:
            target: As typed.
            url: Of the Jira, without ``/rest``.

        Raises:
            UsageError: It is no key, or there is no URL.
        """
        if _KEY.fullmatch(target) is None:
            raise UsageError(f"`jira` is {target!r}, not a key such as OPS-17", parameter="jira")
        if url is None:
            raise UsageError(
                "`jira` needs the address of your Jira",
                retry={"url": "https://example.atlassian.net"},
                parameter="url",
            )
        self._key = target
        self.base_url = check_url(url)
        self._issue = f"/rest/api/2/issue/{target}"

    def headers(self, token: str) -> dict[str, str]:
        """Of every request."""
        if ":" in token:
            return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
        return {"Authorization": f"Bearer {token}"}

    def plan(self, ticket: Ticket) -> tuple[Step, ...]:
        """Each file, then a comment that names them."""
        uploads = [
            Step(
                f"POST {self.base_url}{self._issue}/attachments",
                f"{file.name}, {len(file.data):,} bytes",
            )
            for file in ticket.attachments
        ]
        text = _text(ticket, [file.name for file in ticket.attachments])
        return (*uploads, Step(f"POST {self.base_url}{self._issue}/comment ({EDITS})", text))

    def post(self, ticket: Ticket, connection: Connection) -> Posted:
        """Attach what is not there yet, then create or edit the comment."""
        issue = connection.get(self._issue, fields="attachment")
        present = {
            each.get("filename"): each.get("size")
            for each in _listed(issue, "fields", "attachment")
            if isinstance(each, dict)
        }
        attached, refused = [], []
        for file in ticket.attachments:
            why = ""
            if present.get(file.name) != len(file.data):
                _, why = connection.upload(f"{self._issue}/attachments", file, _UPLOAD_HEADERS)
            if why:
                refused.append((file.name, why))
            else:
                attached.append(file.name)
        text, found = _text(ticket, attached), self._find(ticket, connection)
        if found is None:
            made, how = connection.send("POST", f"{self._issue}/comment", {"body": text}), "created"
        elif found.get("body") == text:
            made, how = found, "unchanged"
        else:
            path = f"{self._issue}/comment/{number_of(found)}"
            made, how = connection.send("PUT", path, {"body": text}), "updated"
        return Posted(self._url(made), how, tuple(attached), tuple(refused))

    def _find(self, ticket: Ticket, connection: Connection) -> dict[str, Any] | None:
        for start in range(0, COMMENTS_MAX, _PAGE):
            page = connection.get(f"{self._issue}/comment", startAt=start, maxResults=_PAGE)
            comments = _listed(page, "comments")
            for comment in comments:
                if isinstance(comment, dict) and ticket.is_in(comment.get("body")):
                    return comment
            total = page.get("total") if isinstance(page, dict) else None
            if not comments or not isinstance(total, int) or start + len(comments) >= total:
                return None
        return None

    def _url(self, comment: Any) -> str:
        number = comment.get("id") if isinstance(comment, dict) else None
        place = f"{self.base_url}/browse/{self._key}"
        return f"{place}?focusedCommentId={number}" if str(number).isdigit() else place


def _listed(document: Any, *keys: str) -> list[Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, list) else []


def _text(ticket: Ticket, attached: list[str]) -> str:
    files = f"Files: {', '.join(f'[^{name}]' for name in attached)}." if attached else ""
    return f"{ticket.texts['jira'].rstrip()}\n\n{footer(ticket, files)}"
