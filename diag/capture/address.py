"""Addresses as users write them: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``."""

from __future__ import annotations

import re

from diag.errors import UsageError

UNIX_PREFIX = "unix:"
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})")


def parse_address(text: str, parameter: str, port_min: int = 1) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPv6]:PORT``; path and 0 of ``unix:/path``.

    Args:
        text: The address.
        parameter: The parameter that holds it, for messages.
        port_min: 0 if the system may choose the port, else 1.

    Raises:
        UsageError: ``text`` is not an address.
    """
    if text.startswith(UNIX_PREFIX):
        path = text.removeprefix(UNIX_PREFIX)
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path:
            raise _error(f"`{parameter}` {text!r} lacks the path of the socket", parameter)
        return path, 0
    match = _HOST_PORT.fullmatch(text)
    if match is None or not port_min <= int(match["port"]) < 65536:
        raise _error(f"`{parameter}` {text!r} is not HOST:PORT", parameter)
    return match["v6"] or match["host"], int(match["port"])


def _error(message: str, parameter: str) -> UsageError:
    hint = "for example localhost:8500, '[::1]:8500' or unix:/run/tfs.sock"
    return UsageError(message, hint=hint, parameter=parameter)
