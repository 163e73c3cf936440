"""Comments of a GitHub issue or pull request.

API: docs.github.com/rest/issues/comments, version 2022-11-28. There is no API that attaches a file
to an issue: uploads work in the browser only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from diag.errors import UsageError
from diag.tickets.connection import check_url
from diag.tickets.ticket import EDITS, Posted, Step, footer, number_of

if TYPE_CHECKING:
    from diag.tickets.connection import Connection
    from diag.tickets.ticket import Ticket

_TARGET: Final = re.compile(r"([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})#(\d{1,10})")
_PAGE: Final = 100
PAGES_MAX: Final = 50
DEFAULT_URL: Final = "https://api.github.com"
_FILES: Final = "The report and the recording are with the author: GitHub's API attaches no files."


class GitHub:
    """An issue or pull request, ``OWNER/REPO#NUMBER``."""

    format = "markdown"
    takes_files = False

    def __init__(self, target: str, url: str | None = None) -> None:
        """Read the target.

        Args:
            target: As typed.
            url: Of the API; ``https://HOST/api/v3`` for GitHub Enterprise Server.

        Raises:
            UsageError: It is no such target.
        """
        found = _TARGET.fullmatch(target)
        if found is None:
            raise UsageError(f"`github` is {target!r}, not OWNER/REPO#NUMBER", parameter="github")
        owner, repository, self._number = found.groups()
        self._repository = f"/repos/{owner}/{repository}"
        self._path = f"{self._repository}/issues/{self._number}/comments"
        self.base_url = check_url(url or DEFAULT_URL)

    def headers(self, token: str) -> dict[str, str]:
        """Of every request."""
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def plan(self, ticket: Ticket) -> tuple[Step, ...]:
        """One comment."""
        return (Step(f"POST {self.base_url}{self._path} ({EDITS})", self._text(ticket)),)

    def post(self, ticket: Ticket, connection: Connection) -> Posted:
        """Create the comment, or edit it if it is there."""
        text, found = self._text(ticket), self._find(ticket, connection)
        if found is None:
            made = connection.send("POST", self._path, {"body": text})
            return Posted(_url(made), "created")
        if found.get("body") == text:
            return Posted(_url(found), "unchanged")
        path = f"{self._repository}/issues/comments/{number_of(found)}"
        return Posted(_url(connection.send("PATCH", path, {"body": text})), "updated")

    def _find(self, ticket: Ticket, connection: Connection) -> dict[str, Any] | None:
        for page in range(1, PAGES_MAX + 1):
            comments = connection.get(self._path, per_page=_PAGE, page=page)
            if not isinstance(comments, list):
                return None
            for comment in comments:
                if isinstance(comment, dict) and ticket.is_in(comment.get("body")):
                    return comment
            if len(comments) < _PAGE:
                return None
        return None

    def _text(self, ticket: Ticket) -> str:
        files = _FILES if ticket.attachments else ""
        return f"{ticket.texts[self.format].rstrip()}\n\n{footer(ticket, files)}"


def _url(comment: Any) -> str:
    url = comment.get("html_url") if isinstance(comment, dict) else None
    return url if isinstance(url, str) else ""
