"""Names that nobody can guess: whoever knows a session's id can end it, or read its file."""

from __future__ import annotations

import secrets


def new_session_id() -> str:
    """128 random bits in a form that is also a safe file name on the server."""
    return f"diag-{secrets.token_hex(16)}"
