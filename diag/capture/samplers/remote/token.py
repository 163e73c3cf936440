"""The secret that an agent and its clients share, and the files that hold secrets."""

from __future__ import annotations

import hmac
import os
import re
import stat
from typing import TYPE_CHECKING

from diag.capture.samplers.remote.protocol import bearer
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_VARIABLE = "DIAG_AGENT_TOKEN"  # noqa: S105 - the name of a variable
# 16 random hex digits hold 64 bits, more than can be guessed through a network.
TOKEN_MIN_CHARS = 16
TOKEN_MAX_CHARS = 512
# Source: RFC 6750, section 2.1, b64token.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_OTHERS = stat.S_IRWXO
_GROUP_WRITES = stat.S_IWGRP


def read_token(path: Path | None, option: str) -> str:
    """The token in a file, else in the variable DIAG_AGENT_TOKEN, else "".

    Args:
        path: A file of one line; None for the variable.
        option: That named the file, for messages.

    Raises:
        UsageError: The file cannot be read, is open to others, or holds no token. No message
            quotes what it holds.
    """
    if path is None:
        text, where = os.environ.get(TOKEN_VARIABLE, ""), f"the variable {TOKEN_VARIABLE}"
        return _checked(text.strip(), where) if text.strip() else ""
    check_private(path, option)
    try:
        with path.open("rb") as file:
            data = file.read(TOKEN_MAX_CHARS + 2)
    except OSError as exc:
        raise UsageError(f"{option} {path} cannot be read", cause=exc.strerror or "") from exc
    return _checked(data.decode("ascii", "replace").strip(), f"{option} {path}")


def check_private(path: Path, option: str) -> None:
    """Refuse a file with a secret that every user of the machine can read, or its group change.

    The group may read: that is how Kubernetes hands a secret to a container that is not root.

    Raises:
        UsageError: It is open to others, is not there, or is a pipe, which may never end.
    """
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise UsageError(f"{option} {path} cannot be read", cause=exc.strerror or "") from exc
    if not stat.S_ISREG(mode):
        raise UsageError(f"{option} {path} is not a regular file")
    if mode & (_OTHERS | _GROUP_WRITES):
        raise UsageError(
            f"{option} {path} is open to others (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {path}; in Kubernetes: defaultMode: 0440 in the secret's volume",
        )


def is_authorized(token: str, value: str | bytes | None) -> bool:
    """Whether metadata carry the token; takes as long for a near miss as for any other."""
    given = value.encode() if isinstance(value, str) else (value or b"")
    return hmac.compare_digest(given, bearer(token).encode())


def _checked(token: str, where: str) -> str:
    if not TOKEN_MIN_CHARS <= len(token) <= TOKEN_MAX_CHARS or not _TOKEN.fullmatch(token):
        raise UsageError(
            f"{where} holds no token: {TOKEN_MIN_CHARS} to {TOKEN_MAX_CHARS} letters and digits",
            hint="make one: openssl rand -hex 32",
        )
    return token
