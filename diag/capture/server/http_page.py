"""Reads a page over HTTP with limits on size and time, without following redirects."""

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

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE_MAX_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read, with times of this machine's wall clock.

    Attributes:
        body: The page as received.
        sent_unix_ns: Time before connecting.
        received_unix_ns: Time after the last byte.
        cpu_ns: CPU time of the thread that read the page.
    """

    body: bytes
    sent_unix_ns: int
    received_unix_ns: int
    cpu_ns: int = 0


def read_page(
    url: str,
    timeout_s: float,
    ca_cert: Path | None = None,
    *,
    max_bytes: int = PAGE_MAX_BYTES,
    headers: Mapping[str, str] | None = None,
) -> Page | Unavailable:
    """Read a page, or say why it cannot be read.

    Args:
        url: A URL that ``diag.capture.address.check_url`` accepts; redirects are not followed.
        timeout_s: Time allowed for the whole exchange.
        ca_cert: Certificate authority for https; None trusts the system's authorities.
        max_bytes: Largest page; a larger one is refused.
        headers: Sent in addition.
    """
    exchange = Exchange(url, timeout_s, ca_cert, max_bytes=max_bytes, headers=headers)
    exchange.start()
    return exchange.wait(timeout_s)


class Exchange:
    """One request and its answer, on a thread that is abandoned after the deadline.

    A socket's timeout restarts with every byte, and resolving a name has no timeout; only a thread
    of its own keeps the deadline.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float,
        ca_cert: Path | None = None,
        *,
        max_bytes: int = PAGE_MAX_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; see ``read_page``."""
        self._url = url
        self._timeout_s = timeout_s
        self._ca_cert = ca_cert
        self._max_bytes = max_bytes
        self._headers = headers or {}
        self._stream: socket.socket | None = None
        self._given_up = False
        self._answer: Page | Unavailable | None = None
        self._thread = threading.Thread(target=self._run, name="diag-scrape", daemon=True)

    def start(self) -> None:
        """Send the request."""
        self._thread.start()

    def end_input(self) -> None:
        """Tell the other side that nothing more is sent; TLS cannot say that."""
        stream = self._stream
        if stream is not None and not isinstance(stream, ssl.SSLSocket):
            with suppress(OSError):
                stream.shutdown(socket.SHUT_WR)

    def wait(self, timeout_s: float) -> Page | Unavailable:
        """The answer, or why there is none within the time; ends the exchange."""
        self._thread.join(timeout_s)
        found = self._answer  # before give_up, which ends an unfinished exchange with an error
        self.give_up()
        late = f"{self._url} timed out: the answer was not complete within {self._timeout_s:g} s"
        return found or Unavailable(late)

    def _run(self) -> None:
        sent_unix_ns = time.time_ns()
        try:
            body = self._get()
        except TimeoutError:
            return  # the deadline has passed as well
        except (OSError, http.client.HTTPException, ValueError) as exc:
            self._answer = Unavailable(f"{self._url} cannot be read: {_what(exc)}")
            return
        if isinstance(body, Unavailable):
            self._answer = Unavailable(f"{self._url} {body.reason}")
        else:
            self._answer = Page(body, sent_unix_ns, time.time_ns(), time.thread_time_ns())

    def give_up(self) -> None:
        """Abort the exchange; no effect if it has ended."""
        self._given_up = True
        stream = self._stream
        if stream is not None:
            with suppress(OSError):  # the plain socket's: that of TLS waits for the other side
                socket.socket.shutdown(stream, socket.SHUT_RDWR)

    def _get(self) -> bytes | Unavailable:
        parts = urlsplit(self._url)
        kind = _CONNECTIONS[parts.scheme]
        connection = kind(parts.hostname or "", parts.port)
        try:
            self._stream = connection.sock = self._connected(connection, parts.scheme)
            if self._given_up:
                return Unavailable("was aborted")
            if isinstance(self._stream, ssl.SSLSocket):
                self._stream.do_handshake()
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Accept": "*/*", "Connection": "close", **self._headers}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            with answer:
                if answer.status != http.client.OK:
                    return Unavailable(f"answered {answer.status} {answer.reason}".rstrip())
                return _body(answer, self._max_bytes)
        finally:
            self._stream = None
            connection.close()

    def _connected(self, connection: http.client.HTTPConnection, scheme: str) -> socket.socket:
        """A connected socket; the TLS handshake comes later, so that ``give_up`` can abort it."""
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
        return "the answer ended early"
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
