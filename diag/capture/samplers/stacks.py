"""Asks the stack sampler of a Python program (``diag.attach``) for samples during a recording."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from diag.capture.plan import AUTO, MS, OFF, SECOND
from diag.capture.server.http_page import Exchange, read_page
from diag.errors import BundleCorruptError
from diag.formats.bundle.stacks import decode_stacks
from diag.formats.limits import STACKS_MAX_BYTES
from diag.formats.trace.event_names import HOST_PLANE
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan
    from diag.capture.server.target import Target
    from diag.model.events import Space

# What diag/inside/stack_server.py answers.
_PATH = "/diag/stacks"
_HEADERS = {"Diag-Stacks": "1"}
_LOOK_TIMEOUT_S = 2.0
_LOOK_MAX_BYTES = 4096
# Samples go on until the recording has ended; this is for a client that has gone away.
_LONGER_NS = 5 * SECOND
_COLLECT_S = 20.0


class StackSampling:
    """Samples of the program's stacks from ``start`` to ``stop``."""

    def __init__(self, url: str, duration_ns: int) -> None:
        """Prepare; ``find_stacks`` finds the URL."""
        self.url = url
        limit_ns = duration_ns + _LONGER_NS
        self._exchange = Exchange(
            f"{url}?duration_ms={limit_ns // MS}",
            limit_ns / SECOND + _COLLECT_S,
            max_bytes=STACKS_MAX_BYTES,
            headers=_HEADERS,
        )

    def start(self) -> None:
        """Start sampling."""
        self._exchange.start()

    def stop(self) -> bytes | Unavailable:
        """Stop sampling; the document, or why there is none."""
        self._exchange.end_input()
        page = self._exchange.wait(_LONGER_NS / SECOND + _COLLECT_S)
        return page if isinstance(page, Unavailable) else page.body

    def close(self) -> None:
        """End without samples."""
        self._exchange.give_up()


def find_stacks(target: Target, plan: CapturePlan) -> StackSampling | Unavailable:
    """The stack sampler of the program, or why there is none.

    Args:
        target: The program's profiler server.
        plan: Has the URL, ``auto`` or ``off``.
    """
    if plan.stacks == OFF:
        return Unavailable("switched off for this capture")
    url = _url(target) if plan.stacks == AUTO else plan.stacks
    if isinstance(url, Unavailable):
        return url
    page = read_page(url, _LOOK_TIMEOUT_S, max_bytes=_LOOK_MAX_BYTES, headers=_HEADERS)
    if isinstance(page, Unavailable):
        where = f"at the next port ({target.port + 1})" if plan.stacks == AUTO else f"at {url}"
        return Unavailable(f"no stack sampler answers {where}")
    try:
        known = isinstance(json.loads(page.body)["pid"], int)
    except (ValueError, TypeError, KeyError, RecursionError):
        known = False
    if not known:
        return Unavailable(f"{url} is no stack sampler")
    return StackSampling(url, plan.duration_ns)


def _url(target: Target) -> str | Unavailable:
    """Where ``diag.attach`` listens by default: the port after the profiler's."""
    if target.family == socket.AF_UNIX:
        return Unavailable("a UNIX socket has no next port, where a stack sampler would listen")
    host = f"[{target.address}]" if target.family == socket.AF_INET6 else target.address
    return f"http://{host}:{target.port + 1}{_PATH}"


def checked_stacks(document: bytes | Unavailable, space: Space) -> bytes | Unavailable:
    """The document, if it is one and of the process that was traced."""
    if isinstance(document, Unavailable):
        return document
    try:
        samples = decode_stacks(document, space.origin_unix_ns, "the stack sampler's answer")
    except BundleCorruptError as exc:
        return Unavailable(f"{exc.message} ({exc.cause})")
    if isinstance(samples, Unavailable):
        return samples
    lines = {line.id for plane in space.planes if plane.name == HOST_PLANE for line in plane.lines}
    if len(samples) and lines.isdisjoint(samples.line_id.tolist()):
        return Unavailable("none of the sampled threads is in the trace: is it another process?")
    return document
