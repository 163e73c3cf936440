"""Serve until the user interrupts."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from diag.errors import ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diag.demo.processes import DemoServer

CHECK_PERIOD_S = 0.5


def serve_until_interrupted(server: DemoServer, log: Path, invite: Callable[[], None]) -> None:
    """Wait for Ctrl-C or SIGTERM; call it from the main thread.

    Args:
        server: The server that the user tries out.
        log: Its log.
        invite: Tells the user of Ctrl-C. It is called once Ctrl-C ends the wait alone: before
            that, it would end the command as an error.

    Raises:
        ServerUnreachableError: The server ended without a signal.
    """
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        invite()
        while not stop.wait(CHECK_PERIOD_S):
            if not server.is_running:
                raise ServerUnreachableError("the demo server ended", hint=f"its log is {log}")
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
