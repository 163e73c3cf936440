"""Gives sampled stacks of this process to ``diag capture``, over HTTP on one port.

``GET /diag/stacks`` says who answers; ``GET /diag/stacks?duration_ms=N`` samples for N ms, or until
the client ends its side of the connection, and answers with the document of docs/bundle-format.md.
Requests need a header that web pages cannot send to another site. One request is served at a time.
"""

from __future__ import annotations

import http.server
import io
import json
import os
import select
import shutil
import socket
import tempfile
import threading
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from .document import write_stacks
from .sampler import StackSampler

PATH = "/diag/stacks"
HEADER = "Diag-Stacks"
DURATION_MAX_MS = 600_000
_REQUEST_TIMEOUT_S = 5.0
_POLL_S = 0.05


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = _REQUEST_TIMEOUT_S
    server_version = "diag"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query).get("duration_ms", [""])[0]
        if parts.path != PATH or self.headers.get(HEADER) != "1":
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not asked:
            self._answer(io.BytesIO(json.dumps({"pid": os.getpid()}).encode()))
        elif not asked.isdecimal() or not 0 < int(asked[:9]) <= DURATION_MAX_MS:
            self.send_error(HTTPStatus.BAD_REQUEST)
        else:
            self._sample(int(asked[:9]) / 1e3)

    def _sample(self, duration_s: float) -> None:
        sampler = StackSampler({threading.get_ident()})
        sampler.start()
        try:
            self._wait(duration_s)
        finally:
            sampler.stop()
        with tempfile.TemporaryFile() as file:
            text = io.TextIOWrapper(file, "utf-8")
            write_stacks(sampler, text)
            text.flush()
            file.seek(0)
            self._answer(file)
            text.detach()

    def _wait(self, duration_s: float) -> None:
        """Until the time is over or the client has ended its side."""
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([self.connection], [], [], min(_POLL_S, left_s))[0]:
                return

    def _answer(self, body: io.IOBase) -> None:
        size = body.seek(0, os.SEEK_END)
        body.seek(0)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        shutil.copyfileobj(body, self.wfile)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: stderr is the program's."""


class StackServer(http.server.HTTPServer):
    """Listens from its construction on; ``start`` begins to answer."""

    allow_reuse_address = True

    def __init__(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: The port is in use, or the address is not this machine's.
        """
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        os.register_at_fork(after_in_child=self.server_close)

    def start(self) -> None:
        """Answer on a thread of its own."""
        threading.Thread(target=self.serve_forever, name="diag-stacks", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client has gone away."""
