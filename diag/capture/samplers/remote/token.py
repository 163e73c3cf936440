"""The token that an agent and its clients share, and checks of files that hold secrets."""

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
# 16 random hex digits hold 64 bits, too many to guess over a network.
TOKEN_MIN_CHARS = 16
TOKEN_MAX_CHARS = 512
# Source: RFC 6750, section 2.1, b64token.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_OTHERS = stat.S_IRWXO
_GROUP_WRITES = stat.S_IWGRP


def read_token(path: Path | None = None, parameter: str = "agent.token") -> str:
    """Read the token from a file, else from the variable DIAG_AGENT_TOKEN; "" if neither has one.

    Args:
        path: A file with one line; None for the variable.
        parameter: The parameter that holds the token, for messages.

    Raises:
        UsageError: The file cannot be read, other users can access it, or it holds no valid token.
            No message quotes its content.
    """
    if path is None:
        text, where = os.environ.get(TOKEN_VARIABLE, ""), f"the variable {TOKEN_VARIABLE}"
        return _checked(text.strip(), where, parameter) if text.strip() else ""
    check_private(path, parameter)
    try:
        with path.open("rb") as file:
            data = file.read(TOKEN_MAX_CHARS + 2)
    except OSError as exc:
        raise _unreadable(path, parameter, exc) from exc
    return _checked(data.decode("ascii", "replace").strip(), f"`{parameter}` {path}", parameter)


def check_private(path: Path, parameter: str) -> None:
    """Refuse a secret file that all users can access or its group can write.

    The group may read it, because Kubernetes passes secrets to containers without root that way.

    Args:
        path: The file.
        parameter: The parameter that names the file, for messages.

    Raises:
        UsageError: Others can access the file, it does not exist, or it is not a regular file.
    """
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise _unreadable(path, parameter, exc) from exc
    if not stat.S_ISREG(mode):
        raise UsageError(f"`{parameter}` {path} is not a regular file", parameter=parameter)
    if mode & (_OTHERS | _GROUP_WRITES):
        raise UsageError(
            f"`{parameter}` {path} can be accessed by other users (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {path}; in Kubernetes: defaultMode: 0440 in the secret's volume",
            parameter=parameter,
        )


def is_authorized(token: str, value: str | bytes | None) -> bool:
    """Whether a metadata value carries the token, compared in constant time."""
    given = value.encode() if isinstance(value, str) else (value or b"")
    return hmac.compare_digest(given, bearer(token).encode())


def _unreadable(path: Path, parameter: str, error: OSError) -> UsageError:
    cause = error.strerror or ""
    return UsageError(f"`{parameter}` {path} cannot be read", cause=cause, parameter=parameter)


def _checked(token: str, where: str, parameter: str) -> str:
    if not TOKEN_MIN_CHARS <= len(token) <= TOKEN_MAX_CHARS or not _TOKEN.fullmatch(token):
        raise UsageError(
            f"{where} holds no valid token: {TOKEN_MIN_CHARS} to {TOKEN_MAX_CHARS} letters and "
            "digits",
            hint="create one: openssl rand -hex 32",
            parameter=parameter,
        )
    return token
