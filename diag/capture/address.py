"""Addresses as users write them: ``HOST:PORT``, ``[IPv6]:PORT``, ``unix:/path``, and URLs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from diag.errors import UsageError

UNIX_PREFIX = "unix:"
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})")

_EXAMPLES = {
    "url": "http://host:8501/monitoring/prometheus/metrics",
    "metrics": "http://localhost:8501/monitoring/prometheus/metrics",
    "dcgm": "http://localhost:9400/metrics",
}


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


def check_url(url: str, parameter: str) -> str:
    """Check a URL and return it.

    Args:
        url: The URL.
        parameter: The parameter that holds it, of ``_EXAMPLES``, for messages.

    Raises:
        UsageError: The URL is not http:// or https://, has no host, or contains a password, which
            every user of the machine can see in the process list.
    """
    try:
        parts = urlsplit(url)
        if parts.password is not None:
            message = f"`{parameter}` contains a password, which every process listing shows"
            raise UsageError(message, parameter=parameter)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"`{parameter}` {url!r} is not an http:// or https:// URL",
            hint=f"for example {_EXAMPLES[parameter]}",
            parameter=parameter,
        )
    return url
