"""Reading a page of the server over HTTP: bounded in size and time, never led elsewhere."""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from diag.errors import UsageError
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

PAGE_MAX_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
_EXAMPLES = {
    "--metrics": "http://localhost:8501/monitoring/prometheus/metrics",
    "--dcgm": "http://localhost:9400/metrics",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What was read, and when by this machine's wall clock."""

    body: bytes
    sent_unix_ns: int
    received_unix_ns: int


def check_url(url: str, option: str = "--metrics") -> str:
    """The URL, if it is one that can be read.

    Args:
        url: As typed.
        option: By which it came, for messages.

    Raises:
        UsageError: It is not http:// or https://, has no host, or holds credentials, which
            arguments show to every user of the machine.
    """
    try:
        parts = urlsplit(url)
        if parts.password is not None:
            raise UsageError(f"{option} holds a password, which every process listing shows")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{option} {url!r} is no http:// or https:// URL",
            hint=f"e.g. {option} {_EXAMPLES[option]}",
        )
    return url


def read_page(
    url: str, timeout_s: float, ca_cert: Path | None = None, *, max_bytes: int = PAGE_MAX_BYTES
) -> Page | Unavailable:
    """GET a page.

    Args:
        url: Of ``check_url``; a redirect is not followed.
        timeout_s: For all of it.
        ca_cert: For https; None trusts the system's authorities.
        max_bytes: More is not read.
    """
    deadline_s = time.monotonic() + timeout_s
    sent_unix_ns = time.time_ns()
    parts = urlsplit(url)
    try:
        connection = _connection(parts, timeout_s, ca_cert)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept": "*/*"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                return Unavailable(f"{url} answered {answer.status} {answer.reason}".rstrip())
            body = _body(answer, deadline_s, max_bytes)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return Unavailable(f"{url} cannot be read: {str(exc) or type(exc).__name__}")
    if isinstance(body, Unavailable):
        return Unavailable(f"{url} {body.reason}")
    return Page(body, sent_unix_ns, time.time_ns())


def _connection(
    parts: SplitResult, timeout_s: float, ca_cert: Path | None
) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(ca_cert) if ca_cert else None)
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)


def _body(
    answer: http.client.HTTPResponse, deadline_s: float, max_bytes: int
) -> bytes | Unavailable:
    chunks: list[bytes] = []
    size_bytes = 0
    while chunk := answer.read1(_CHUNK_BYTES):
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            return Unavailable(f"is larger than {max_bytes >> 20} MiB")
        if time.monotonic() > deadline_s:
            return Unavailable("did not end in time")
    return b"".join(chunks)
