"""Tokens and webhook URLs: from a private file or the environment, never from an argument."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from diag.capture.samplers.remote.token import check_private
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_VARIABLE: Final = "DIAG_TICKET_TOKEN"  # noqa: S105 - the name of a variable
WEBHOOK_VARIABLE: Final = "DIAG_TICKET_WEBHOOK"
_MAX_CHARS: Final = 4_096
# Anything that may stand in a header; Jira Cloud's has an e-mail address before a colon.
_PLAIN: Final = re.compile(r"[!-~]+")


def read_secret(path: Path | None, variable: str, parameter: str) -> str:
    """The one line of a file, else the value of a variable; "" if neither has one.

    Args:
        path: The file; None for the variable.
        variable: Name of the variable.
        parameter: The parameter that names the file, for messages.

    Raises:
        UsageError: The file cannot be read, others can read it, or it holds more than one line. No
            message quotes its content.
    """
    if path is None:
        text, where = os.environ.get(variable, "").strip(), f"the variable {variable}"
    else:
        check_private(path, parameter)
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_CHARS + 1).decode("ascii", "replace").strip()
        except OSError as exc:
            raise UsageError(
                f"`{parameter}` {path} cannot be read",
                cause=exc.strerror or "",
                parameter=parameter,
            ) from exc
        where = f"`{parameter}` {path}"
        if not text:
            raise UsageError(f"{where} is empty", parameter=parameter)
    if text and (len(text) > _MAX_CHARS or not _PLAIN.fullmatch(text)):
        raise UsageError(
            f"{where} holds more than one line of plain characters", parameter=parameter
        )
    return text
