"""Handles Ctrl-C and SIGTERM during a capture.

An exception raised inside gRPC code can leave gRPC's locks taken and hang the program. Inside a
shield, which the connection puts around all gRPC code, a signal is only recorded; the loops there
check for it several times a second.
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
    """A context manager that replaces the handlers of SIGINT and SIGTERM.

    Before ``arm`` a signal raises KeyboardInterrupt, because there is no data to keep. After it,
    the first signal only sets ``noted``; the second raises KeyboardInterrupt. Python delivers
    signals to the main thread only; on another thread this has no effect.

    Attributes:
        noted: Whether the first signal after ``arm`` came.
    """

    def __init__(self) -> None:
        self.noted = False
        self._armed = False
        self._shields = 0
        self._pending = False
        self._before: list[tuple[int, Any]] = []

    def arm(self) -> None:
        """From now on the first signal ends the recording early instead of raising."""
        self._armed = True

    def was_noted(self) -> bool:
        """The value of ``noted``, as a function to pass on."""
        return self.noted

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Delay KeyboardInterrupt until the end of the block; shields can be nested.

        Raises:
            KeyboardInterrupt: At the end of the outermost block, if one was delayed.
        """
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields:
            self.check()

    def check(self) -> None:
        """Raise a KeyboardInterrupt that a shield has delayed.

        Raises:
            KeyboardInterrupt: If one was delayed.
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
