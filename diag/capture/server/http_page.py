"""Reading a page of the server over HTTP: bounded in size and time, never led elsewhere."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from diag.errors import UsageError
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

PAGE_MAX_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
_EXAMPLES = {
    "--metrics": "http://localhost:8501/monitoring/prometheus/metrics",
    "--dcgm": "http://localhost:9400/metrics",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What was read, and when by this machine's wall clock.

    Attributes:
        body: Untouched.
        sent_unix_ns: Before connecting.
        received_unix_ns: After the last byte.
        cpu_ns: CPU time of the thread that read it.
    """

    body: bytes
    sent_unix_ns: int
    received_unix_ns: int
    cpu_ns: int = 0


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
    exchange = _Exchange(url, timeout_s, ca_cert, max_bytes)
    thread = threading.Thread(target=exchange.run, name="diag-scrape", daemon=True)
    thread.start()
    thread.join(timeout_s)
    found = exchange.answer  # before an answer that is given up looks like one that has ended
    exchange.give_up()
    late = f"{url} timed out: its answer did not end within {timeout_s:g} s"
    return found or Unavailable(late)


class _Exchange:
    """One request and its answer, on a thread that may be left behind.

    Only so the deadline is kept: a socket's own timeout begins anew with every byte, and looking up
    a name has none.
    """

    def __init__(self, url: str, timeout_s: float, ca_cert: Path | None, max_bytes: int) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._ca_cert = ca_cert
        self._max_bytes = max_bytes
        self._stream: socket.socket | None = None
        self._given_up = False
        self.answer: Page | Unavailable | None = None

    def run(self) -> None:
        sent_unix_ns = time.time_ns()
        try:
            body = self._get()
        except TimeoutError:
            return  # the deadline has passed as well
        except (OSError, http.client.HTTPException, ValueError) as exc:
            self.answer = Unavailable(f"{self._url} cannot be read: {_what(exc)}")
            return
        if isinstance(body, Unavailable):
            self.answer = Unavailable(f"{self._url} {body.reason}")
        else:
            self.answer = Page(body, sent_unix_ns, time.time_ns(), time.thread_time_ns())

    def give_up(self) -> None:
        """End whatever the thread still waits for; harmless if it does not."""
        self._given_up = True
        stream = self._stream
        if stream is not None:
            with suppress(OSError):  # not TLS's, which would wait for the other side
                socket.socket.shutdown(stream, socket.SHUT_RDWR)

    def _get(self) -> bytes | Unavailable:
        parts = urlsplit(self._url)
        kind = _CONNECTIONS[parts.scheme]
        connection = kind(parts.hostname or "", parts.port)
        try:
            self._stream = connection.sock = self._connected(connection, parts.scheme)
            if self._given_up:
                return Unavailable("is given up")
            if isinstance(self._stream, ssl.SSLSocket):
                self._stream.do_handshake()
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept": "*/*", "Connection": "close"})
            answer = connection.getresponse()
            with answer:
                if answer.status != http.client.OK:
                    return Unavailable(f"answered {answer.status} {answer.reason}".rstrip())
                return _body(answer, self._max_bytes)
        finally:
            self._stream = None
            connection.close()

    def _connected(self, connection: http.client.HTTPConnection, scheme: str) -> socket.socket:
        """A stream; over TLS not yet greeted, so that a greeting that drips can be given up."""
        context = None
        if scheme == "https":
            ca_file = str(self._ca_cert) if self._ca_cert else None
            context = ssl.create_default_context(cafile=ca_file)
        place = (connection.host, connection.port)
        stream = socket.create_connection(place, self._timeout_s)
        if context is None:
            return stream
        try:
            return context.wrap_socket(
                stream, server_hostname=connection.host, do_handshake_on_connect=False
            )
        except BaseException:
            stream.close()
            raise


def _what(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "its answer ended early"
    return str(error) or type(error).__name__


def _body(answer: http.client.HTTPResponse, max_bytes: int) -> bytes | Unavailable:
    announced = answer.length  # of a body in chunks or up to the connection's end: None
    chunks: list[bytes] = []
    size_bytes = 0
    while size_bytes != announced and (chunk := answer.read1(_CHUNK_BYTES)):
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            return Unavailable(f"is larger than {max_bytes >> 20} MiB")
    if announced is not None and size_bytes < announced:
        return Unavailable(f"ended early, after {size_bytes:,} of {announced:,} bytes")
    return b"".join(chunks)
