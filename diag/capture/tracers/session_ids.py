"""Profiling session ids that cannot be guessed: knowing one is enough to end the session."""

from __future__ import annotations

import secrets


def new_session_id() -> str:
    """128 random bits as a name that is also a safe file name on the server."""
    return f"diag-{secrets.token_hex(16)}"
