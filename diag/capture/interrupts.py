"""Ctrl-C and SIGTERM while the server's profiler is held.

An exception that breaks into gRPC's own code can leave its locks taken and hang the program for
good. So within a shield, which the connection holds around all of its use of gRPC, a signal is only
remembered; the waiting loops there ask for it several times a second.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Within the ``with`` block the first signal is noted, once armed; any other one raises.

    Before ``arm`` (nothing is worth keeping yet), and for the second signal, KeyboardInterrupt is
    raised. Signals reach only the main thread; on any other thread this changes nothing.

    Attributes:
        noted: Whether the first signal came.
    """

    def __init__(self) -> None:
        self.noted = False
        self._armed = False
        self._shields = 0
        self._pending = False
        self._before: list[tuple[int, Any]] = []

    def arm(self) -> None:
        """From here on there is something to keep."""
        self._armed = True

    def was_noted(self) -> bool:
        """As ``noted``, to be passed as a function."""
        return self.noted

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Code that must not be broken into; shields may nest.

        Raises:
            KeyboardInterrupt: At the end of the outermost one, if a signal came that raises.
        """
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields:
            self.check()

    def check(self) -> None:
        """Raise now what a shield has held back.

        Raises:
            KeyboardInterrupt: If it has.
        """
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = [(number, signal.signal(number, self._handle)) for number in _SIGNALS]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._armed and not self.noted:
            self.noted = True
        elif self._shields:
            self._pending = True
        else:
            raise KeyboardInterrupt
