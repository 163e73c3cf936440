"""Handler threads: each open request holds one, and further ones wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Handlers:
    """A number of threads.

    Args:
        threads: How many.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._waiting: deque[Callable[[], None]] = deque()

    def come(self, begin: Callable[[], None]) -> None:
        """A request has come: begin it, now or when it is its turn."""
        if self._free:
            self._free -= 1
            begin()
        else:
            self._waiting.append(begin)

    def leave(self) -> None:
        """A request has its answer: its thread takes the one that waits longest."""
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1
